#!/usr/bin/env python3
"""Proves that a text comes back as it was given: byte for byte, whatever it holds and whichever way it goes.

Some six hundred texts (tests/proof/naughty.py: controls, every plane's edges, right-to-left, injections into SQL, rules, HTML, shells,
templates, spreadsheets and our own query grammar, numbers and words as text, long ones, and some by chance) go in by create,
PATCH, PUT, batch, command, route and load, and are read by the answer, the list, a filter (bare, in a list, in a group), the order, cursors, a
query in SQL, a natural key in the address, a json column and a dump, which is loaded elsewhere. What is no text is refused, and
nothing of it is kept.

    tests/proof/naughty_test.py --binary build/dev/mettle
    NAUGHTY_SEED=7 tests/proof/naughty_test.py …      # the texts by chance of another seed; a failure names the seed and the text
"""
import csv
import io
import json
import os
import pathlib
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import naughty  # noqa: E402
import rig  # noqa: E402

APP = """mettle: 1
app: texts
auth: {roles: [writer]}
tables:
  notes:
    columns:
      n: {type: int}
      text: {type: text}
      more: {type: json, optional: true}
    indexes: [[text]]
    access: {read: "true", write: "'writer' in auth.roles"}
  names:
    key: name
    columns: {name: {type: text, min: 1, max: 200}, twin: {type: text, optional: true}}
    access: {read: "true", write: "'writer' in auth.roles"}
commands:
  keep:
    input: {n: {type: int}, text: {type: text}}
    access: "'writer' in auth.roles"
    steps:
      - insert: {notes: {n: =input.n, text: =input.text}}
        as: note
      - get: {notes: "row.id == note.id && row.text == input.text"}
        as: same
        expect_rows: 1
        else: {status: 409, code: not_the_same}
    returns: =same
queries:
  find:
    input: {text: {type: text}}
    access: "true"
    sql: SELECT n, text FROM notes WHERE text = :text ORDER BY n
    returns: {n: int, text: text}
routes:
  POST /echo:
    input: {text: {type: text}}
    access: "true"
    respond: {status: 200, body: {text: =input.text}}
"""
SEED = int(os.environ.get("NAUGHTY_SEED", "1"))
ALL = naughty.texts(SEED)
BATCH = 100


def quoted(text):
    return urllib.parse.quote(text, safe="")


def listed(text):
    """As a value of a list or a group stands in quotes."""
    return quoted('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


class Naughty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.app = rig.App(APP, "--log-requests false").__enter__()
        cls.writer = cls.app.key("writer")

    @classmethod
    def tearDownClass(cls):
        cls.app.__exit__(None)

    def same(self, what, found, wanted=None):
        wanted = [text for _, text in ALL] if wanted is None else wanted
        self.assertEqual(len(found), len(wanted), what)
        for got, want in zip(found, wanted):
            if got != want:
                name = next((name for name, text in ALL if text == want), "?")
                self.fail(f"{what}: {name} {ascii(want)[:300]} came back as {ascii(got)[:300]} (NAUGHTY_SEED={SEED})")

    def ask(self, method, path, body=None, want=200):
        return self.app.ask(method, path, body, self.writer, want=want)

    def rows(self, path):
        """Every row of the list, by cursor."""
        out, cursor = [], ""
        while True:
            page = self.ask("GET", path + (f"&cursor={cursor}" if cursor else "")).json
            out += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return out

    def empty(self):
        self.ask("DELETE", "/api/v1/notes?n=gte.0", want=204)

    def fill(self, ascii_only=True):
        """All of them by one POST; in the order of ALL by `n`."""
        self.empty()
        rows = [{"n": n, "text": text, "more": {text: [text]}} for n, (_, text) in enumerate(ALL)]
        body = json.dumps(rows, ensure_ascii=ascii_only).encode()
        return self.app.ask("POST", "/api/v1/notes", body, self.writer, want=201).json["items"]

    def test_1_many_at_once_escaped_or_not(self):
        for ascii_only in (True, False):
            made = self.fill(ascii_only)
            self.same("the answer to a create", [row["text"] for row in made])
            self.same("a json column", [row["more"] for row in made], [{text: [text]} for _, text in ALL])
            self.same("the list", [row["text"] for row in self.rows("/api/v1/notes?order=n&limit=1000")])

    def test_2_one_at_a_time(self):
        self.empty()
        self.same("a create", [self.ask("POST", "/api/v1/notes", {"n": n, "text": text}, 201).json["text"] for n, (_,
        text) in enumerate(ALL)])
        self.same("a route", [self.ask("POST", "/echo", {"text": text}).json["text"] for _, text in ALL])

    def test_3_changed_in_batches_and_by_command(self):
        made = [row["id"] for row in self.fill()]
        turned = [text for _, text in ALL[1:] + ALL[:1]]
        for method, wanted in (("PATCH", turned), ("PUT", [text for _, text in ALL])):
            for begin in range(0, len(ALL), BATCH):
                operations = [{"method": method, "path": f"/notes/{made[n]}", "body": {"n": n, "text": wanted[n]}}
                              for n in range(begin, min(begin + BATCH, len(ALL)))]
                # `$` at the beginning of a text refers to another operation; doubled it is itself.
                for operation in operations:
                    if operation["body"]["text"].startswith("$"):
                        operation["body"]["text"] = "$" + operation["body"]["text"]
                results = self.ask("POST", "/api/v1/batch", {"operations": operations}).json["results"]
                self.same(f"a {method} in a batch", [one["body"]["text"] for one in results],
                          wanted[begin:begin + BATCH])
            self.same(f"the list after {method}",
                      [row["text"] for row in self.rows("/api/v1/notes?order=n&limit=1000")], wanted)
        self.empty()
        short = [(n, text) for n, (_, text) in enumerate(ALL)][::3]
        self.same("a command", [self.ask("POST", "/api/v1/commands/keep", {"n": n, "text": text}).json["text"] for n,
                                text in short],
                  [text for _, text in short])

    def test_4_filters_find_it_and_nothing_else(self):
        self.fill()
        forms = {"eq": "text=eq.{0}", "in": "text=in.(%22%22,{1},%22{2}%22)", "group": "or=(text.eq.{1},n.lt.0)"}
        for name, form in forms.items():
            found = []
            for n, (_, text) in enumerate(ALL):
                if len(text) > 2000:
                    found.append(text)  # longer than an address may be
                    continue
                form_n = form if text or name != "in" else "text=in.(%22%22)"
                items = self.ask("GET", "/api/v1/notes?select=n,text&" + form_n.format(quoted(text), listed(text),
                                                                                       "~no~")).json["items"]
                items = [item for item in items if name != "in" or item["text"] or not text]
                found.append(items[0]["text"] if [item["n"] for item in items] == [n] else items)
            self.same(f"a filter ({name})", found)
        short = [text for _, text in ALL if len(text) <= 2000]
        self.same("a query in SQL", [[item["text"] for item in self.ask("GET",
                                                                        "/api/v1/queries/find?text=" + quoted(text)).json["items"]]
                                     for text in short], [[text] for text in short])

    def test_5_the_order_is_that_of_code_points(self):
        self.fill()
        wanted = sorted(text for _, text in ALL)  # Python's, too
        self.same("the order", [row["text"] for row in self.rows("/api/v1/notes?select=text&order=text&limit=1000")],
                  wanted)
        # Each page begins behind a value that the cursor carries.
        short = [text for text in wanted if len(text) <= 200]
        rows = [{"name": text, "twin": text} for text in short if text]
        self.ask("POST", "/api/v1/names", rows, 201)
        found = [row["name"] for row in self.rows("/api/v1/names?select=name&order=name&limit=9")]
        self.same("pages by cursor", found, [row["name"] for row in rows])

    def test_6_an_address_is_a_text(self):
        names = [text for _, text in ALL if 0 < len(text) <= 200]
        if not self.ask("GET", "/api/v1/names?limit=1").json["items"]:
            self.ask("POST", "/api/v1/names", [{"name": text, "twin": text} for text in names], 201)
        for text in names:
            if text in (".", ".."):
                continue  # RFC 3986: a path cannot hold them
            answer = self.app.ask("GET", "/api/v1/names/" + quoted(text))
            self.assertEqual(answer.status, 200, f"{ascii(text)} {answer}")
            self.same("a natural key", [answer.json["twin"]], [text])

    def test_7_a_dump_loads_elsewhere(self):
        self.fill()
        for form in ("ndjson", "csv"):
            dumped, _ = self.app.run("data", "dump", self.app.file, "notes", "--data", self.app.data, "--format", form)
            if form == "csv":
                csv.field_size_limit(1 << 20)
                read = list(csv.DictReader(io.StringIO(dumped.decode(), newline="")))
                # Python's reader takes a quoted field as it is.
                found = [row["text"] for row in sorted(read, key=lambda row: int(row["n"]))]
            else:
                rows = [json.loads(line) for line in dumped.decode().split("\n") if line]
                found = [row["text"] for row in sorted(rows, key=lambda row: row["n"])]
            self.same(f"a dump as {form}", found)
            other = str(self.app.folder / f"other-{form}")
            self.app.run("data", "load", self.app.file, "notes", "-", "--format", form, "--data", other, stdin=dumped)
            again, _ = self.app.run("data", "dump", self.app.file, "notes", "--data", other, "--format", form)
            self.assertEqual(again, dumped, f"{form} that was loaded and dumped again")

    def test_8_what_is_no_text_is_refused(self):
        self.empty()
        for what, token, status in naughty.refused():
            body = b'{"n": 1, "text": ' + token + b"}"
            answer = self.app.ask("POST", "/api/v1/notes", body, self.writer)
            self.assertEqual(answer.status, status, f"{what}: {answer}")
            self.assertIn("offset" if status == 400 else "errors", answer.json, f"{what}: {answer}")
        for what in ("%00", "a%00b", "%ED%A0%80", "%C0%AF", "%FF", "%E9", "%zz", "%"):
            answer = self.app.ask("GET", f"/api/v1/notes?text=eq.{what}")
            # A NUL is in no text, so nothing is found or it is refused; the rest is no text at all.
            self.assertIn(answer.status, (200, 400) if "00" in what else (400,), f"{what}: {answer}")
            if answer.status == 200:
                self.assertEqual(answer.json["items"], [])
        self.assertEqual(self.ask("GET", "/api/v1/notes").json["items"], [])
        lines = b"n,text\n1,\xff\n2,a\0b\n"
        out, said = self.app.run("data", "load", self.app.file, "notes", "-", "--format", "csv", "--data",
                                 self.app.data, "--skip-bad", "--json",
                                 stdin=lines)
        self.assertEqual(json.loads(out)["bad"], 2, out + said)


if __name__ == "__main__":
    rig.main(__doc__)
