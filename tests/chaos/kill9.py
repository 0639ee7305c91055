#!/usr/bin/env python3
"""Kills the server with SIGKILL under write load, again and again, and checks what must hold afterwards.

  tests/chaos/kill9.py [--binary build/release/mettle] [--rounds 40] [--seed N] [--workers 2] [--window 0.4]

Each round: writers on connections of their own create rows, batches, and rows and commands with an Idempotency-Key; the
server is killed at a random moment, or, where the build has fail points, dies at one of them every other round; it is
started again on the same data; what was in flight with a key is sent again. Then:
  1. every acknowledged write is there (read through the API);
  2. every batch is there whole or not at all, and whole when it was acknowledged;
  3. each Idempotency-Key has exactly one effect, and each repeat gets the same bytes, also later ones;
  4. nothing is there that was not sent, and nothing twice;
  5. SQLite's own integrity_check finds nothing, once the server has stopped.
After --life rounds a new data folder is begun. With fail points each life ends with a change of the schema that dies at each
of its steps: the app before works on as if nothing had been, until the change is through.
The seed decides who writes what and when the kill comes; a run ends after --seconds at the latest.
"""
import collections
import concurrent.futures
import pathlib
import random
import re
import subprocess
import sys
import time

from load import Ledger, check_rows, check_sound, client_of, join_writers, read_all, repeat_keys, start_writers
from rig import APP, Broken, Rig, Trouble, script

NEXT_APP = pathlib.Path(__file__).resolve().parent / "mettle_next.yaml"
AT_RANDOM = "SIGKILL at a random moment"
AT_CHANGE = re.compile(r"schema\.|migrate\.")  # passed only while the schema changes
ARMED_SECONDS = 4  # a point that is not reached by then (it may need a large log) is a kill at random


def fail_points(options):
    """The names that the binary knows; none in a release build."""
    done = subprocess.run([options.binary, "check", str(APP)], capture_output=True, text=True, check=False,
                          env={"METTLE_FAIL": "no.such.point:crash"})
    found = re.search(r"there are (.*)", done.stderr)
    return found.group(1).split() if found else []


class Life:
    """Some rounds on one data folder."""

    def __init__(self, options, number, rounds, points):
        self.options, self.number, self.rounds, self.points = options, number, rounds, points
        self.chance = random.Random(f"{options.seed}-{number}")
        self.ledger, self.kills, self.until = Ledger(), collections.Counter(), time.monotonic() + options.seconds

    def execute(self):
        with Rig(self.options, "--log-requests false") as rig:
            self.rig = rig
            rig.begin()
            for number in range(1, self.rounds + 1):
                if time.monotonic() > self.until:
                    raise Broken(f"only {number - 1} of {self.rounds} rounds within {self.options.seconds} s")
                self.round(f"s{self.options.seed}-l{self.number}-r{number}")
            rig.server.stop()
            check_sound(rig)
            if any(AT_CHANGE.match(point) for point in self.points):
                self.change_schema()
        if not self.ledger.acked_rows() or not self.ledger.keyed:
            raise Broken("no write was acknowledged before a kill: this run proves nothing")

    def round(self, name):
        point = self.choose_point()
        if point and not self.start_at(point):
            self.kills[point] += 1  # at the start, which commits too
            self.rig.server.start()
            return self.check(name)
        writers = start_writers(self.rig, self.ledger, self.chance, self.options.writers, name)
        if point:
            self.wait_for_death()
        else:
            self.wait_a_moment(writers)
        killed_at = AT_RANDOM
        process = self.rig.server.process
        if point and process.poll() == -9:
            killed_at = point
        elif process.poll() is not None:
            raise Broken(self.rig.server.died())
        self.rig.server.kill()
        join_writers(writers)
        self.kills[killed_at] += 1
        self.rig.server.start()
        self.check(name)

    def check(self, name):
        client = client_of(self.rig)
        repeat_keys(client, self.ledger, self.chance, name)
        check_rows(client, self.ledger)
        client.close()

    def choose_point(self):
        """Every other round dies at a fail point, where there are some."""
        points = [point for point in self.points if not AT_CHANGE.match(point)]
        return self.chance.choice(points) if points and self.chance.random() < 0.5 else None

    def start_at(self, point):
        """Starts the server once more, with the point armed; whether it gets to listen."""
        nth = 1 if point.startswith("checkpoint") else self.chance.randrange(1, 60)
        self.rig.server.kill()
        try:
            self.start_armed(point, nth)
            return True
        except Trouble as died:
            if "ended with -9" not in str(died):
                raise
            return False

    def start_armed(self, point, nth):
        self.rig.server.env["METTLE_FAIL"] = f"{point}:crash:{nth}"
        try:
            self.rig.server.start()
        finally:
            del self.rig.server.env["METTLE_FAIL"]

    def wait_for_death(self):
        until = time.monotonic() + ARMED_SECONDS
        while self.rig.server.process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)

    def wait_a_moment(self, writers):
        answers, until = self.ledger.requests, time.monotonic() + 20
        # A kill before the first answer shows little, and on a slow machine every kill would be one.
        while self.ledger.requests == answers and time.monotonic() < until and any(w.is_alive() for w in writers):
            time.sleep(0.002)
        time.sleep(self.chance.uniform(0, self.options.window))

    def change_schema(self):
        """Dies at each step of a change; the app before must find everything as it was. Then the change goes through."""
        server = self.rig.server
        steps = [point for point in self.points if AT_CHANGE.match(point)]
        for point in steps + ["commit.before", "commit.after_sync_before_ack"]:
            server.app = str(NEXT_APP)
            try:
                self.start_armed(point, 1)
                server.kill()
                raise Broken(f"the change of the schema went through without passing {point}")
            except Trouble as died:
                if "ended with -9" not in str(died):
                    raise
            self.kills[point] += 1
            if point == "commit.after_sync_before_ack":
                continue  # the change is in force, its answer is not out: the next start finds it done
            server.app = str(APP)
            server.start()
            self.check(point)
            server.kill()
        server.app = str(NEXT_APP)
        server.start()
        self.check("after the change")
        client = client_of(self.rig)
        if any(row["note"] != "-" for row in read_all(client, "marks")):
            raise Broken("the new column has not its default in every row")
        server.stop()
        check_sound(self.rig)


def live(options, number, rounds, points):
    """One life, in a process of its own: a result that can be sent back."""
    life, fault = Life(options, number, rounds, points), None
    try:
        life.execute()
    except (Broken, Trouble) as error:
        fault = str(error)
    ledger = life.ledger
    counts = (ledger.requests, ledger.acked_rows(), len(ledger.groups), len(ledger.keyed), ledger.replays)
    return number, rounds, life.kills, fault, counts


def plan(options):
    """(number, rounds) of each life."""
    if options.only is not None:
        return [(options.only, options.life)]
    whole, rest = divmod(options.rounds, options.life)
    return [(n, options.life) for n in range(whole)] + ([(whole, rest)] if rest else [])


def execute(options, report):
    points = fail_points(options)
    kills, sums = collections.Counter(), [0] * 5
    with report.row("all kills") as row, concurrent.futures.ProcessPoolExecutor(options.workers) as pool:
        lives = [pool.submit(live, options, number, rounds, points) for number, rounds in plan(options)]
        for done in concurrent.futures.as_completed(lives):
            number, rounds, killed, fault, counts = done.result()
            with row.attempt(f"life {number}", f"--only {number} --life {rounds} --writers {options.writers} "
                             f"--window {options.window}"):
                if fault:
                    raise Broken(fault)
            kills += killed
            sums = [a + b for a, b in zip(sums, counts)]
            row.rounds = sum(kills.values()) + row.violations
            row.progress(options.rounds)
        if points and options.rounds >= 200 and set(points) - kills.keys():
            raise Broken(f"never died at {sorted(set(points) - kills.keys())}")
        row.note = "{} answers, {} acknowledged rows, {} batches, {} keys, {} repeats".format(*sums)
    for where, count in sorted(kills.items()):
        print(f"    {count:5} {where}")
    print(f"kill9: {sum(kills.values())} kills")


def add_options(parser):
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1, help="lives at a time")
    parser.add_argument("--life", type=int, default=50, help="rounds of one data folder")
    parser.add_argument("--only", type=int, default=None, metavar="LIFE", help="this life alone, to replay it")
    parser.add_argument("--window", type=float, default=0.4, help="a kill comes within this many seconds of the first answer")
    parser.add_argument("--seconds", type=float, default=500, help="a life gives up after this long")


if __name__ == "__main__":
    sys.exit(script(__doc__, 40, execute, add_options))
