#!/usr/bin/env python3
"""Proves that sqlmap finds no way into the SQL: not in a path, a query, a header or a member of a JSON body.

The targets are made of the app's own OpenAPI document (tests/proof/market.yaml), so a new address is asked too. sqlmap gets every
parameter marked, with a value that is right there; what it must not say is that one is injectable, or that an answer names a
database. That it would say so is shown on a server that does paste what it is given into its SQL.

    tests/proof/sqlmap_test.py --binary build/dev/mettle            # one of each kind of address, boolean and error based: 20 s
    tests/proof/sqlmap_test.py --binary build/release/mettle --all  # every address, level 2, risk 2, union and timed too: `make soak`

Exit code 77 (skipped) without sqlmap (`make setup`). A failure leaves the request and sqlmap's words in build/sqlmap/.
"""
import concurrent.futures
import http.client
import http.server
import json
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rig  # noqa: E402

KEPT = rig.ROOT / "build/sqlmap"
WHOLE = "--all" in sys.argv
HOW = (["--level", "2", "--risk", "2", "--technique", "BEUSTQ", "--time-sec", "2", "--union-cols", "1-12"] if WHOLE else
       ["--level", "1", "--risk", "1", "--technique", "BE"])
# In CI one address of each kind stands for the others, whose code is the same.
CHOSEN = re.compile("" if WHOLE else r"get /api/v1/goods$|(get|patch) /api/v1/goods/\{id\}$|post /api/v1/goods$|get /api/v1/makers/\{|"
                    r"post /api/v1/(batch|commands/restock)$|get /api/v1/queries/cheap$|get /by/|post /auth/(login|refresh|reset)$|header ")
FOUND = re.compile(r"identified the following injection|possible DBMS|back-end DBMS:", re.I)
HEADERS = {"If-None-Match": '"1-a"', "If-Match": '"1-a"', "Prefer": "return=minimal", "Idempotency-Key": "key"}
REQUEST_ID = "01900000-0000-7000-8000-00000000beef"  # else each answer would be another text
# These are asked alone: with the others, or with a value that is not right, the request would be refused before it is read.
ALONE = ("cursor", "or", "and", "not.or", "not.and", "on_conflict", *HEADERS)
DONE = "all tested parameters do not appear to be injectable"
MARK = "*"
FILTERS = {"price": "gte.1", "stock": "gte.0", "version": "gte.1", "id": "neq.01900000-0000-7000-8000-000000000001",
           "state": "eq.listed",
           "made": "gt.2026-01-01", "created_at": "gt.2026-01-01T00:00:00Z", "updated_at": "gt.2026-01-01T00:00:00Z",
           "more": "is.null",
           "maker_id": "is.null", "or": "(name.eq.lamp", "and": "(name.eq.lamp", "not.or": "(name.eq.x",
           "not.and": "(name.eq.x",
           "select": "id,name", "order": "name", "limit": "5", "offset": "0", "cursor": "AAAA", "count": "exact",
           "max_affected": "5",
           "on_conflict": "id", "below": "50", "named": "lamp"}


class Vulnerable(http.server.BaseHTTPRequestHandler):
    """What sqlmap is for: the parameter becomes a piece of SQL."""
    protocol_version = "HTTP/1.1"
    rows = sqlite3.connect(":memory:", check_same_thread=False)
    turn = threading.Lock()

    def log_message(self, *_):
        pass

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
        self.answer("SELECT id, name FROM items WHERE id = " + query.get("id", "1"))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(f"SELECT id, name FROM items WHERE name = '{body['name']}'")

    def answer(self, sql):
        try:
            with self.turn:
                status, text = 200, json.dumps(self.rows.execute(sql).fetchall())
        except sqlite3.Error:
            status, text = 500, "no"  # not even an error text is needed
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


class Proxy(http.server.BaseHTTPRequestHandler):
    """In front of the server for what is locked out after some tries: each request comes from another address."""
    protocol_version = "HTTP/1.1"
    target = ("", 0)
    dice = random.Random(1)

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() in ("content-type",
        "authorization")}
        headers["X-Forwarded-For"] = ".".join(str(self.dice.randrange(1, 255)) for _ in range(4))
        upstream = http.client.HTTPConnection(*self.target, timeout=60)
        upstream.request("POST", self.path, body, headers)
        answer = upstream.getresponse()
        text = answer.read()
        upstream.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Targets:
    """Requests in sqlmap's form, made of an OpenAPI document; each parameter has its mark."""

    def __init__(self, document, ids):
        self.document, self.ids = document, ids
        self.parameters = 0

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def mark(self, value):
        self.parameters += 1
        return value + MARK

    def value(self, schema, name):
        """JSON of a value that fits, with a mark behind each thing in it that is one."""
        schema = self.resolve(schema)
        for form in schema.get("oneOf", schema.get("anyOf", []))[:1]:
            return self.value(form, name)
        kinds = schema.get("type", "string")
        kind = kinds if isinstance(kinds, str) else kinds[0]
        if kind == "object":
            members = schema.get("properties", {})
            return "{" + ", ".join(f'"{key}": {self.value(one, key)}' for key,
                                   one in members.items() if not one.get("readOnly")) + "}"
        if kind == "array":
            return "[" + self.value(schema.get("items", {}), name) + "]"
        if kind in ("integer", "number"):
            return self.mark("1")
        if kind == "boolean":
            return "true"
        text = {"uuid": self.ids.get(name, self.ids["goods"]), "date": "2026-01-02",
                "date-time": "2026-01-02T03:04:05Z",
                "email": "x@example.com"}.get(schema.get("format"), "")
        text = text or (schema["enum"][0] if "enum" in schema else {"price": "9.50", "password": rig.PASSWORD}.get(name,
        "lamp"))
        return '"' + self.mark(text) + '"'

    def body(self, path, schema):
        if path.endswith("/batch"):
            good = self.ids["goods"]
            return ('{"operations": [{"method": "PATCH", "path": "' + self.mark(f"/goods/{good}") + '", "if_match": "' + self.mark('1-a') +
                    '", "body": {"name": "' + self.mark("lamp") + '"}}]}')
        return self.value(schema, "")

    def requests(self, method, path, operation, host, token):
        """(name, request) of one that asks all that goes together, and of one for each parameter that is asked alone."""
        parameters = operation.get("parameters", [])
        together = [one for one in parameters if one["name"] not in ALONE]
        for name, asked in [("", together), *((one["name"], [one]) for one in parameters if one["name"] in ALONE)]:
            before = self.parameters
            text = self.request(method, path, operation, host, token, asked, alone=bool(name))
            if self.parameters > before:
                yield f"{method} {path} {name}".strip(), text

    def request(self, method, path, operation, host, token, asked, alone):
        query, headers, inside = [], {}, path
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            if parameter["in"] == "path":
                known = {"code": "acme", "name": "lamp"}.get(name, self.ids["goods" if "goods" in path else "users"])
                inside = inside.replace("{" + name + "}", known if alone else self.mark(known))
            elif parameter not in asked:
                continue
            elif parameter["in"] == "query":
                value = self.ids["cursor"] if name == "cursor" else FILTERS.get(name, "eq.lamp")
                if path.startswith("/by/"):
                    value = "listed"
                query.append(f"{name}={self.mark(value)}" + (")" if value.startswith("(") else ""))
            else:
                headers[name] = self.mark(HEADERS.get(name, "x"))
        if method in ("patch", "delete") and "{" not in path:
            query = [part for part in query if not part.startswith(("or=", "not.", "name="))] + ["name=eq.nobody"]
        content = operation.get("requestBody", {}).get("content", {})
        body = ""
        if content:
            headers["Content-Type"] = next(iter(content))
            body = self.body(path, content[headers["Content-Type"]]["schema"])
            if alone:
                self.parameters -= body.count(MARK)
                body = body.replace(MARK, "")
        lines = [f"{method.upper()} {inside}{'?' if query else ''}{'&'.join(query)} HTTP/1.1", f"Host: {host}",
                 f"Authorization: Bearer {token}", f"X-Request-Id: {REQUEST_ID}",
                 *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines) + "\r\n\r\n" + body


def sqlmap(name, text, folder):
    """(name, what was found or went wrong, seconds, requests)"""
    place = pathlib.Path(folder) / re.sub(r"[^a-z0-9]+", "_", name.lower())
    place.mkdir(parents=True)
    (place / "request").write_text(text, newline="")
    begun = time.monotonic()
    command = ["sqlmap", "-r", str(place / "request"), "--batch", "--ignore-stdin", "--dbms", "SQLite", "--output-dir",
               str(place / "out"),
               "--flush-session", "--disable-coloring", "--skip-waf", "--ignore-code", "401,404", "--answers", "follow=N,quit=N",
               "-v", "1", *HOW]
    environment = rig.environment(HOME=str(place), TERM="dumb")
    done = subprocess.run(command, cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=3600 if WHOLE else 300, check=False)
    said = done.stdout + done.stderr
    (place / "said").write_text(said)
    wrong = [line for line in said.splitlines() if FOUND.search(line)]
    if not wrong and DONE not in said:
        wrong = ["sqlmap did not come to its end: " + " ".join(said.splitlines()[-4:])]
    return name, wrong, time.monotonic() - begun


class Sqlmap(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mettle-sqlmap-")

    def tearDown(self):
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or getattr(self._outcome.result,
        "failures", [])
        if failed:
            shutil.rmtree(KEPT, ignore_errors=True)
            shutil.copytree(self.folder, KEPT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def test_1_it_finds_what_is_there(self):
        Vulnerable.rows.execute("CREATE TABLE items (id INTEGER, name TEXT)")
        Vulnerable.rows.executemany("INSERT INTO items VALUES (?, ?)", [(n, f"n{n}") for n in range(5)])
        server = serving(Vulnerable)
        host = f"127.0.0.1:{server.server_port}"
        requests = {"get": f"GET /x?id=1* HTTP/1.1\r\nHost: {host}\r\n\r\n",
                    "post": f'POST /x HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\r\n{{"name": "n1*"}}'}
        for name, text in requests.items():
            self.assertTrue(any("injection point" in line for line in sqlmap(name, text, self.folder)[1]), name)
        server.shutdown()
        server.server_close()

    @staticmethod
    def maker(app):
        return app.ask("GET", "/api/v1/makers/acme", want=200).json["id"]

    def test_2_it_finds_nothing_here(self):
        text = (pathlib.Path(__file__).parent / "market.yaml").read_text()
        with rig.App(text, "--log-requests false --trusted-proxies 127.0.0.1 --overload-delay 5s") as app:
            token = app.key("seller")
            app.ask("POST", "/api/v1/makers", {"code": "acme", "name": "lamp"}, token, want=201)
            good = app.ask("POST", "/api/v1/goods", {"name": "lamp", "price": "9.50", "state": "listed"}, token,
                           want=201).json["id"]
            Proxy.target = (app.server.host, app.server.port)
            proxy = serving(Proxy)
            app.ask("POST", "/api/v1/goods", {"name": "lamp", "price": "8", "state": "listed"}, token, want=201)
            page = app.ask("GET", "/api/v1/goods?limit=1", want=200).json
            person = app.person("ada")
            me = app.ask("GET", "/auth/me", token=person, want=200).json["id"]
            targets = Targets(app.ask("GET", "/openapi.json", want=200).json,
                              {"goods": good, "good_id": good, "users": me, "cursor": page["next_cursor"],
                               "maker_id": self.maker(app)})
            jobs = {}
            for path, operations in targets.document["paths"].items():
                for method, operation in operations.items():
                    if not CHOSEN.search(f"{method} {path}"):
                        continue
                    guarded = path.startswith("/auth/") and method == "post"
                    host = f"127.0.0.1:{proxy.server_port if guarded else app.server.port}"
                    jobs |= dict(targets.requests(method, path, operation, host,
                                                  person if path.startswith("/auth/") else token))
            # Headers that no document names.
            for name, value in (("Authorization", "Bearer mtl_abc_def"), ("Cookie", "mettle=abc"), ("User-Agent", "x"),
                                ("X-Request-Id", "x")):
                host = f"Host: 127.0.0.1:{app.server.port}"
                jobs[f"header {name}"] = f"GET /auth/me HTTP/1.1\r\n{host}\r\n{name}: {targets.mark(value)}\r\n\r\n"
            # What deletes comes last: the others want their rows.
            jobs = dict(sorted(jobs.items(), key=lambda job: job[0].startswith("delete")))
            begun, left, wrong = time.monotonic(), len(jobs), {}
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                asked = [pool.submit(sqlmap, name, made, self.folder) for name, made in jobs.items()]
                for done in concurrent.futures.as_completed(asked):
                    name, found, seconds = done.result()
                    left -= 1
                    print(f"{seconds:6.1f} s  {name}  ({left} left)", file=sys.stderr)
                    if found:
                        wrong[name] = found
            # It compares answers and guesses: what it says once it must say again, with nothing beside it.
            wrong = {name: again for name in wrong if (again := sqlmap(f"{name} again", jobs[name], self.folder)[1])}
            proxy.shutdown()
            proxy.server_close()
            self.assertGreater(targets.parameters, 300 if WHOLE else 50)
            print(f"sqlmap: {targets.parameters} parameters of {len(jobs)} requests, {time.monotonic() - begun:.0f} s, {len(wrong)} finds",
                  file=sys.stderr)
            self.assertEqual(wrong, {}, f"see {KEPT}")
            log = app.server.log()
            self.assertNotIn('"level":"error"', log, log[-3000:])


if __name__ == "__main__":
    if shutil.which("sqlmap") is None:
        print("sqlmap is not there: make setup", file=sys.stderr)
        sys.exit(rig.SKIPPED)
    sys.argv = [word for word in sys.argv if word != "--all"]
    rig.main(__doc__)
