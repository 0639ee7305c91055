#!/usr/bin/env python3
"""Kills the server with SIGKILL under write load, again and again, and checks what must hold afterwards.

  tests/chaos/kill9.py [--binary build/release/mettle] [--rounds 40] [--writers 8] [--seed N] [--keep]

Each round: writers on connections of their own create rows, batches, and rows and commands with an Idempotency-Key; at a
random moment the server is killed; it is started again on the same data; what was in flight with a key is sent again. Then:
  1. every acknowledged write is there (read through the API);
  2. every batch is there whole or not at all, and whole when it was acknowledged;
  3. each Idempotency-Key has exactly one effect, and each repeat gets the same bytes, also later ones;
  4. nothing is there that was not sent, and nothing twice;
  5. SQLite's own integrity_check finds nothing, once the server has stopped.
The seed is printed and decides who writes what and when the kill comes; a run ends after --seconds at the latest.
Exit code 0 when all held, 1 when not, 2 for wrong usage.
"""
import argparse
import collections
import http.client
import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from scenario.server import Server, Trouble, environment  # noqa: E402

APP = pathlib.Path(__file__).resolve().parent / "mettle.yaml"
BATCH = 5
PAGE = 1000


class Broken(Exception):
    """A promise did not hold."""


class Ledger:
    """What the writers sent and what the server acknowledged; shared by the writers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = collections.defaultdict(set)  # table -> markers
        self.acked = collections.defaultdict(set)
        self.groups = {}  # group -> acknowledged?
        self.keyed = {}  # key -> Keyed
        self.requests = 0

    def note(self, table, marker, acked=False):
        with self.lock:
            (self.acked if acked else self.sent)[table].add(marker)


class Keyed:
    """One request with an Idempotency-Key and the first answer it got."""

    def __init__(self, path, table, marker):
        self.path, self.table, self.marker, self.answer = path, table, marker, None

    def body(self):
        return {"marker": self.marker}


class Client:
    """One connection that bears the key. An answer or None: the connection broke before it came."""

    def __init__(self, host, port, key):
        self.connection = http.client.HTTPConnection(host, port, timeout=60)
        self.key = key

    def call(self, method, path, body=None, headers=()):
        sent = {"Authorization": f"Bearer {self.key}", **dict(headers)}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = self.connection.getresponse()
            return answer.status, answer.read(), answer
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return None

    def close(self):
        self.connection.close()


class Writer(threading.Thread):
    """Writes until the connection breaks for good; its choices come from its own generator."""

    def __init__(self, name, server, key, ledger, chance):
        super().__init__(daemon=True)
        self.prefix, self.client, self.ledger, self.chance = name, Client(server.host, server.port, key), ledger, chance
        self.fault, self.stopping = None, False

    def run(self):
        number = 0
        try:
            while not self.stopping:
                number += 1
                marker = f"{self.prefix}-{number}"
                kind = self.chance.choice((self.row, self.row, self.batch, self.keyed_row, self.keyed_command))
                if not kind(marker):
                    return
        except Broken as error:
            self.fault = error
        finally:
            self.client.close()

    def answered(self, answer, marker, statuses):
        """Whether the answer came; one that is neither success nor shedding is a fault."""
        if answer is None:
            return False
        self.ledger.requests += 1
        if answer[0] in statuses:
            return True
        if answer[0] == 503:
            return False
        raise Broken(f"{marker}: answered {answer[0]}: {answer[1][:500]!r}")

    def row(self, marker):
        self.ledger.note("marks", marker)
        answer = self.client.call("POST", "/api/v1/marks", {"marker": marker})
        if self.answered(answer, marker, (201,)):
            self.ledger.note("marks", marker, acked=True)
        return answer is not None

    def batch(self, group):
        markers = [f"{group}.{i}" for i in range(BATCH)]
        self.ledger.groups[group] = False
        for marker in markers:
            self.ledger.note("marks", marker)
        operations = [{"method": "POST", "path": "/marks", "body": {"marker": marker, "grouping": group}} for marker in markers]
        answer = self.client.call("POST", "/api/v1/batch", {"operations": operations})
        if self.answered(answer, group, (200,)):
            self.ledger.groups[group] = True
            for marker in markers:
                self.ledger.note("marks", marker, acked=True)
        return answer is not None

    def keyed_row(self, marker):
        return self.keyed(Keyed("/api/v1/effects", "effects", marker))

    def keyed_command(self, marker):
        self.ledger.note("marks", marker)
        return self.keyed(Keyed("/api/v1/commands/record", "effects", marker))

    def keyed(self, request):
        self.ledger.note("effects", request.marker)
        self.ledger.keyed[request.marker] = request
        answer = self.client.call("POST", request.path, request.body(), {"Idempotency-Key": request.marker}.items())
        if self.answered(answer, request.marker, (200, 201)):
            settle(self.ledger, request, answer)
        return answer is not None


def settle(ledger, request, answer):
    """Remembers the first answer of a key, or compares a later one with it."""
    got = (answer[0], answer[1])
    if request.answer is None:
        request.answer = got
        ledger.note("effects", request.marker, acked=True)
        if "commands" in request.path:
            ledger.note("marks", request.marker, acked=True)
    elif request.answer != got:
        raise Broken(f"Idempotency-Key {request.marker}: first {request.answer!r}, then {got!r}")


def read_all(client, table):
    """Every row of a table through the API."""
    rows, cursor = [], None
    while True:
        path = f"/api/v1/{table}?limit={PAGE}" + (f"&cursor={cursor}" if cursor else "")
        answer = client.call("GET", path)
        if answer is None or answer[0] != 200:
            raise Broken(f"GET {path}: {answer and answer[:2]!r}")
        page = json.loads(answer[1])
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


class Test:
    """All rounds on one data folder."""

    def __init__(self, options):
        self.options, self.chance = options, random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-kill9-"))
        self.server = Server(str(pathlib.Path(options.binary).resolve()), str(APP), self.folder, "", environment(self.folder, options.env))
        self.ledger, self.key, self.replays = Ledger(), "", 0

    def execute(self):
        begun = time.monotonic()
        rounds = 0
        try:
            self.server.start()
            self.make_key()
            for number in range(1, self.options.rounds + 1):
                if time.monotonic() - begun > self.options.seconds:
                    raise Broken(f"only {rounds} of {self.options.rounds} rounds within {self.options.seconds} s")
                self.round(number)
                rounds = number
            self.server.stop()
            self.integrity()
        finally:
            self.server.kill()
            if self.options.keep:
                print(f"kill9: data kept in {self.folder}")
            else:
                shutil.rmtree(self.folder, ignore_errors=True)
        acked = sum(len(markers) for markers in self.ledger.acked.values())
        if not acked or not self.ledger.keyed:
            raise Broken("no write was acknowledged before a kill: this run proves nothing")
        print(f"kill9: {rounds} kills in {time.monotonic() - begun:.1f} s, {self.ledger.requests} answers, {acked} acknowledged rows, "
              f"{len(self.ledger.groups)} batches, {len(self.ledger.keyed)} keys, {self.replays} repeats: all held")

    def make_key(self):
        done = subprocess.run([self.server.binary, "key", "create", str(APP), "--data", str(self.folder / "data"), "--role", "writer"],
                              capture_output=True, text=True, env=self.server.env, cwd=self.folder, timeout=60, check=False)
        if done.returncode != 0:
            raise Trouble(f"mettle key create ended with {done.returncode}: {done.stderr}")
        self.key = done.stdout.strip()

    def round(self, number):
        writers = [Writer(f"s{self.options.seed}-r{number}-w{w}", self.server, self.key, self.ledger, random.Random(self.chance.random()))
                   for w in range(self.options.writers)]
        for writer in writers:
            writer.start()
        answers, until = self.ledger.requests, time.monotonic() + 20
        # A kill before the first answer shows little, and on a slow machine every kill would be one.
        while self.ledger.requests == answers and time.monotonic() < until and any(writer.is_alive() for writer in writers):
            time.sleep(0.002)
        time.sleep(self.chance.uniform(0, 0.4))
        died = self.server.died()
        if died:
            raise Broken(died)
        self.server.kill()
        for writer in writers:
            writer.stopping = True
            writer.join(90)
            if writer.is_alive():
                raise Broken("a writer hangs though the server is gone")
            if writer.fault:
                raise writer.fault
        begun = time.monotonic()
        self.server.start()
        took = time.monotonic() - begun
        client = Client(self.server.host, self.server.port, self.key)
        self.repeat_keys(client, number)
        self.check(client)
        client.close()
        if self.options.verbose:
            print(f"kill9: round {number}: ready after {took:.2f} s, {self.ledger.requests} answers so far")

    def repeat_keys(self, client, number):
        """What had no answer is sent again; of what had one, a sample: the old answers must come back."""
        open_ = [request for request in self.ledger.keyed.values() if request.answer is None]
        done = [request for request in self.ledger.keyed.values() if request.answer is not None]
        sample = self.chance.sample(done, min(len(done), 20))
        for request in open_ + sample + open_:
            answer = client.call("POST", request.path, request.body(), {"Idempotency-Key": request.marker}.items())
            if answer is None or answer[0] not in (200, 201):
                raise Broken(f"round {number}: repeat of key {request.marker} got {answer and answer[:2]!r}")
            settle(self.ledger, request, answer)
            self.replays += 1

    def check(self, client):
        marks, effects = read_all(client, "marks"), read_all(client, "effects")
        self.check_table("marks", marks)
        self.check_table("effects", effects)
        per_group = collections.Counter(row["grouping"] for row in marks if row.get("grouping"))
        for group, acked in self.ledger.groups.items():
            if per_group[group] not in ((BATCH,) if acked else (0, BATCH)):
                raise Broken(f"batch {group} ({'acknowledged' if acked else 'in flight'}) has {per_group[group]} of {BATCH} rows")

    def check_table(self, table, rows):
        found = collections.Counter(row["marker"] for row in rows)
        lost = self.ledger.acked[table] - found.keys()
        if lost:
            raise Broken(f"{table}: {len(lost)} acknowledged rows are lost: {sorted(lost)[:10]}")
        strange = found.keys() - self.ledger.sent[table]
        if strange:
            raise Broken(f"{table}: rows that nobody sent: {sorted(strange)[:10]}")
        twice = [marker for marker, count in found.items() if count > 1]
        if twice:
            raise Broken(f"{table}: one request, several effects: {sorted(twice)[:10]}")

    def integrity(self):
        database = sqlite3.connect(f"file:{self.folder}/data/app.db?mode=ro", uri=True)
        try:
            found = database.execute("PRAGMA integrity_check").fetchall()
        finally:
            database.close()
        if found != [("ok",)]:
            raise Broken(f"integrity_check: {found[:20]}")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/release/mettle"))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=500, help="give up after this long")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the data folder")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the server")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args(argv)
    options.env = dict(entry.split("=", 1) for entry in options.env)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 30)
    if not pathlib.Path(options.binary).is_file():
        print(f"kill9: {options.binary} does not exist; build it, or name it with --binary", file=sys.stderr)
        return 2
    print(f"kill9: seed {options.seed}", flush=True)
    test = Test(options)
    try:
        test.execute()
        return 0
    except (Broken, Trouble) as error:
        print(f"kill9: FAILED (seed {options.seed}): {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
