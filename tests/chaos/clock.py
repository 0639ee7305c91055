#!/usr/bin/env python3
"""Sets the server's clock forward and back by ±1 s to ±10 years while it works (libfaketime), and checks what must not care.

  tests/chaos/clock.py [--binary build/release/mettle] [--rounds 18] [--seed N]

Each round is one jump under two writers, in an order that the seed decides; every sixth is followed by a restart in that
time. The clock that only goes forward (timeouts run on it) stays true. After each jump:
  - the jump is in force: the Date header says so; probes, reads and writes are answered, no write fails or is lost;
  - ids are unique, and ascend on one connection, whatever the clock does;
  - an Idempotency-Key replays its first answer, unless the clock has been 24 hours ahead of it;
  - a key with an end works exactly while the clock is before it; a revoked one never, also before its making;
  - a list walked by cursors has each row once, though the clock jumps between its pages;
  - ETag and If-Match hold, created_at stays, updated_at is the clock's;
  - no timeout fires because of the jump: an idle connection and a half-sent request go on; and a request that stays half is
    cut all the same.
"""
import collections
import email.utils
import glob
import json
import random
import socket
import sys
import time

from load import (Keyed, Ledger, check_rows, check_sound, client_of, join_writers, read_all, send_keyed, start_writers)
from rig import APP, Broken, Missing, Rig, script

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
JUMPS = [sign * size for size in (1, 10, MINUTE, 10 * MINUTE, HOUR, 23 * HOUR, 3 * DAY, YEAR, 10 * YEAR) for sign in (1, -1)]
KEY_LIVES = 30 * MINUTE
RETENTION = 24 * HOUR
SLACK = 60  # of what depends on the clock; no jump comes near a limit
HALF = b"GET /api/v1/marks?limit=1 HTTP/1.1\r\nHost: a\r\n"


def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise Missing("libfaketime is not installed (tools/setup.sh does it)")
    return found[0]


class FakeClock:
    """The server's clock: ours and an offset, read by libfaketime from a file with each call."""

    def __init__(self, folder):
        self.file, self.offset = folder / "clock", 0
        self.set(0)

    def environment(self):
        return {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}

    def set(self, offset):
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{offset:+}\n")
        beside.rename(self.file)
        self.offset = offset

    def now(self):
        return time.time() + self.offset


class Test:
    def __init__(self, rig, chance):
        self.rig, self.chance, self.clock = rig, chance, FakeClock(rig.folder)
        rig.server.env.update(self.clock.environment())
        self.ledger, self.keyed, self.ids, self.latest, self.number = Ledger(), [], [], 0.0, 0
        self.effects = collections.Counter()  # marker -> how many rows there may be
        plain = {name: value for name, value in rig.server.env.items() if name != "LD_PRELOAD"}
        self.without_fake = {"LD_PRELOAD": "", "PATH": plain.get("PATH", "")}

    def begin(self):
        self.rig.key = self.key_of("--name", "lasting")
        self.ending = self.key_of("--expires", f"{KEY_LIVES}s")
        self.revoked = self.key_of("--name", "revoked")
        self.ends_at = time.time() + KEY_LIVES
        done = self.rig.cli("key", "revoke", self.revoked.split("_")[1], "--data", str(self.rig.data), env=self.without_fake)
        if done.returncode != 0:
            raise Broken(f"key revoke: {done.stderr}")
        self.rig.server.start()
        self.client = client_of(self.rig)
        self.writers = start_writers(self.rig, self.ledger, self.chance, 2, "bg", kinds=("row", "batch"), statuses_shed=())
        row = self.expect("POST", "/api/v1/ballast", 201, {"marker": "etag", "body": "0"})
        self.row = json.loads(row.body)
        self.etag = row.headers["etag"]

    def key_of(self, *words):
        done = self.rig.cli("key", "create", str(APP), "--data", str(self.rig.data), "--role", "writer", *words,
                            env=self.without_fake)
        if done.returncode != 0:
            raise Broken(f"key create: {done.stderr}")
        return done.stdout.strip()

    def expect(self, method, path, status, body=None, headers=()):
        answer = self.client.call(method, path, body, headers)
        if answer is None or answer.status != status:
            raise Broken(f"{method} {path}: {answer and answer[:2]!r}, not {status}")
        return answer

    def restart(self):
        join_writers(self.writers)
        self.client.close()
        self.rig.server.stop()
        self.rig.server.start()
        self.number += 1
        self.ids = []  # a new process may begin below the ids of one that was ahead
        self.writers = start_writers(self.rig, self.ledger, self.chance, 2, f"bg{self.number}", kinds=("row", "batch"),
                                     statuses_shed=())

    def jump(self, offset, marker):
        half, idle = self.half_request(), socket.create_connection((self.rig.server.host, self.rig.server.port), 30)
        walk = self.walk_begins()
        self.clock.set(offset)
        self.jump_is_in_force()
        self.new_row(marker)
        self.keys_of_idempotency(marker)
        self.keys_of_callers()
        self.walk_ends(walk)
        self.etags()
        self.not_timed_out(half, idle)
        if self.expect("GET", "/readyz", 200).body.find(b"ok") < 0:
            raise Broken("/readyz does not say ok")
        for writer in self.writers:
            if writer.fault or not writer.is_alive():
                raise writer.fault or Broken("a writer's connection was broken")
        self.rig.alive()

    def jump_is_in_force(self):
        date = email.utils.parsedate_to_datetime(self.expect("GET", "/livez", 200).headers["date"]).timestamp()
        if abs(date - self.clock.now()) > SLACK:
            raise Broken(f"the server's Date is {date - self.clock.now():.0f} s from where its clock was set")

    def new_row(self, marker):
        self.ledger.note("marks", marker)
        row = json.loads(self.expect("POST", "/api/v1/marks", 201, {"marker": marker}).body)
        self.ledger.note("marks", marker, acked=True)
        if self.ids and row["id"] <= self.ids[-1]:
            raise Broken(f"the id {row['id']} does not come after {self.ids[-1]}, made before on this connection")
        self.ids.append(row["id"])

    def keys_of_idempotency(self, marker):
        made = Keyed("/api/v1/effects", "effects", marker)
        answer = send_keyed(self.client, made)
        if answer is None or answer.status != 201:
            raise Broken(f"Idempotency-Key {marker}: {answer and answer[:2]!r}")
        self.effects[marker] += 1
        now = self.clock.now()
        self.keyed.append((made, now, (answer.status, answer.body)))
        self.latest = max(self.latest, now)
        kept = []
        for request, began, first in self.keyed:
            answer = send_keyed(self.client, request)
            got = answer and (answer.status, answer.body)
            if got == first:
                kept.append((request, began, first))
            elif self.latest - began < RETENTION - SLACK or got is None or got[0] != 201:
                raise Broken(f"Idempotency-Key {request.marker}: first {first!r}, now {got!r}")
            else:  # forgotten after its 24 hours: a new request
                self.effects[request.marker] += 1
                kept.append((request, now, got))
        self.keyed = kept

    def keys_of_callers(self):
        for key, works, what in ((self.ending, self.clock.now() < self.ends_at, "the key with an end"),
                                 (self.revoked, False, "the revoked key")):
            answer = self.client.call("GET", "/api/v1/marks?limit=1", None, {"Authorization": f"Bearer {key}"})
            if answer is None or answer.status != (200 if works else 401):
                raise Broken(f"{what} at {self.clock.offset:+} s: {answer and answer[:2]!r}")

    def walk_begins(self):
        """The first page of the effects, and how many rows there are: nobody else writes them."""
        return json.loads(self.expect("GET", "/api/v1/effects?limit=3&order=created_at,id", 200).body), sum(self.effects.values())

    def walk_ends(self, walk):
        page, count = walk
        seen = [row["id"] for row in page["items"]]
        while page["next_cursor"]:
            path = f"/api/v1/effects?limit=1000&order=created_at,id&cursor={page['next_cursor']}"
            page = json.loads(self.expect("GET", path, 200).body)
            seen += [row["id"] for row in page["items"]]
        if len(set(seen)) != len(seen):
            raise Broken("a row came twice in a list walked over a jump")
        # Rows made since may lie before or after the cursor; those of before are all there.
        if len(seen) < count:
            raise Broken(f"a list walked over a jump has {len(seen)} rows of {count}")

    def etags(self):
        path = f"/api/v1/ballast/{self.row['id']}"
        answer = self.expect("PATCH", path, 200, {"body": str(self.row["version"])}, {"If-Match": self.etag})
        row = json.loads(answer.body)
        if row["created_at"] != self.row["created_at"] or row["version"] != self.row["version"] + 1:
            raise Broken(f"after a PATCH: {row!r}, before: {self.row!r}")
        told = email.utils.parsedate_to_datetime(answer.headers["date"]).timestamp()
        if row["updated_at"][:16] not in (stamp(told), stamp(told - 60)):
            raise Broken(f"updated_at is {row['updated_at']}, the clock {stamp(told)}")
        self.expect("PATCH", path, 412, {"body": "x"}, {"If-Match": self.etag})
        self.row, self.etag = row, answer.headers["etag"]

    def half_request(self):
        half = socket.create_connection((self.rig.server.host, self.rig.server.port), 30)
        half.sendall(HALF)
        return half

    def not_timed_out(self, half, idle):
        half.sendall(f"Authorization: Bearer {self.rig.key}\r\n\r\n".encode())
        idle.sendall(HALF + f"Authorization: Bearer {self.rig.key}\r\n\r\n".encode())
        for connection, what in ((half, "half-sent request"), (idle, "idle connection")):
            got = connection.recv(65536)
            if not got.startswith(b"HTTP/1.1 200 "):
                raise Broken(f"a {what} was answered {got[:60]!r} after a jump of the clock")
            connection.close()

    def cut_all_the_same(self):
        """In whatever time it is, a request that stays half is cut: its header timeout is 3 s."""
        half = self.half_request()
        got = half.recv(65536)
        if not got.startswith(b"HTTP/1.1 408 "):
            raise Broken(f"a request that stays half was answered {got[:60]!r}")
        half.close()

    def finish(self):
        join_writers(self.writers)
        check_rows(self.client, self.ledger, tables=("marks",))
        found = collections.Counter(row["marker"] for row in read_all(self.client, "effects"))
        if found != self.effects:
            raise Broken(f"effects: {found - self.effects} too many, {self.effects - found} missing")
        self.client.close()
        self.rig.server.stop()
        check_sound(self.rig)


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(seconds))


def execute(options, report):
    library()
    if options.sanitized:
        raise Missing("libfaketime and a sanitizer's runtime do not go together")
    chance = random.Random(options.seed)
    offsets = []
    while len(offsets) < options.rounds:
        offsets += chance.sample(JUMPS, len(JUMPS))
    with report.row("jumps of the clock") as row, Rig(options, "--log-requests false --header-timeout 3s") as rig:
        test = Test(rig, chance)
        test.begin()
        for number, offset in enumerate(offsets[:options.rounds], 1):
            with row.attempt(f"jump {number}, to {offset:+} s"):
                test.jump(offset, f"jump-{number}")
                if number % 6 == 0:
                    test.restart()
            row.progress(options.rounds)
        test.cut_all_the_same()
        test.finish()
        row.note = f"{test.ledger.requests} writes, {sum(test.effects.values())} keyed effects, ended at {test.clock.offset:+} s"


def add_options(parser):
    parser.add_argument("--sanitized", action="store_true", help="the binary has a sanitizer: skip")


if __name__ == "__main__":
    sys.exit(script(__doc__, 18, execute, add_options))
