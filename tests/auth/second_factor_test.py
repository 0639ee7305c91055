#!/usr/bin/env python3
"""Proves the second factor from outside: an authenticator app (RFC 6238, computed here) is set up, confirmed, asked for when
signing in, and its codes and the recovery codes work once each, also when many come at the same moment.

    tests/auth/second_factor_test.py --binary build/dev/mettle
"""
import argparse
import base64
import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import struct
import sys
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from scenario.server import Server  # noqa: E402

APP = """mettle: 1
app: vault
auth: {table: users}
tables:
  secrets:
    owner: user_id
    columns:
      user_id: {references: users, on_delete: cascade}
      text: {type: text}
    access: {create: "row.user_id == auth.id", read: "row.user_id == auth.id && auth.aal >= 2"}
"""
STEP_S = 30
PASSWORD = "correct horse battery"
options = argparse.Namespace(binary=str(ROOT / "build/dev/mettle"))


def code_of(secret, step):
    """RFC 4226, section 5.3."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


class SecondFactor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mettle-auth-")
        app = pathlib.Path(cls.folder.name) / "mettle.yaml"
        app.write_text(APP)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}
        cls.server = Server(options.binary, str(app), cls.folder.name, "", environment)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    def ask(self, method, path, body=None, token=None, want=None):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if want is not None:
            self.assertEqual(answer.status, want, text)
        return answer.status, json.loads(text) if text else None

    def person(self, name):
        _, answer = self.ask("POST", "/auth/register", {"email": f"{name}@example.com", "password": PASSWORD}, want=201)
        return answer["access_token"]

    def enrolled(self, name):
        """(a token of aal 2, the secret, the recovery codes, the step whose code was used)"""
        token = self.person(name)
        _, begun = self.ask("POST", "/auth/mfa/totp", {"password": PASSWORD}, token, 200)
        secret = base64.b32decode(begun["secret"] + "=" * (-len(begun["secret"]) % 8))
        step = int(time.time()) // STEP_S
        _, done = self.ask("POST", "/auth/mfa/totp/confirm", {"code": code_of(secret, step)}, token, 200)
        return token, secret, done["recovery_codes"], step

    def login(self, name, **more):
        return self.ask("POST", "/auth/login", {"email": f"{name}@example.com", "password": PASSWORD, **more})

    def test_the_app_reads_what_it_needs(self):
        token = self.person("reader")
        _, begun = self.ask("POST", "/auth/mfa/totp", {"password": PASSWORD}, token, 200)
        url = urllib.parse.urlparse(begun["url"])
        self.assertEqual((url.scheme, url.netloc, urllib.parse.unquote(url.path)), ("otpauth", "totp", "/vault:reader@example.com"))
        self.assertEqual(urllib.parse.parse_qs(url.query), {"secret": [begun["secret"]], "issuer": ["vault"]})
        self.assertEqual(len(base64.b32decode(begun["secret"])), 20)

    def test_it_is_set_up_by_password_and_first_code(self):
        token = self.person("setup")
        self.ask("POST", "/auth/mfa/totp", {"password": "wrong horse battery"}, token, 422)
        self.ask("POST", "/auth/mfa/totp/confirm", {"code": "123456"}, token, 409)
        self.ask("POST", "/auth/mfa/totp", {"password": PASSWORD}, token, 200)
        # Not confirmed: nobody is locked out by a half-done set-up.
        self.assertEqual(self.login("setup")[0], 200)
        self.ask("POST", "/auth/mfa/totp/confirm", {"code": "000000"}, token, 422)
        self.assertEqual(self.login("setup")[0], 200)

    def test_signing_in_needs_a_code_and_each_works_once(self):
        token, secret, _, step = self.enrolled("once")
        self.ask("POST", "/auth/mfa/totp", {"password": PASSWORD}, token, 409)
        status, problem = self.login("once")
        self.assertEqual((status, problem["code"]), (401, "mfa_required"))
        self.assertEqual(self.login("once", code=code_of(secret, step))[0], 422, "the code that confirmed was used")
        status, answer = self.login("once", code=code_of(secret, step + 1))
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.login("once", code=code_of(secret, step + 1))[0], 422)
        # A wrong password tells nothing of the second factor.
        status, problem = self.ask("POST", "/auth/login", {"email": "once@example.com", "password": "wrong horse battery"})
        self.assertEqual((status, problem["code"]), (401, "invalid_credentials"))

    def test_rules_see_it_and_a_session_can_be_raised(self):
        token = self.person("rules")
        self.ask("POST", "/api/v1/secrets", {"text": "x"}, token, 201)
        _, page = self.ask("GET", "/api/v1/secrets", token=token)
        self.assertEqual((page or {}).get("items", []), [])
        _, begun = self.ask("POST", "/auth/mfa/totp", {"password": PASSWORD}, token, 200)
        secret = base64.b32decode(begun["secret"])
        _, elsewhere = self.login("rules")
        step = int(time.time()) // STEP_S
        self.ask("POST", "/auth/mfa/totp/confirm", {"code": code_of(secret, step)}, token, 200)
        _, page = self.ask("GET", "/api/v1/secrets", token=token, want=200)
        self.assertEqual(len(page["items"]), 1)
        # A session from before has shown nothing, and is over.
        self.ask("GET", "/auth/me", token=elsewhere["access_token"], want=401)

    def test_recovery_codes_work_once_each(self):
        _, _, recovery, _ = self.enrolled("recovery")
        self.assertEqual(len(set(recovery)), 10)
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            seen = list(pool.map(lambda _: self.login("recovery", code=recovery[0])[0], range(10)))
        self.assertEqual(seen.count(200), 1, seen)
        status, answer = self.login("recovery", code=recovery[1].upper().replace("-", " "))
        # Guesses are counted: those above were, too.
        self.assertIn(status, (200, 429), answer)

    def test_codes_cannot_be_guessed(self):
        self.enrolled("guess")
        seen = [self.login("guess", code="000000")[0] for _ in range(8)]
        self.assertIn(429, seen)
        self.assertNotIn(200, seen)

    def test_it_is_removed_by_a_code(self):
        token, secret, _, step = self.enrolled("remove")
        self.ask("POST", "/auth/mfa/totp/remove", {"code": "000000"}, token, 422)
        self.ask("POST", "/auth/mfa/totp/remove", {"code": code_of(secret, step + 1)}, token, 204)
        self.assertEqual(self.login("remove")[0], 200)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=options.binary)
    options, rest = parser.parse_known_args()
    options.binary = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
