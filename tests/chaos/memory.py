#!/usr/bin/env python3
"""Runs the server out of memory (prlimit --data) with large bodies, wide lists and deep JSON in parallel.

  tests/chaos/memory.py [--binary build/release/mettle] [--rounds 3] [--seed N]

Each round gives the server what it has after its start and a few MiB more, another number each time, then sends from eight
clients: arrays of thousands of rows, bodies of up to 8 MiB that are no JSON or nest deeply, lists of a thousand wide rows; and
from a ninth small requests. Each answer is one of: what was asked for; 4xx for what is malformed or too large; 503 with a
problem document. Where an allocation fails in a place from which there is no way on, the process ends by itself (SIGABRT)
and is started again, as any supervisor would. Afterwards, with the limit lifted: each acknowledged row is there, arrays are
there whole or not at all, integrity_check finds nothing. The note says how many rounds the process lived through.
"""
import json
import random
import signal
import subprocess
import sys
import threading
import time

from load import Ledger, check_sound, client_of, problem_code, read_all
from rig import Broken, Rig, Trouble, require, script

SENDERS = 8
SENDS_EACH = 12
ROW_BYTES = 20_000
ARRAY_ROWS = 200
SECONDS = 60
HONEST_503 = {"unavailable", "overloaded", "deadline_exceeded"}


class Sender(threading.Thread):
    def __init__(self, rig, ledger, name, chance):
        super().__init__(daemon=True)
        self.client, self.ledger, self.name_, self.chance = client_of(rig, SECONDS), ledger, name, chance
        self.fault, self.refused, self.answered, self.broken = None, 0, 0, 0

    def run(self):
        try:
            for number in range(SENDS_EACH):
                self.chance.choice((self.array, self.array, self.large, self.deep, self.wide_list))(f"{self.name_}-{number}")
        except Broken as error:
            self.fault = error
        finally:
            self.client.close()

    def judge(self, what, answer, statuses):
        """Whether it was done."""
        if answer is None:
            self.broken += 1
            return False
        self.answered += 1
        if answer.status in statuses:
            return answer.status < 300
        if answer.status == 503 and problem_code(answer) in HONEST_503:
            self.refused += 1
            return False
        raise Broken(f"{what}: answered {answer.status}: {answer.body[:300]!r}")

    def array(self, name):
        rows = [{"marker": f"{name}.{n}", "body": "x" * ROW_BYTES} for n in range(ARRAY_ROWS)]
        self.ledger.groups[name] = False
        if self.judge("an array of rows", self.client.call("POST", "/api/v1/ballast", rows), (201,)):
            self.ledger.groups[name] = True

    def large(self, name):
        self.judge("a large body that is no JSON", self.client.call("POST", "/api/v1/marks", b"[" + b" " * 7_900_000), (400,))

    def deep(self, name):
        self.judge("a deep body", self.client.call("POST", "/api/v1/batch", b"[" * 3_000_000 + b"]" * 3_000_000), (400, 422))

    def wide_list(self, name):
        self.judge("a wide list", self.client.call("GET", "/api/v1/ballast?limit=1000"), (200,))


class Small(threading.Thread):
    """Who asks for little must be served, or told."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.client, self.stopping, self.fault, self.served, self.refused = client_of(rig, SECONDS), False, None, 0, 0

    def run(self):
        while not self.stopping:
            answer = self.client.call("GET", "/api/v1/marks?limit=1")
            if answer is None:
                time.sleep(0.02)
                continue
            if answer.status == 200:
                self.served += 1
            elif answer.status == 503:
                self.refused += 1
            else:
                self.fault = Broken(f"a small read: {answer.status}: {answer.body[:300]!r}")
                return
            time.sleep(0.005)


def limit_data(rig, room_kib):
    data = (rig.status_kib("VmData") + room_kib) * 1024
    done = subprocess.run(["prlimit", f"--pid={rig.pid}", f"--data={data}:{data}"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Broken(f"prlimit: {done.stderr}")


def one_round(rig, ledger, chance, name, sums):
    rig.server.start()
    room_kib = chance.choice((2, 6, 12, 24, 48, 96)) * 1024
    limit_data(rig, room_kib)
    senders = [Sender(rig, ledger, f"{name}-s{n}", random.Random(chance.random())) for n in range(SENDERS)]
    small = Small(rig)
    for thread in [small, *senders]:
        thread.start()
    for sender in senders:
        sender.join(SECONDS * 4)
        if sender.is_alive():
            raise Broken("a request hangs")
    small.stopping = True
    small.join(SECONDS * 2)
    process = rig.server.process
    code = process.poll()
    for thread in [*senders, small]:
        if thread.fault:
            raise thread.fault
    if code is None:
        sums["lived"] += 1
        rig.server.stop()
    elif code == -signal.SIGABRT:
        sums["ended by itself"] += 1
        rig.server.process = None
    else:
        raise Broken(f"with {room_kib} KiB more it ended with {code}; its log:\n{rig.server.tail()}")
    sums["answers"] += sum(sender.answered for sender in senders)
    sums["refused 503"] += sum(sender.refused for sender in senders)
    sums["small reads"] += small.served
    check_after(rig, ledger)


def check_after(rig, ledger):
    rig.server.start()
    client = client_of(rig)
    found = {}
    for row in read_all(client, "ballast", "&select=id,marker"):
        group = row["marker"].rsplit(".", 1)[0]
        found[group] = found.get(group, 0) + 1
    for group, acked in ledger.groups.items():
        if found.get(group, 0) not in ((ARRAY_ROWS,) if acked else (0, ARRAY_ROWS)):
            raise Broken(f"of the array {group} ({'acknowledged' if acked else 'not answered'}) "
                         f"{found.get(group, 0)} rows are there")
    client.close()
    rig.server.stop()
    check_sound(rig)


def execute(options, report):
    require("prlimit")
    chance = random.Random(options.seed)
    sums = dict.fromkeys(("lived", "ended by itself", "answers", "refused 503", "small reads"), 0)
    with report.row("a limit of memory") as row:
        for number in range(1, options.rounds + 1):
            with row.attempt(f"round {number}"), Rig(options, "--log-requests false") as rig:
                rig.make_key()
                one_round(rig, Ledger(), chance, f"s{options.seed}-r{number}", sums)
            row.progress(options.rounds)
        row.note = ", ".join(f"{count} {what}" for what, count in sums.items())


if __name__ == "__main__":
    sys.exit(script(__doc__, 3, execute))
