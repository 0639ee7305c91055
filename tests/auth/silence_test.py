#!/usr/bin/env python3
"""Proves that an answer does not tell who has an account (A11): the same status, headers and body for an address that somebody
has and for one that nobody has, and neither sooner than the time in which both are done. That is a least time, which no
busy machine makes shorter; how alike the times are under load, bench/ measures.

    tests/auth/silence_test.py --binary build/dev/mettle
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from scenario.server import Server  # noqa: E402

APP = """mettle: 1
app: club
auth: {table: users, verify: required, profile: [nick]}
tables:
  users:
    columns: {nick: {type: text, optional: true, unique: true}}
"""
LEAST_S = 0.050
PASSWORD = "correct horse battery"
# What differs between any two answers.
OWN_HEADERS = {"date", "traceparent", "x-request-id", "request-id"}
options = argparse.Namespace(binary=str(ROOT / "build/dev/mettle"))


class Silence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mettle-auth-")
        app = pathlib.Path(cls.folder.name) / "mettle.yaml"
        app.write_text(APP)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}
        cls.server = Server(options.binary, str(app), cls.folder.name, "", environment)
        cls.server.start()
        status, _, _, _ = cls.ask("/auth/register", {"email": "ada@example.com", "password": PASSWORD, "nick": "ada"})
        assert status == 201

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    @classmethod
    def ask(cls, path, body):
        """(status, headers that tell, body, seconds)"""
        connection = http.client.HTTPConnection(cls.server.host, cls.server.port, timeout=60)
        began = time.monotonic()
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        took = time.monotonic() - began
        connection.close()
        headers = sorted((name.lower(), value) for name, value in answer.getheaders() if name.lower() not in OWN_HEADERS)
        return answer.status, headers, re.sub(rb'"request_id":"[^"]*"', b'"request_id":""', text), took

    def alike(self, path, somebody, nobody, status):
        known, unknown = self.ask(path, somebody), self.ask(path, nobody)
        self.assertEqual(known[0], status, known[2])
        self.assertEqual(known[:3], unknown[:3])
        return known[3], unknown[3]

    def test_asking_for_a_mail(self):
        for path in ("/auth/recover", "/auth/magic", "/auth/verify"):
            with self.subTest(path=path):
                for took in self.alike(path, {"email": "ada@example.com"}, {"email": f"nobody{path[6:]}@example.com"}, 202):
                    self.assertGreaterEqual(took, LEAST_S)

    def test_registering_an_address_that_is_taken(self):
        body = {"password": PASSWORD}
        times = self.alike("/auth/register", {"email": "ada@example.com", **body}, {"email": "eve@example.com", **body}, 201)
        for took in times:
            self.assertGreaterEqual(took, LEAST_S)

    def test_signing_in(self):
        self.alike("/auth/login", {"email": "ada@example.com", "password": "not her password"},
                   {"email": "nobody-else@example.com", "password": "not her password"}, 401)

    def test_another_unique_column_is_no_secret(self):
        status, _, text, _ = self.ask("/auth/register", {"email": "bob@example.com", "password": PASSWORD, "nick": "ada"})
        self.assertEqual(status, 409, text)
        self.assertEqual([fault["pointer"] for fault in json.loads(text)["errors"]], ["/nick"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=options.binary)
    options, rest = parser.parse_known_args()
    options.binary = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
