#!/usr/bin/env python3
"""Proves that what ends, ends everywhere (trust.md 1.3, A8): for each way in which somebody is shut out or changed (password
reset, password change, sign-out everywhere, disabled, deleted, a role taken, a second factor added), whatever stood on the
account before (an access token, a refresh token, a cookie, a key, an old link) is dead or changed, at once where the server itself did
it, and within two seconds where a command beside it did.

    tests/auth/everything_ends_test.py --binary build/dev/mettle
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
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from scenario.server import Server  # noqa: E402

APP = """mettle: 1
app: vault
auth: {table: users, roles: [clerk, admin]}
tables:
  users:
    columns: {name: {type: text, optional: true}}
    access: {read: "'admin' in auth.roles", delete: "'admin' in auth.roles"}
  secrets:
    columns: {text: {type: text}}
    access: {read: "'clerk' in auth.roles"}
"""
PASSWORD = "correct horse battery"
OTHER = "another horse battery"
PROMISED_S = 2
PATIENCE_S = 30  # of a slow machine; a promise is measured by the server's clock, not by this
options = argparse.Namespace(binary=str(ROOT / "build/dev/mettle"), serve="")


def code_of(secret, step):
    """RFC 4226, section 5.3."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


class EverythingEnds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="mettle-ends-")
        cls.app = pathlib.Path(cls.folder.name) / "mettle.yaml"
        cls.app.write_text(APP)
        cls.environment = {name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}
        cls.server = Server(options.binary, str(cls.app), cls.folder.name, options.serve, cls.environment)
        cls.server.start()
        cls.admin = cls.mettle("key", "create", "--role", "admin").strip()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.folder.cleanup()

    @classmethod
    def mettle(cls, group, verb, *args):
        """Runs `mettle GROUP VERB APP ARGS` beside the server; what it prints."""
        command = [options.binary, group, verb, str(cls.app), *args, "--data", str(pathlib.Path(cls.folder.name) / "data")]
        done = subprocess.run(command, capture_output=True, text=True, env=cls.environment, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def ask(self, method, path, body=None, bearer=None, cookie=None, want=None):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if cookie:
            headers |= {"Cookie": f"mettle-session={cookie}", "Sec-Fetch-Site": "same-origin"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        set_cookie = answer.getheader("Set-Cookie") or ""
        connection.close()
        if want is not None:
            self.assertEqual(answer.status, want, text)
        given = json.loads(text) if text else {}
        found = re.search(r"mettle-session=([^;]+)", set_cookie)
        if found:
            given["cookie"] = found.group(1)
        return answer.status, given

    def person(self, name):
        """Everything that a person can have: two sessions of each kind's credentials, a key, the link of a mail."""
        email = f"{name}@example.com"
        _, first = self.ask("POST", "/auth/register", {"email": email, "password": PASSWORD}, want=201)
        who = first["user"]["id"]
        _, browser = self.ask("POST", "/auth/login", {"email": email, "password": PASSWORD, "session": "cookie"}, want=200)
        _, own = self.ask("POST", "/auth/login", {"email": email, "password": PASSWORD}, want=200)
        self.mettle("role", "grant", "clerk", who)
        key = self.mettle("key", "create", "--user", who, "--role", "clerk").strip()
        self.ask("POST", "/auth/magic", {"email": email}, want=202)
        self.ask("POST", "/auth/recover", {"email": email}, want=202)
        held = {"id": who, "email": email, "access": first["access_token"], "refresh": first["refresh_token"],
                "cookie": browser["cookie"], "browser_access": browser["access_token"], "key": key, "own": own["access_token"],
                "link": self.link(email, "magic"), "reset": self.link(email, "reset")}
        self.settled(lambda: self.ask("GET", "/api/v1/secrets", bearer=held["access"])[0], 200)
        self.assertEqual(self.opens(held), {"access", "browser_access", "cookie", "key", "own"})
        return held

    def link(self, email, page):
        for _ in range(PATIENCE_S * 20):
            _, mails = self.ask("GET", f"/mettle/mail.json?to={email}", want=200)
            for mail in mails["items"]:
                for url in mail["links"]:
                    found = re.search(rf"/auth/ui/{page}\?token=(\S+)", url)
                    if found:
                        return found.group(1)
            time.sleep(0.05)
        self.fail(f"no mail with a link to {page}")

    def settled(self, look, want):
        """Until it is so; and how long that took, in seconds."""
        began = time.monotonic()
        while (seen := look()) != want:
            if time.monotonic() - began > PATIENCE_S:
                self.fail(f"{seen} where {want} was promised within {PROMISED_S} s")
            time.sleep(0.02)
        return time.monotonic() - began

    def opens(self, held, path="/api/v1/secrets"):
        """Which of what a person held opens a path that needs it, without using anything up."""
        tries = {name: {"bearer": held[name]} for name in ("access", "browser_access", "key", "own")}
        tries["cookie"] = {"cookie": held["cookie"]}
        return {name for name, how in tries.items() if self.ask("GET", path, **how)[0] == 200}

    def is_dead(self, held, names):
        """These open nothing, and neither refresh token nor old links bring anything back."""
        self.assertFalse(self.opens(held) & set(names), "still open")
        self.assertEqual(self.ask("POST", "/auth/refresh", {"refresh_token": held["refresh"]})[0], 401, "the refresh token")
        self.assertEqual(self.ask("POST", "/auth/magic", {"token": held["link"]})[0], 401, "the link of an old mail")
        self.assertEqual(self.ask("POST", "/auth/reset", {"token": held["reset"], "password": OTHER})[0], 401, "an old reset")

    SESSIONS = ("access", "browser_access", "cookie", "own")
    ALL = (*SESSIONS, "key")

    def test_reset_of_the_password(self):
        # Nobody had proven the mailbox: who made the account may be somebody else, whose key ends as well.
        held = self.person("reset")
        self.ask("POST", "/auth/reset", {"token": held["reset"], "password": OTHER}, want=204)
        self.is_dead(held, self.ALL)

    def test_reset_of_a_proven_account_leaves_the_keys_that_the_operator_gave(self):
        held = self.person("reset2")
        self.ask("POST", "/auth/verify", {"token": self.link(held["email"], "verify")}, want=204)
        self.ask("POST", "/auth/reset", {"token": held["reset"], "password": OTHER}, want=204)
        self.is_dead(held, self.SESSIONS)
        self.assertEqual(self.opens(held), {"key"})

    def test_change_of_the_password(self):
        held = self.person("change")
        body = {"current_password": PASSWORD, "new_password": OTHER}
        self.ask("POST", "/auth/password", body, bearer=held["own"], want=204)
        self.is_dead(held, ("access", "browser_access", "cookie"))
        self.assertIn("own", self.opens(held), "the session that changed it goes on")

    def test_signing_out_everywhere(self):
        held = self.person("out")
        self.ask("POST", "/auth/logout", {"scope": "all"}, bearer=held["own"], want=204)
        self.assertEqual(self.opens(held), {"key"})
        self.assertEqual(self.ask("POST", "/auth/refresh", {"refresh_token": held["refresh"]})[0], 401)

    def test_disabled_by_a_command_beside_the_server(self):
        held = self.person("disabled")
        self.mettle("user", "disable", held["id"])
        self.assertNotIn("key", self.opens(held), "a key is read with each request")
        self.settled(lambda: self.opens(held), set())
        self.is_dead(held, self.ALL)
        self.assertEqual(self.ask("POST", "/auth/login", {"email": held["email"], "password": PASSWORD})[0], 401)

    def test_a_password_set_by_a_command(self):
        held = self.person("set")
        secret = pathlib.Path(self.folder.name) / "password"
        secret.write_text(OTHER)
        self.mettle("user", "password", held["id"], "--password-file", str(secret))
        self.settled(lambda: self.opens(held), {"key"})
        self.is_dead(held, self.SESSIONS)

    def test_deleted_through_the_api(self):
        held = self.person("deleted")
        self.ask("DELETE", f"/api/v1/users/{held['id']}", bearer=self.admin, want=204)
        self.assertNotIn("key", self.opens(held))
        self.settled(lambda: self.opens(held), set())
        self.is_dead(held, self.ALL)

    def test_a_role_that_is_taken(self):
        held = self.person("role")
        self.mettle("role", "revoke", "clerk", held["id"])
        # Those of the person have it no more; the key has roles of its own, and is a person's only while the person is there.
        self.settled(lambda: self.opens(held), {"key"})
        self.assertEqual(self.opens(held, "/auth/me"), set(self.SESSIONS), "who it is has not changed")
        _, refreshed = self.ask("POST", "/auth/refresh", {"refresh_token": held["refresh"]}, want=200)
        claims = json.loads(base64.urlsafe_b64decode(refreshed["access_token"].split(".")[1] + "=="))
        self.assertEqual(claims.get("roles", []), [])

    def test_a_second_factor_that_is_added(self):
        held = self.person("factor")
        self.ask("POST", "/auth/verify", {"token": self.link(held["email"], "verify")}, want=204)
        _, begun = self.ask("POST", "/auth/mfa/totp", {"password": PASSWORD}, bearer=held["own"], want=200)
        secret = base64.b32decode(begun["secret"] + "=" * (-len(begun["secret"]) % 8))
        code = code_of(secret, int(time.time()) // 30)
        self.ask("POST", "/auth/mfa/totp/confirm", {"code": code}, bearer=held["own"], want=200)
        self.assertEqual(self.opens(held), {"own", "key"}, "sessions from before have shown no second factor")
        self.assertEqual(self.ask("POST", "/auth/refresh", {"refresh_token": held["refresh"]})[0], 401)
        # The link of an old mail is no way round it.
        self.assertEqual(self.ask("POST", "/auth/magic", {"token": held["link"]})[1]["code"], "mfa_required")

    def test_an_invitation_that_was_accepted(self):
        """Of fifty that come at once one is let in; who comes when the queue of passwords is full is told to come again (503)."""
        link = json.loads(self.mettle("user", "invite", "many@example.com", "--role", "clerk", "--link", "--json"))["link"]
        token = link.split("token=")[1]

        def accept(_):
            return self.ask("POST", "/auth/register", {"invitation": token, "password": PASSWORD})[0]
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            seen = list(pool.map(accept, range(50)))
        self.assertEqual(seen.count(201), 1, seen)
        self.assertLessEqual(set(seen), {201, 401, 503})
        self.assertEqual(accept(0), 401)

    def test_signing_keys_that_are_revoked(self):
        held = self.person("rotated")
        self.mettle("token", "rotate", "--revoke")
        self.settled(lambda: self.opens(held), {"cookie", "key"})
        _, again = self.ask("POST", "/auth/refresh", {"refresh_token": held["refresh"]}, want=200)
        self.ask("GET", "/auth/me", bearer=again["access_token"], want=200)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=options.binary)
    parser.add_argument("--serve", default="", help="more options of `mettle serve`: --serve='--mutant lock-out-forgotten'")
    options, rest = parser.parse_known_args()
    options.binary = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
