#!/usr/bin/env python3
"""Proves that passwords cannot be guessed over the wire (trust.md 1.3, A10): one account and one address are held off with 429 and
Retry-After, a limit of the app on /auth/* counts too, and no header that a client makes up gives it another address, while behind
a proxy that is trusted each client has its own count.

    tests/auth/guessing_test.py --binary build/dev/mettle
"""
import argparse
import http.client
import json
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from scenario.server import Server  # noqa: E402

APP = """mettle: 1
app: vault
auth: {table: users}
"""
LIMITED = APP + """limits:
  sign_in: {rate: 3/h, by: address, routes: "POST /auth/login"}
"""
PASSWORD = "correct horse battery"
WRONG = "wrong horse battery"
FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 5, 50  # features/auth/attempts.h
options = argparse.Namespace(binary=str(ROOT / "build/dev/mettle"), serve="")


def disguise(number):
    """Every header by which somebody could claim another address."""
    address = f"203.0.113.{number % 250 + 1}"
    return {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}", "X-Client-IP": address,
            "True-Client-IP": address, "CF-Connecting-IP": address, "X-Forwarded-Host": address}


class Guessing(unittest.TestCase):
    def serve(self, app, flags=""):
        folder = tempfile.TemporaryDirectory(prefix="mettle-guess-")
        self.addCleanup(folder.cleanup)
        file = pathlib.Path(folder.name) / "mettle.yaml"
        file.write_text(app)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}
        self.server = Server(options.binary, str(file), folder.name, f"{flags} {options.serve}", environment)
        self.server.start()
        self.addCleanup(self.server.stop)

    def login(self, email, password=WRONG, headers=None):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        body = json.dumps({"email": email, "password": password})
        connection.request("POST", "/auth/login", body, {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        given = answer.status, json.loads(answer.read()), answer.getheader("Retry-After")
        connection.close()
        return given

    def is_held_off(self, given, longest_s):
        status, problem, retry_after = given
        self.assertEqual((status, problem["code"]), (429, "rate_limited"), problem)
        self.assertGreaterEqual(int(retry_after), 1)
        self.assertLessEqual(int(retry_after), longest_s)

    def test_one_account_from_many_made_up_addresses(self):
        self.serve(APP)
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
        connection.request("POST", "/auth/register", json.dumps({"email": "ada@example.com", "password": PASSWORD}),
                           {"Content-Type": "application/json"})
        self.assertEqual(connection.getresponse().status, 201)
        connection.close()
        for name in ("ada@example.com", "nobody@example.com"):
            statuses = [self.login(name, headers=disguise(n))[0] for n in range(FREE_OF_ACCOUNT + 1)]
            self.assertEqual(statuses, [401] * (FREE_OF_ACCOUNT + 1), "an account that nobody has is counted alike")
            # Now, and not later: these five seconds pass. The right password waits as well.
            self.is_held_off(self.login(name, PASSWORD, disguise(99)), 5)
            # However it is written.
            self.is_held_off(self.login(f"  {name.upper()} "), 5)

    def test_many_accounts_from_one_address(self):
        self.serve(APP)
        for n in range(FREE_OF_ADDRESS + 1):
            status, problem, _ = self.login(f"user{n}@example.com", headers=disguise(n))
            self.assertEqual(status, 401, problem)
        self.is_held_off(self.login("one-more@example.com", headers=disguise(77)), 5)

    def test_a_limit_of_the_app_cannot_be_dodged(self):
        self.serve(LIMITED)
        self.assertEqual([self.login(f"u{n}@example.com", headers=disguise(n))[0] for n in range(3)], [401] * 3)
        self.is_held_off(self.login("u9@example.com", headers=disguise(9)), 3600)

    def test_behind_a_trusted_proxy_each_client_has_its_own_count(self):
        self.serve(LIMITED, "--trusted-proxies 127.0.0.1/32")

        def client(address, n):
            return self.login(f"{address}-{n}@example.com", headers={"X-Forwarded-For": address})
        self.assertEqual([client("203.0.113.1", n)[0] for n in range(3)], [401] * 3)
        self.is_held_off(client("203.0.113.1", 3), 3600)
        self.assertEqual(client("203.0.113.2", 0)[0], 401)
        # What the client put there itself stands on the left of what the proxy adds, and is not believed.
        self.is_held_off(client("198.51.100.7, 203.0.113.1", 4), 3600)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=options.binary)
    parser.add_argument("--serve", default="", help="more options of `mettle serve`: --serve='--mutant lock-out-forgotten'")
    options, rest = parser.parse_known_args()
    options.binary = os.path.abspath(options.binary)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
