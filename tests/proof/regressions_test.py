#!/usr/bin/env python3
"""Proves that faults that others had are not ours: one test a row of docs/internals/regressions.md, named by the row's id.

    tests/proof/regressions_test.py --binary build/dev/mettle            # all
    tests/proof/regressions_test.py --binary build/dev/mettle A6 B4      # some
    ctest --test-dir build/dev -R 'regression\\.A6'

The rows that other tests hold are not here: the page says which those are.
"""
import base64
import concurrent.futures
import email
import email.policy
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rig  # noqa: E402
from scenario.server import Trouble  # noqa: E402

SITE = "https://club.example"
CLUB = """mettle: 1
app: club
auth: {{table: users, roles: [member]{more}}}
tables:
  users:
    columns:
      nick: {{type: text, optional: true, max: 40}}
  things:
    owner: user_id
    columns:
      user_id: {{references: users}}
      text: {{type: text, max: 40}}
    access: {{create: "auth.signed_in && row.user_id == auth.id"}}
"""
MARKET = (pathlib.Path(__file__).parent / "market.yaml").read_text()
EVIL = "evil.example"
SEED = 1
# What an answer must never say: the engine, its words, our own files and tables.
ENGINE = re.compile(r"\bSELECT\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b|\bFROM \"|\bSTRICT\b|PRAGMA|"
                    r"(?i:sqlite|postgres|constraint failed|no such (table|column)|near \"|syntax error|mettle_[a-z]+|\bmt_[a-z]+|std::|/src/|\.cc\b|"
                    r"\.h:\d|0x[0-9a-f]{6,}|stack|boost|asio)")


def club(more="", flags=""):
    return rig.App(CLUB.format(more=more), f"--log-requests false --public-url {SITE} {flags}")


class Mails:
    """What the server left in DATA/mail, each once."""

    def __init__(self, app):
        self.folder, self.seen = pathlib.Path(app.data) / "mail", set()

    def wait(self, to, want=1):
        """The new ones to that address, when there are so many."""
        until = time.monotonic() + 20
        while True:
            found = []
            for path in sorted(self.folder.glob("*.eml")) if self.folder.exists() else []:
                if path not in self.seen:
                    found.append((path, email.message_from_bytes(path.read_bytes(), policy=email.policy.default)))
            mine = [(path, mail) for path, mail in found if to in mail["To"]]
            if len(mine) >= want:
                self.seen |= {path for path, _ in mine}
                return [mail for _, mail in mine]
            if time.monotonic() > until:
                raise AssertionError(f"no {want} mails to {to}: {[mail['To'] for _, mail in found]}")
            time.sleep(0.02)

    def token(self, to):
        text = self.wait(to)[-1].get_body(("plain",)).get_content()
        return re.search(r"[#?&]token=([\w.-]+)", text).group(1)


def at_once(app, count, method, path, body, token=None, headers=None):
    """The answers to `count` equal requests that are sent together, each on a connection of its own that is open before."""
    payload = json.dumps(body).encode()
    head = {"Content-Type": "application/json", **(headers or {}),
            **({"Authorization": f"Bearer {token}"} if token else {})}
    lines = [http.client.HTTPConnection(app.server.host, app.server.port, timeout=60) for _ in range(count)]
    for line in lines:
        line.connect()

    def send(line):
        line.request(method, path, payload, head)
        answer = line.getresponse()
        done = rig.Answer(answer.status, answer.headers, answer.read())
        line.close()
        return done

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, lines))


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolve(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def body_members(document, operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    schema = resolve(document, content["schema"]) if content else {}
    for form in schema.get("oneOf", schema.get("anyOf", [])):
        if "properties" in resolve(document, form):
            schema = resolve(document, form)
    return schema.get("properties", {})


class Regressions(unittest.TestCase):
    maxDiff = 2000

    def test_A5_another_address_is_taken_only_when_its_mailbox_proves_it(self):
        # Whatever is said of verifying and of registering, and whether the old address was proven or not.
        for more in ("", ", verify: required", ", registration: closed", ", verify: required, registration: closed"):
            for proven in (False, True):
                if not proven and "required" in more:
                    continue  # nobody is in before
                with self.subTest(more=more, proven=proven), club(more) as app:
                    mails = Mails(app)
                    self.person(app, "ann@example.com", mails, proven, closed="closed" in more)
                    login = {"email": "ann@example.com", "password": rig.PASSWORD}
                    token = app.ask("POST", "/auth/login", login, want=200).json["access_token"]
                    app.ask("POST", "/auth/email", {"email": "new@example.com", "password": rig.PASSWORD}, token,
                            want=202)
                    secret = mails.token("new@example.com")
                    self.assertEqual(app.ask("GET", "/auth/me", token=token, want=200).json["email"], "ann@example.com")
                    # The link proves the new mailbox, nothing else.
                    self.assertGreaterEqual(app.ask("POST", "/auth/verify", {"token": secret}).status, 400)
                    self.assertGreaterEqual(app.ask("POST", "/auth/magic", {"token": secret}).status, 400)
                    self.assertEqual(app.ask("POST", "/auth/login", {**login, "email": "new@example.com"}).status, 401)
                    app.ask("POST", "/auth/email/confirm", {"token": secret}, want=204)
                    self.assertEqual(app.ask("POST", "/auth/login", login).status, 401)
                    again = app.ask("POST", "/auth/login", {**login, "email": "new@example.com"}, want=200).json
                    self.assertEqual(again["user"]["email"], "new@example.com")
                    self.assertIn(app.ask("POST", "/auth/email/confirm", {"token": secret}).status, (401, 422))
                    self.assertIn("new@example.com", "".join(str(mail) for mail in mails.wait("ann@example.com")))

    def person(self, app, address, mails, proven, closed):
        if closed:
            app.run("user", "create", app.file, "--data", app.data, "--email", address, "--password-file", "-",
                    stdin=rig.PASSWORD.encode())
            if proven:
                app.ask("POST", "/auth/verify", {"email": address}, want=202)
        else:
            app.ask("POST", "/auth/register", {"email": address, "password": rig.PASSWORD}, want=None)
        if proven:
            try:
                app.ask("POST", "/auth/verify", {"token": mails.token(address)}, want=204)
            except AssertionError:
                if not closed:  # whom the operator makes may be proven already
                    raise

    def test_A6_links_in_mails_lead_where_the_operator_says(self):
        lies = [{"Host": EVIL}, {"Host": f"{EVIL}:443"}, {"Host": f"club.example@{EVIL}"},
                {"Host": f"club.example.{EVIL}"}, {"X-Forwarded-Host": EVIL},
                {"X-Forwarded-Proto": "http", "X-Forwarded-Host": EVIL}, {"Forwarded": f"host={EVIL};proto=http"},
                {"X-Original-Host": EVIL},
                {"X-Host": EVIL}, {"X-Forwarded-Server": EVIL}, {"X-Original-URL": f"https://{EVIL}/"},
                {"X-Rewrite-URL": f"//{EVIL}"},
                {"Origin": f"https://{EVIL}"}, {"Referer": f"https://{EVIL}/"}, {"X-Forwarded-Prefix": f"//{EVIL}"},
                {"Via": EVIL},
                {"X-Forwarded-Port": "1", "X-Forwarded-Host": f"{EVIL}:1"}]
        # From a proxy that is trusted, whose word on the client's address counts: its word on the server's does not.
        with club(flags="--trusted-proxies 127.0.0.1") as app:
            mails, asked = Mails(app), []
            for number, headers in enumerate(lies):
                name = f"p{number}@example.com"
                status = app.ask("POST", "/auth/register", {"email": name, "password": rig.PASSWORD},
                                 headers=headers).status
                if status != 201:  # a Host that is none is refused, and then no mail is made
                    self.assertIn(status, (400, 403, 421), headers)
                    continue
                for path in ("/auth/recover", "/auth/magic"):
                    app.ask("POST", path, {"email": name}, headers=headers)
                asked.append((name, headers))
            self.assertGreater(len(asked), 10)
            for name, headers in asked:
                for mail in mails.wait(name, 3):
                    parts = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
                    self.assertNotIn(EVIL, mail.as_string() + parts, headers)
                    links = re.findall(r"https?://[^\s\"'<>]+", parts)
                    self.assertTrue(links, parts)
                    self.assertEqual({link for link in links if not re.match(rf"{SITE}(/|$)", link)}, set(), headers)

    def test_A7_nobody_acts_for_somebody_else_by_naming_him(self):
        with club() as app:
            ann, ben = app.person("ann"), app.person("ben")
            victim = app.ask("GET", "/auth/me", token=ann, want=200).json["id"]
            before = self.rows_of(app)
            document = app.ask("GET", "/openapi.json", want=200).json
            named = {name: victim for name in ("id", "user_id", "userId", "user", "sub", "owner", "owner_id",
                                               "account_id", "for_user", "email_id")}
            for method, path, operation in operations(document):
                if method == "GET" or not path.startswith("/auth/"):
                    continue
                known = {name: "x" for name in body_members(document, operation)}
                for extra in named:
                    target = path.replace("{id}", victim)
                    for token in (None, ben):
                        if path == "/auth/logout" and token:
                            continue  # of oneself
                        answer = app.ask(method, target, {**known, extra: victim}, token)
                        self.assertGreaterEqual(answer.status, 400, f"{method} {path} {extra}: {answer}")
            for token, wanted in ((None, 401), (ben, 403)):
                self.assertEqual(app.ask("POST", "/api/v1/things", {"text": "x", "user_id": victim}, token).status,
                                 wanted)
            self.assertEqual(app.ask("GET", "/auth/me", token=ann).status, 200, "nothing of hers ended")
            self.assertEqual(self.rows_of(app), before)

    @staticmethod
    def rows_of(app):
        """Accounts, sessions and keys as they are."""
        base = sqlite3.connect(f"file:{app.data}/app.db?mode=ro", uri=True)
        try:
            return [base.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("users", "mettle_accounts",
            "mettle_sessions", "mettle_keys")]
        finally:
            base.close()

    def test_A9_what_works_once_works_once_also_fifty_times_at_once(self):
        with club() as app:
            mails = Mails(app)
            made = at_once(app, 20, "POST", "/auth/register", {"email": "one@example.com", "password": rig.PASSWORD})
            self.assertEqual(sum(answer.status == 201 for answer in made), 1, sorted(answer.status for answer in made))
            self.assertLessEqual({answer.status for answer in made}, {201, 409, 429, 503})
            first = next(answer for answer in made if answer.status == 201).json
            verify = mails.token("one@example.com")
            self.once(at_once(app, 50, "POST", "/auth/verify", {"token": verify}), 204)
            app.ask("POST", "/auth/recover", {"email": "one@example.com"}, want=202)
            reset = mails.token("one@example.com")
            self.once(at_once(app, 50, "POST", "/auth/reset", {"token": reset, "password": rig.PASSWORD + "!"}), 204)
            app.ask("POST", "/auth/magic", {"email": "one@example.com"}, want=202)
            magic = self.newest_token(mails, "one@example.com", {verify, reset})
            got = at_once(app, 50, "POST", "/auth/magic", {"token": magic})
            self.once(got, 200)
            token = next(answer for answer in got if answer.status == 200).json["access_token"]
            self.assertEqual(app.ask("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]}).status, 401,
                             "the reset ended it")
            app.ask("POST", "/auth/email", {"email": "two@example.com", "password": rig.PASSWORD + "!"}, token,
                    want=202)
            self.once(at_once(app, 50, "POST", "/auth/email/confirm", {"token": mails.token("two@example.com")}), 204)
            # A refresh token may race with itself: all get the one successor.
            refresh = app.ask("POST", "/auth/login", {"email": "two@example.com", "password": rig.PASSWORD + "!"},
                              want=200).json
            got = at_once(app, 50, "POST", "/auth/refresh", {"refresh_token": refresh["refresh_token"]})
            self.assertEqual({answer.status for answer in got}, {200})
            self.assertEqual(len({answer.json["refresh_token"] for answer in got}), 1)
            # And a retry is one write.
            got = at_once(app, 50, "POST", "/api/v1/things", {"text": "x"}, refresh["access_token"],
                          {"Idempotency-Key": "fifty"})
            self.assertEqual({answer.status for answer in got}, {201},
                             [answer for answer in got if answer.status != 201][:1])
            self.assertEqual(len({answer.json["id"] for answer in got}), 1)

    @staticmethod
    def newest_token(mails, to, known):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                token = mails.token(to)
            except AttributeError:
                continue  # a notice, which has no link
            if token not in known:
                return token
        raise AssertionError("no mail with a link")

    def once(self, answers, good):
        seen = sorted(answer.status for answer in answers)
        self.assertEqual(seen.count(good), 1, seen)
        self.assertFalse([answer for answer in answers if answer.status >= 500 and answer.status != 503], seen)

    def test_A10_a_method_is_what_the_first_line_says(self):
        with rig.App(MARKET, "--log-requests false") as app:
            seller = app.key("seller")
            good = app.ask("POST", "/api/v1/goods", {"name": "a", "price": "1"}, seller, want=201).json["id"]
            for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
                app.ask("GET", f"/api/v1/goods/{good}", token=seller, headers={name: "DELETE"}, want=200)
                app.ask("PATCH", f"/api/v1/goods/{good}", {"stock": 1}, seller, {name: "DELETE"}, want=200)
            self.assertEqual(app.ask("GET", f"/api/v1/goods/{good}?_method=DELETE", token=seller).status, 400)
            self.assertEqual(app.ask("PATCH", f"/api/v1/goods/{good}", {"_method": "DELETE"}, seller).status, 422)
            app.ask("GET", f"/api/v1/goods/{good}", token=seller, want=200)

    def test_A11_as_much_is_hashed_for_nobody_as_for_somebody(self):
        """Passwords of addresses that nobody has cost what others do: counted in the library that hashes, not timed."""
        compiler = shutil.which("clang-19") or shutil.which("cc")
        with tempfile.TemporaryDirectory() as folder:
            counter, log = pathlib.Path(folder) / "count.so", pathlib.Path(folder) / "log"
            subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", counter, pathlib.Path(__file__).parent / "count_argon2.c", "-ldl"], check=True)
            app = rig.App(CLUB.format(more=", verify: required"), "--log-requests false", LD_PRELOAD=str(counter), ARGON2_LOG=str(log))
            with app:
                app.ask("POST", "/auth/register", {"email": "ann@example.com", "password": rig.PASSWORD}, want=201)

                def hashed(path, body):
                    before = len(log.read_text().splitlines())
                    status = app.ask("POST", path, body).status
                    return status, sorted(log.read_text().splitlines()[before:])

                self.assertEqual(len(log.read_text().splitlines()[-1].split(",")), 3, "a cost is m, t and p")
                for path, password in (("/auth/login", "not her password"), ("/auth/register", rig.PASSWORD), ("/auth/recover", None),
                                       ("/auth/magic", None), ("/auth/verify", None)):
                    more = {"password": password} if password else {}
                    known = hashed(path, {"email": "ann@example.com", **more})
                    unknown = hashed(path, {"email": f"nobody{len(path)}@example.com", **more})
                    self.assertEqual(known, unknown, path)
                    self.assertEqual(bool(known[1]), password is not None, f"{path} {known}")

    def test_A12_nobody_is_sent_elsewhere(self):
        bad = ["//evil.example", "https://evil.example", "http:evil.example", "/\\evil.example", "\\\\evil.example",
               "/\t/evil.example", "/\n/evil.example",
               "///evil.example", "/%2f/evil.example", "javascript:alert(1)", "data:text/html,x",
               "/../..//evil.example", "/.//evil.example", "//evil%E3%80%82example",
               "https:/evil.example", "https:evil.example", "/@evil.example", "//club.example@evil.example",
               "\x01//evil.example", "/;@evil.example", " //evil.example",
               "//[::1]", "/http://evil.example", "?next=//evil.example", "", ".", "//", "https://", "/\\/evil.example",
               "/%5cevil.example", "%2f%2fevil.example"]
        node = shutil.which("node")
        self.assertIsNotNone(node, "Node.js says where a browser would go")
        # The pages' own function, asked as a browser would ask it.
        kit = (rig.ROOT / "src/features/auth/ui/kit.js").read_text()
        function = re.search(r"export (function next\(\) \{.*?\n\})", kit, re.S).group(1)
        script = (f"const SITE = 'https://club.example'; let location;\n{function}\nconst out = [];\n"
                  f"for (const bad of {json.dumps(bad)}) {{ location = {{ origin: SITE, search: '?' + new URLSearchParams({{ next: bad }}) }};\n"
                  "  const to = next(); out.push([bad, to, new URL(to, SITE + '/auth/ui/sign-in').origin]); }\nconsole.log(JSON.stringify(out));")
        done = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for text, to, origin in json.loads(done.stdout):
            self.assertEqual(origin, SITE, f"{text!r} leads to {to!r}")
        with club() as app:
            for text in bad:
                for page in ("/auth/ui", "/auth/ui/sign-in", "/auth/ui/verify", "/auth/logout", "/docs"):
                    for name in ("next", "redirect", "redirect_to", "return_to", "url", "callback"):
                        answer = app.ask("GET", f"{page}?{name}={urllib.parse.quote(text, safe='')}")
                        self.assertNotIn("evil", answer.headers.get("Location", ""), (page, name, text))
                        self.assertNotIn(b"evil.example", answer.body)

    def test_A13_no_secret_is_known_empty_or_short(self):
        with club(", tokens: {algorithm: HS256}") as one, club(", tokens: {algorithm: HS256}") as two:
            token = one.person("ann")
            two.person("ann")
            self.assertEqual(one.ask("GET", "/auth/me", token=token).status, 200)
            self.assertEqual(two.ask("GET", "/auth/me", token=token).status, 401)
            secrets = [self.secrets(app) for app in (one, two)]
            self.assertFalse(set(secrets[0]) & set(secrets[1]), "each server makes its own")
            for secret in secrets[0] + secrets[1]:
                self.assertGreaterEqual(len(secret), 32)
                self.assertGreater(len(set(secret)), 8)
        for short in (b"", b"0" * 31):
            for sql in ("UPDATE mettle_secrets SET value = ?", "UPDATE mettle_signing_keys SET private = ?"):
                with self.subTest(length=len(short), sql=sql):
                    self.refuses(short, sql)

    @staticmethod
    def secrets(app):
        base = sqlite3.connect(f"file:{app.data}/app.db?mode=ro", uri=True)
        try:
            column = next(row[1] for row in base.execute("PRAGMA table_info(mettle_signing_keys)") if row[2] == "BLOB")
            return [row[0] for row in base.execute("SELECT value FROM mettle_secrets")] + \
                   [row[0] for row in base.execute(f"SELECT {column} FROM mettle_signing_keys")]
        finally:
            base.close()

    def refuses(self, short, sql):
        """A server whose secret is too short does not start, or at the least signs and takes nothing with it."""
        app = club(", tokens: {algorithm: HS256}")
        try:
            with app:
                token = app.person("ann").split(".")
                self.header, self.claims = (json.loads(base64.urlsafe_b64decode(one + "==")) for one in token[:2])
                app.close()
                app.server.stop()
                base = sqlite3.connect(f"{app.data}/app.db")
                column = next(row[1] for row in base.execute("PRAGMA table_info(mettle_signing_keys)") if row[2] == "BLOB")
                base.execute(sql.replace("private", column), (short,))
                base.commit()
                base.close()
                try:
                    app.server.start()
                except Trouble as trouble:
                    self.assertRegex(str(trouble), r"secret|unexpected")
                    return
                self.assertIn("signing", sql, "the node's own secrets are read at the start")
                login = {"email": "ann@example.com", "password": rig.PASSWORD}
                self.assertEqual(app.ask("POST", "/auth/login", login).status, 500)
                part = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (self.header,
                self.claims)]
                forged = b".".join([*part, base64.urlsafe_b64encode(hmac.new(short, b".".join(part),
                                                                             "sha256").digest()).rstrip(b"=")])
                self.assertIn(app.ask("GET", "/auth/me", token=forged.decode()).status, (401, 500))
        finally:
            app.server.kill()

    def test_B3_every_route_has_its_policy(self):
        """Whoever is nobody is let into these and no others; a new address fails here until somebody says what it is."""
        for_all = {"GET /livez", "GET /readyz", "GET /.well-known/jwks.json", "POST /auth/register", "POST /auth/login",
                   "POST /auth/refresh",
                   "POST /auth/verify", "POST /auth/recover", "POST /auth/reset", "POST /auth/magic",
                   "POST /auth/email/confirm", "GET /api/v1/makers",
                   "GET /api/v1/makers/{code}", "GET /api/v1/goods", "GET /api/v1/goods/{id}",
                   "GET /api/v1/queries/cheap", "GET /by/{name}",
                   "POST /api/v1/batch"}
        maybe = {"POST /auth/invitations/accept", "GET /auth/providers",
                 "POST /auth/accept"}  # said by what else the app has
        with rig.App(MARKET, "--log-requests false") as app:
            document = app.ask("GET", "/openapi.json", want=200).json
            known = {"id": "01900000-0000-7000-8000-000000000001", "code": "x", "name": "x"}
            let_in = set()
            for method, path, operation in operations(document):
                target = re.sub(r"\{(\w+)\}", lambda found: known.get(found.group(1), "x"), path)
                body = {} if operation.get("requestBody") else None
                answer = app.ask(method, target, body)
                if answer.status in (401, 403):
                    self.assertTrue(operation.get("security") or "/auth/" in path or "/api/" in path, path)
                else:
                    let_in.add(f"{method} {path}")
            self.assertEqual(let_in - for_all - maybe, set(), "let nobody in, and is not in the list above")
            self.assertEqual(for_all - let_in, set(), "is in the list above, and lets nobody in")
            # What no document names: the operator's own, asked from elsewhere.
            through = {"X-Forwarded-For": "203.0.113.7"}
            for path in ("/metrics", "/console", "/mettle", "/mettle/health", "/debug", "/.env", "/app.db",
                         "/data/app.db", "/mettle.yaml", "/auth/keys", "/auth/users",
                         "/auth/audit", "/api/v1/mettle_keys", "/api/v1/mettle_secrets", "/api/v1/sqlite_master",
                         "/api/v1/users/me", "/api/v1/_batch"):
                answer = app.ask("GET", path, headers=through)
                self.assertIn(answer.status, (401, 403, 404), f"{path} {answer}")

    def test_B4_a_key_that_only_reads_changes_nothing(self):
        with rig.App(MARKET, "--log-requests false") as app:
            seller, reader = app.key("seller"), app.key("reader")
            good = app.ask("POST", "/api/v1/goods", {"name": "a", "price": "1", "state": "listed"}, seller,
                           want=201).json["id"]
            app.ask("POST", "/api/v1/makers", {"code": "x", "name": "x"}, seller, want=201)
            tables = ("goods", "makers", "users")
            before = [app.run("data", "dump", app.file, table, "--data", app.data)[0] for table in tables]
            document = app.ask("GET", "/openapi.json", want=200).json
            asked = 0
            for method, path, operation in operations(document):
                if method in ("GET", "HEAD") or not path.startswith("/api/"):
                    continue
                target = path.replace("{id}", good).replace("{code}", "x")
                bodies = [{}, {"name": "b"}, {"name": "b", "price": "2"}, {"good_id": good, "by": 1}]
                if path.endswith("/batch"):
                    inner = [("POST", "/goods", {"name": "b", "price": "2"}), ("PATCH", f"/goods/{good}", {"stock": 9}),
                             ("DELETE", f"/goods/{good}", None),
                             ("PUT", "/makers/x", {"name": "b"})]
                    bodies = [{"operations": [{"method": one, "path": to, **({"body": body} if body else {})}]} for one,
                              to, body in inner]
                for body in bodies:
                    query = "?name=neq.zzz" if "{" not in path and method in ("PATCH", "DELETE") else ""
                    for headers in ({}, {"Prefer": "resolution=merge-duplicates"}, {"Idempotency-Key": f"k{asked}"},
                                    {"If-Match": "*"}):
                        if path.endswith("batch") and "If-Match" in headers:
                            continue
                        answer = app.ask(method, target + query, None if method == "DELETE" else body, reader, headers)
                        asked += 1
                        self.assertIn(answer.status, (403, 404) if "/users" in path else (403,),
                                      f"{method} {path} {body} {headers}: {answer}")
            self.assertGreater(asked, 60)
            self.assertEqual([app.run("data", "dump", app.file, table, "--data", app.data)[0] for table in tables],
                             before)

    def test_B5_without_a_rule_nobody_comes_in(self):
        text = ("mettle: 1\napp: closed\nauth: {table: users, roles: [admin]}\ntables:\n  plain: {columns: {text: {type: text}}}\n"
                "  open: {columns: {text: {type: text}}, access: {read: \"true\", write: \"true\"}}\n")
        with rig.App(text, "--log-requests false") as app:
            person, admin = app.person("ann"), app.key("admin")
            for token, status in ((None, 401), (person, 403), (admin, 403)):
                for method, path, body in (("GET", "", None), ("POST", "", {"text": "x"}), ("PATCH", "?text=eq.x",
                {"text": "y"}), ("DELETE", "?text=eq.x", None)):
                    self.assertEqual(app.ask(method, "/api/v1/plain" + path, body, token).status, status, (method,
                    token))
            told = b"".join(app.run("check", app.file, want=None)).decode()
            self.assertRegex(told, r"open_write", "what everybody may write is said")
            self.assertRegex(told, r"unreachable_table|reachable by nobody", "and what nobody may reach")

    def test_B6_no_answer_speaks_of_the_database(self):
        dice = random.Random(SEED)
        junk = ["'", "\"", "';--", "\\", "%00", "%FF", "(", ")", "*", "null", "-1", "9223372036854775808", "1e999",
                "{}", "[]", "a.b.c.d", "or.or", "eq.", "..", "$1", "?1",
                "x" * 3000, "é", "\U0001F600", "->>a", "rowid", "rid", "mettle_keys", "sqlite_master", "id::text",
                "count()", "select", "1/0", "NaN", "0x10"]
        with rig.App(MARKET, "--log-requests false") as app:
            seller = app.key("seller")
            good = app.ask("POST", "/api/v1/goods", {"name": "a", "price": "1", "state": "listed", "more": {"a": "1"}},
                           seller, want=201).json["id"]
            asked, wrong = 0, []
            # What the database itself refuses: its words are in the log, and there they stay.
            maker = app.ask("POST", "/api/v1/makers", {"code": "x", "name": "x"}, seller, want=201).json["id"]
            app.ask("PATCH", f"/api/v1/goods/{good}", {"maker_id": maker}, seller, want=200)
            nobody = "01900000-0000-7000-8000-00000000dead"
            for method, path, body, status in (("POST", "/api/v1/makers", {"code": "x", "name": "y"}, 409), ("DELETE", "/api/v1/makers/x", None, 409),
                                               ("POST", "/api/v1/goods", {"name": "b", "price": "1", "maker_id": nobody}, 422),
                                               ("PATCH", f"/api/v1/goods/{good}", {"maker_id": nobody}, 422),
                                               ("POST", "/api/v1/goods", [{"id": good, "name": "b", "price": "1"}], 409),
                                               ("POST", "/auth/register", {"email": "x@example.com", "password": rig.PASSWORD}, 201),
                                               ("POST", "/auth/register", {"email": "x@example.com", "password": rig.PASSWORD}, 409)):
                answer = app.ask(method, path, body, seller if path.startswith("/api") else None, want=status)
                self.assertEqual(self.speaks(answer.body, path, body), [], answer)
            document = app.ask("GET", "/openapi.json", want=200).json
            for method, path, operation in operations(document):
                names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"] + [None]
                members = list(body_members(document, operation)) or ["x"]
                for _ in range(30):
                    part = urllib.parse.quote(dice.choice(junk), safe="%")
                    target = re.sub(r"\{\w+\}", lambda _, part=part: dice.choice((good, "x", part)), path)
                    name = dice.choice(names)
                    if name:
                        target += "?" + urllib.parse.quote(name) + "=" + dice.choice(("", "eq.", "in.(",
                        "match.")) + urllib.parse.quote(dice.choice(junk), safe="%")
                    body = None
                    if operation.get("requestBody"):
                        body = {dice.choice([*members, dice.choice(junk)]): dice.choice([*junk, 1, None, [], {}, -1.5,
                                                                                         2**70, [[1]], {"a": {}}]) for _ in range(3)}
                    headers = {dice.choice(("If-Match", "If-None-Match", "Prefer", "Idempotency-Key", "Accept",
                                            "Range")):
                               dice.choice(junk[:8] + ["x" * 300]).encode().decode("latin-1")} if dice.random() < 0.3 else {}
                    answer = app.ask(method, target, body, dice.choice((seller, seller, None, "junk")), headers)
                    asked += 1
                    if answer.status >= 400 and (answer.status >= 500 and answer.status != 503 or self.speaks(answer.body, target, body)):
                        wrong.append((method, target[:200], str(body)[:200], answer))
            self.assertEqual(wrong[:3], [], f"{len(wrong)} of {asked} (seed {SEED})")
            self.assertGreater(asked, 1000)

    @staticmethod
    def speaks(body, target, sent):
        """What the answer says of the engine and was not in the question."""
        said = body.decode("utf-8", "replace")
        asked = urllib.parse.unquote(target) + target + json.dumps(sent, ensure_ascii=False) + json.dumps(sent)
        words = [found.group() for found in ENGINE.finditer(said) if found.group().lower() not in asked.lower()]
        return words + [word for word in ('"inside"', '"reason"', '"sql"') if word in said and word not in asked]

    def test_C1_names_are_never_pieces_of_sql(self):
        names = ["name' OR '1'='1", "name\"; DROP TABLE goods; --", "name) FROM users --", "(SELECT email FROM users)",
        "name,(SELECT 1)", "rowid", "rid", "_rowid_", "password",
                 "name\"--", "name/**/", "users.email", "maker.name\"", "more->>'a'||'b'", "more->>a\"", "more->a'",
                 "more->>$[0]", "more->>a->>b'", "name::text", "[name]", "`name`",
                 "count(*)", "name COLLATE NOCASE", "max(name)", "name AS x", "t0.name", "sqlite_master", "1",
                 "*,password", "%00name", "name%00"]
        with rig.App(MARKET, "--log-requests false") as app:
            seller = app.key("seller")
            app.ask("POST", "/api/v1/goods", {"name": "a", "price": "1", "state": "listed", "more": {"a": "1"}}, seller,
                    want=201)
            before = app.run("data", "dump", app.file, "goods", "--data", app.data)[0]
            for name in names:
                part = urllib.parse.quote(name, safe="%")
                for form in (f"{part}=eq.1", f"order={part}", f"select={part}", f"select=x:{part}",
                             f"select={part}.sum()", f"select=maker({part})", f"or=({part}.eq.1)",
                             f"select=*,maker(*)&maker.{part}=eq.1", f"select=name,{part}.max()&order={part}"):
                    answer = app.ask("GET", "/api/v1/goods?" + form, token=seller)
                    self.assertIn(answer.status, (200, 400, 403), f"{form} {answer}")
                    if answer.status >= 400:
                        self.assertEqual(self.speaks(answer.body, form, None), [], form)
                    else:
                        self.assertNotIn(b"password", answer.body.replace(name.encode(), b""))
                        self.assertNotIn(b"@", answer.body, form)
                for path in ("goods?on_conflict=" + part, "goods?select=" + part):
                    self.assertIn(app.ask("POST", "/api/v1/" + path, {"name": "b"}, seller).status, (400, 403, 404,
                    422), path)
                self.assertIn(app.ask("POST", "/api/v1/goods", {name: 1, "name": "b", "price": "1"}, seller).status,
                              (400, 422), name)
                self.assertIn(app.ask("GET", "/api/v1/" + part, token=seller).status, (400, 404), name)
            self.assertEqual(app.run("data", "dump", app.file, "goods", "--data", app.data)[0], before)

    def test_C2_only_a_text_is_taken_for_a_text(self):
        things = [None, True, False, 0, 1, -1, 1.5, [], {}, [""], ["x"], {"$ne": None}, {"$gt": ""}, {"$regex": ".*"},
                  {"length": 99}, [["x"]], [None], {"toString": "x"},
                  {"token": "x"}, {"eq": "x"}]
        with club() as app:
            token = app.person("ann")
            login = {"email": "ann@example.com", "password": rig.PASSWORD}
            document = app.ask("GET", "/openapi.json", want=200).json
            asked = 0
            for thing in things[1:]:  # null is nothing, which may be sent
                self.assertEqual(app.ask("POST", "/auth/logout", {"scope": thing}, token).status, 422, thing)
            for method, path, operation in operations(document):
                if not path.startswith("/auth/") or method == "GET" or path == "/auth/logout":
                    continue
                members = body_members(document, operation)
                good = {name: {"email": login["email"], "password": rig.PASSWORD, "current_password": rig.PASSWORD,
                               "new_password": rig.PASSWORD + "!"}.get(name, "x")
                        for name in members}
                for name, schema in members.items():
                    kinds = resolve(document, schema).get("type", "string")
                    if "string" not in (kinds if isinstance(kinds, list) else [kinds]):
                        continue
                    for thing in things:
                        if thing is None and "null" in kinds:
                            continue
                        answer = app.ask(method, path.replace("{id}", "x"), {**good, name: thing}, token)
                        asked += 1
                        self.assertIn(answer.status, (400, 401, 403, 404, 409, 422, 429),
                                      f"{method} {path} {name}={thing!r}: {answer}")
                for thing in things:
                    if thing != {}:
                        self.assertIn(app.ask(method, path.replace("{id}", "x"), thing, token).status, (400, 401, 403,
                        404, 409, 415, 422, 429), f"{path} {thing}")
            self.assertGreater(asked, 200)
            self.assertEqual(app.ask("GET", "/auth/me", token=token).status, 200, "nothing of it did anything")
            for value in ("Bearer", "Bearer ", "Bearer  x", "Bearer [object Object]", "Basic YTpi", "Bearer null",
                          "Bearer undefined", "Bearer {}", "Bearer a b", "bearer"):
                self.assertIn(app.ask("GET", "/auth/me", headers={"Authorization": value}).status, (400, 401), value)

    def test_C5_nothing_that_is_shown_runs(self):
        with club() as app:
            token = app.person("ann")
            evil = "<script>alert(1)</script><svg onload=alert(1)>"
            app.ask("PATCH", "/auth/me", {"nick": evil[:40]}, token, want=200)
            for path in ("/auth/ui", "/auth/ui/sign-in", "/auth/ui/reset",
                         f"/auth/ui/reset?token={urllib.parse.quote(evil)}",
                         f"/auth/ui/sign-in?next={urllib.parse.quote(evil)}",
                         f"/{urllib.parse.quote(evil)}", f"/api/v1/{urllib.parse.quote(evil)}", "/api/v1/things",
                         "/docs", f"/docs/errors?{urllib.parse.quote(evil)}", "/openapi.json"):
                answer = app.ask("GET", path)
                self.assertEqual(answer.headers.get("X-Content-Type-Options"), "nosniff", path)
                kind = answer.headers.get("Content-Type", "")
                if "html" in kind:
                    policy = answer.headers.get("Content-Security-Policy", "")
                    self.assertIn("default-src 'none'" if "/auth/" in path else "-src", policy, path)
                    self.assertNotIn("script-src 'unsafe-inline'", policy, path)
                    self.assertNotIn(b"alert(1)", answer.body, path)
                else:
                    self.assertNotIn("svg", kind, path)
            for name in ("X-Request-Id", "Idempotency-Key", "Origin", "Accept"):
                lie = http.client.HTTPConnection(app.server.host, app.server.port, timeout=30)
                lie.putrequest("GET", "/api/v1/things")
                lie.putheader(name, "a\x0bX-Evil: 1")
                lie.endheaders()
                answer = lie.getresponse()
                self.assertIsNone(answer.headers.get("X-Evil"), name)
                answer.read()
                lie.close()


if __name__ == "__main__":
    chosen = [word for word in sys.argv[1:] if re.fullmatch(r"[A-D]\d+", word)]
    sys.argv = [sys.argv[0], *[word for word in sys.argv[1:] if word not in chosen]]
    for word in chosen:
        named = [name for name in dir(Regressions) if name.startswith(f"test_{word}_")]
        if not named:
            sys.exit(f"regressions_test: no test of {word} here; docs/internals/regressions.md says where it is")
        sys.argv += [f"Regressions.{name}" for name in named]
    rig.main(__doc__)
