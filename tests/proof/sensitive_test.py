#!/usr/bin/env python3
"""Proves that what a `sensitive` column holds is nowhere but in the database and in the answers of who may read it.

A marker goes into sensitive columns by every way there is (create, update, upsert, batch, command, load, a refused body, a
filter in the address) while each statement counts as slow and the log is at its most talkative; then the log, the dump, the
audit log, the metrics, the traces' headers and the body of every error are searched for it, in clear and in base64, hex and percent encoding.
The search itself is tried on a log that does hold it.

    tests/proof/sensitive_test.py --binary build/dev/mettle
"""
import base64
import pathlib
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rig  # noqa: E402

MARK = "Zq7markerVx"
NUMBER = "987650123456"  # the same for a column of numbers
APP = """mettle: 1
app: clinic
auth:
  table: people
  roles: [nurse]
  profile: [iban]
tables:
  people:
    columns:
      iban: {type: text, optional: true, max: 60, sensitive: true}
  patients:
    columns:
      name: {type: text, max: 80}
      secret: {type: text, min: 3, max: 60, match: "^[A-Za-z0-9 '-]*$", unique: true, sensitive: true}
      number: {type: int, optional: true, min: 0, max: 999999999999, sensitive: true}
      paper: {type: json, optional: true, sensitive: true}
    checks: [{check: "!row.secret.startsWith('bad')", message: no bad ones}]
    access: {read: "row.secret != 'nobody'", write: "'nurse' in auth.roles"}
  visits:
    columns: {patient_id: {references: patients, on_delete: restrict}, what: {type: text, max: 20}}
    access: {read: "true", write: "'nurse' in auth.roles"}
commands:
  admit:
    input: {name: {type: text}, secret: {type: text}}
    access: "'nurse' in auth.roles"
    steps:
      - insert: {patients: {name: =input.name, secret: =input.secret}}
        as: patient
    returns: =patient
  doubt:
    input: {secret: {type: text}}
    access: "'nurse' in auth.roles"
    steps:
      - insert: {patients: {name: x, secret: =input.secret}}
      - check: "false"
        else: {status: 409, code: doubtful, detail: "this cannot be"}
queries:
  by_secret:
    input: {secret: {type: text}}
    access: "'nurse' in auth.roles"
    sql: SELECT count(*) AS n FROM patients WHERE secret = :secret
    returns: {n: int}
routes:
  POST /note:
    input: {secret: {type: text}}
    access: "true"
    respond: {status: 204}
    after:
      - {insert: {patients: {name: n, secret: =input.secret}}, as: made}
      - {check: "false", else: {status: 409, code: odd, detail: "not {made.secret}"}}
"""


def forms(text):
    """How a text could stand in a file."""
    plain = text.encode()
    return {"clear": plain, "hex": plain.hex().encode(), "percent": "".join(f"%{byte:02X}" for byte in plain).encode(),
            **{f"base64+{shift}": base64.b64encode(b"\0" * shift + plain)[(4 if shift else 0):-4] for shift in range(3)}}


def holds(content, marks=(MARK, NUMBER)):
    """The forms of the marks that the bytes hold."""
    return [f"{mark} ({name})" for mark in marks for name, form in forms(mark).items() if form in content]


class Sensitive(unittest.TestCase):
    def quiet(self, answer, status):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(holds(answer.body), [], answer)
        for name, value in answer.headers.items():
            self.assertEqual(holds(value.encode()), [], name)

    def test_the_search_finds_what_is_there(self):
        for name, form in forms(MARK).items():
            self.assertTrue(holds(b"x" + form + b"y"), name)
        for shift in range(3):
            self.assertTrue(holds(base64.b64encode(b"a" * shift + MARK.encode() + b"tail")), shift)

    def test_it_is_nowhere_else(self):
        with rig.App(APP, "--slow-statement 1us --log-level debug --log-format json") as app:
            nurse = app.key("nurse")
            self.write(app, nurse)
            self.refuse(app, nurse)
            self.read(app, nurse)
            self.sign_in(app)
            self.dump_and_load(app)
            audit = app.run("audit", "--data", app.data, "--json")[0]
            self.assertIn(b"sign_in", audit)
            self.assertEqual(holds(audit), [])
            metrics = app.ask("GET", "/metrics", want=200).body
            self.assertEqual(holds(metrics), [])
            app.close()
            app.server.stop()
            log = app.server.log().encode()
            self.assertIn(b"slow statement", log, "statements were to be logged")
            self.assertIn(b"steps after an answer failed", log)
            self.assertEqual(holds(log), [], [line for line in log.splitlines() if holds(line)][:5])
            self.crash(app, nurse)

    def write(self, app, nurse):
        first = app.ask("POST", "/api/v1/patients", {"name": "a", "secret": MARK + "1", "number": int(NUMBER),
                                                     "paper": {"x": MARK}}, nurse,
                        want=201)
        self.assertIn(MARK, first.body.decode(), "who may read it reads it")
        address = first.headers["Location"]
        app.ask("PATCH", address, {"secret": MARK + "2"}, nurse, want=200)
        app.ask("PATCH", "/api/v1/patients?secret=eq." + MARK + "2", {"name": "b"}, nurse, want=200)
        app.ask("POST", "/api/v1/patients?on_conflict=secret", {"name": "c", "secret": MARK + "2"}, nurse,
                {"Prefer": "resolution=merge-duplicates"}, want=200)
        batch = [{"method": "POST", "path": "/patients", "body": {"name": "d", "secret": MARK + "3"}, "as": "p"},
                 {"method": "POST", "path": "/visits", "body": {"patient_id": "$p.id", "what": "x"}}]
        app.ask("POST", "/api/v1/batch", {"operations": batch}, nurse, want=200)
        app.ask("POST", "/api/v1/commands/admit", {"name": "e", "secret": MARK + "4"}, nurse, {"Idempotency-Key": "k1"},
                want=200)
        self.quiet(app.ask("POST", "/note", {"secret": MARK + "6"}), 204)

    def refuse(self, app, nurse):
        row = {"name": "f", "secret": MARK + "2"}
        self.quiet(app.ask("POST", "/api/v1/patients", row, nurse), 409)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "secret": "bad" + MARK}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "secret": MARK + "!"}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "secret": MARK * 9}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "secret": [MARK]}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "number": NUMBER + "9"}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "number": int(NUMBER + "9")}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", {**row, "nothing": MARK}, nurse), 422)
        self.quiet(app.ask("POST", "/api/v1/patients", b'{"name": "f", "secret": "' + MARK.encode() + b'" x}', nurse),
                   400)
        self.quiet(app.ask("POST", "/api/v1/patients", b'{"secret": ' + MARK.encode() + b"}", nurse), 400)
        self.quiet(app.ask("POST", "/api/v1/patients", row), 401)
        broken = [{"method": "POST", "path": "/patients", "body": {"name": "g", "secret": MARK + "7"}},
                  {"method": "POST", "path": "/patients", "body": {"name": "h", "secret": MARK + "7"}}]
        self.quiet(app.ask("POST", "/api/v1/batch", {"operations": broken}, nurse), 409)
        self.quiet(app.ask("POST", "/api/v1/commands/doubt", {"secret": MARK + "8"}, nurse), 409)
        self.quiet(app.ask("POST", "/api/v1/commands/admit", {"name": "i", "secret": MARK + "4"}, nurse), 409)
        self.quiet(app.ask("POST", "/api/v1/commands/admit", {"name": "i", "secret": [MARK]}, nurse), 422)
        # The same key with another body: the first one's content is not told.
        self.quiet(app.ask("POST", "/api/v1/commands/admit", {"name": "j", "secret": MARK + "5"}, nurse,
                           {"Idempotency-Key": "k1"}), 422)
        page = app.ask("GET", "/api/v1/patients?select=id&secret=eq." + MARK + "3", want=200).json
        self.quiet(app.ask("DELETE", "/api/v1/patients/" + page["items"][0]["id"], token=nurse), 409)

    def read(self, app, nurse):
        for query in ("secret=eq." + MARK, "secret=like." + MARK + "*&order=secret&select=id", f"number=gt.{NUMBER}"):
            self.assertEqual(app.ask("GET", "/api/v1/patients?select=id&" + query.replace("&select=id", "")).status,
                             200)
        for query in ("secret=" + MARK, "secret=eq" + MARK, "secret=is." + MARK, "secret=in.(" + MARK,
        "secret=match." + MARK + "[",
                      "number=eq." + MARK, "or=(secret." + MARK + ")", "not.or=(name.eq.x,secret.eq." + MARK,
                                                                                "paper->>x=" + MARK,
                      "select=*,visits(*)&visits.what=eq.x&secret=like" + MARK, f"number={NUMBER}", "secret=in." + MARK,
                      "paper=eq." + MARK, "secret=not." + MARK, urllib.parse.quote("secret") + "=%00" + MARK):
            self.quiet(app.ask("GET", "/api/v1/patients?" + query, token=nurse), 400)
        self.quiet(app.ask("GET", "/api/v1/queries/by_secret?secret=" + MARK, token=nurse), 200)
        self.quiet(app.ask("DELETE", "/api/v1/patients?secret=eq." + MARK), 401)

    def sign_in(self, app):
        body = {"email": "p@example.com", "password": rig.PASSWORD, "iban": MARK}
        app.ask("POST", "/auth/register", body, want=201)
        token = app.ask("POST", "/auth/login", {name: body[name] for name in ("email", "password")},
                        want=200).json["access_token"]
        app.ask("PATCH", "/auth/me", {"iban": MARK + "2"}, token, want=200)
        self.quiet(app.ask("PATCH", "/auth/me", {"iban": MARK * 9}, token), 422)
        self.quiet(app.ask("POST", "/auth/register", body), 409)
        self.quiet(app.ask("POST", "/auth/login", {**body, "password": "wrong horse battery"}), 422)

    def dump_and_load(self, app):
        for table in ("patients", "people"):
            for form in ("csv", "ndjson"):
                whole, talk = app.run("data", "dump", app.file, table, "--data", app.data, "--format", form,
                                      "--with-sensitive")
                self.assertTrue(holds(whole), "the search would find it")
                masked, said = app.run("data", "dump", app.file, table, "--data", app.data, "--format", form)
                self.assertEqual(holds(masked + said + talk), [])
                self.assertEqual(masked.count(b"\n"), whole.count(b"\n"))
        for text in (MARK + "2", MARK + "!", "bad" + MARK):  # taken, no match, a check
            for flags in ([], ["--json"], ["--skip-bad", "--restart"]):
                (app.folder / "rows.csv").write_text(f"name,secret\nz,{text}\n")
                out, said = app.run("data", "load", app.file, "patients", "rows.csv", "--data", app.data, *flags,
                                    want=None)
                self.assertEqual(holds(out + said), [], text)

    def crash(self, app, nurse):
        """What a killed server says, and the one after it."""
        app.server.start()
        app.close()
        app.ask("POST", "/api/v1/patients", {"name": "k", "secret": MARK + "k"}, nurse, want=201)
        app.close()
        app.server.kill()
        app.server.start()
        app.ask("GET", "/api/v1/patients?select=id&secret=eq." + MARK + "k", want=200)
        app.close()
        app.server.stop()
        self.assertEqual(holds(app.server.log().encode()), [])


if __name__ == "__main__":
    rig.main(__doc__)
