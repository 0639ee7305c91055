#!/usr/bin/env python3
"""Takes every file descriptor of the server (prlimit --nofile) by opening connections, again and again.

  tests/chaos/files.py [--binary build/release/mettle] [--rounds 2] [--seed N]

Each round opens three times as many connections as the limit allows. Meanwhile:
  - connections that were there before go on: each write and read of theirs is answered, none with an error;
  - the server does not spin: what it uses of a processor while nobody asks stays under a fifth of one;
  - it says in its log that it cannot accept, once a minute, not with each try; /metrics tells that all are open;
  - a command beside it (key list) works.
When the connections are let go, a new one is accepted and served, and so is every one that waited in the queue. At the end
SIGTERM ends it with 0 and the database is sound. A second row: a limit too low to start with is refused with a plain error.
"""
import json
import os
import random
import re
import socket
import sys
import time

from load import Ledger, check_rows, check_sound, client_of, join_writers, start_writers
from rig import Broken, Rig, Trouble, more_files, require, script

LIMIT = 128
FLOOD = 3 * LIMIT
QUIET_SECONDS = 1.0
SAID = "cannot be accepted"


def flood(rig):
    """Connections that send nothing; those for which there is no descriptor wait in the kernel's queue."""
    held = []
    for _ in range(FLOOD):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex((rig.server.host, rig.server.port))
        held.append(connection)
    return held


def check_metrics(client):
    answer = client.call("GET", "/metrics")
    if answer is None or answer.status != 200:
        raise Broken(f"GET /metrics: {answer and answer[:2]!r}")
    found = re.search(rb"^mettle_process_open_fds (\d+)", answer.body, re.M)
    if not found or int(found[1]) != LIMIT:
        raise Broken(f"/metrics says of its {LIMIT} open descriptors: {found and found[0]!r}")


def wait_until_full(rig):
    until = time.monotonic() + 30
    while len(os.listdir(f"/proc/{rig.pid}/fd")) < LIMIT:
        rig.alive()
        if time.monotonic() > until:
            raise Broken(f"{FLOOD} connections do not take its {LIMIT} descriptors")
        time.sleep(0.05)


def one_round(rig, ledger, chance, name):
    writers = start_writers(rig, ledger, chance, 2, name, statuses_shed=())
    served = client_of(rig)
    if served.call("GET", "/readyz").status != 200:
        raise Broken("not ready")
    answers, until = ledger.requests, time.monotonic() + 20
    while ledger.requests < answers + 4 and time.monotonic() < until:
        time.sleep(0.01)  # both writers have their connections before the others take the rest
    held = flood(rig)
    try:
        wait_until_full(rig)
        answers = ledger.requests
        for _ in range(50):
            answer = served.call("GET", "/api/v1/marks?limit=5")
            if answer is None or answer.status != 200:
                raise Broken(f"a connection that was there before: {answer and answer[:2]!r}")
        check_metrics(served)
        join_writers(writers)
        if ledger.requests == answers:
            raise Broken("no write was answered while there were no descriptors")
        began, cpu = time.monotonic(), rig.cpu_seconds()
        time.sleep(QUIET_SECONDS)
        share = (rig.cpu_seconds() - cpu) / (time.monotonic() - began)
        if share > 0.2:
            raise Broken(f"nobody asks, and it uses {share:.0%} of a processor")
        listed = rig.cli("key", "list", "--data", str(rig.data), "--json")
        if listed.returncode != 0 or not json.loads(listed.stdout):
            raise Broken(f"key list beside it ended with {listed.returncode}: {listed.stderr}")
    finally:
        for connection in held[:-5]:
            connection.close()
    for connection in held[-5:]:
        serve_one_that_waited(connection, rig.key)
    fresh = client_of(rig)
    if fresh.call("GET", "/readyz").status != 200:
        raise Broken("a new connection is not served though descriptors are free")
    check_rows(fresh, ledger)
    fresh.close()
    served.close()
    return share


def serve_one_that_waited(connection, key):
    connection.settimeout(20)
    try:
        connection.sendall(f"GET /api/v1/marks?limit=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        got = connection.recv(65536)
    except OSError as error:
        raise Broken(f"a connection that waited: {error}") from None
    finally:
        connection.close()
    if not got.startswith(b"HTTP/1.1 200 "):
        raise Broken(f"a connection that waited was answered {got[:80]!r}")


def too_low(row, options):
    """For each limit at which it does not start: an error that says why."""
    refused = 0
    for limit in range(4, 64, 6):
        with row.attempt(f"limit {limit}"), Rig(options, "--log-requests false") as rig:
            rig.make_key()
            rig.server.prefix = ["prlimit", f"--nofile={limit}:{limit}"]
            try:
                rig.server.start()
                rig.server.stop()
            except Trouble as error:
                refused += 1
                told = str(error)
                # 127: the loader had not even its libraries.
                if "ended with 127" not in told and ("ended with 1 " not in told or "mettle: " not in told):
                    raise Broken(f"a start with {limit} descriptors: {error}") from None
            check_sound(rig)
    row.note = f"{refused} limits are too low to start"


def execute(options, report):
    require("prlimit")
    more_files(FLOOD + 100)
    chance, ledger, shares = random.Random(options.seed), Ledger(), []
    with report.row(f"{FLOOD} connections, {LIMIT} descriptors") as row:
        with Rig(options, "--log-requests false --log-format json") as rig:
            rig.make_key()
            rig.server.prefix = ["prlimit", f"--nofile={LIMIT}:{LIMIT}"]
            rig.server.start()
            for number in range(1, options.rounds + 1):
                with row.attempt(f"round {number}"):
                    shares.append(one_round(rig, ledger, chance, f"s{options.seed}-r{number}"))
                row.progress(options.rounds)
            rig.server.stop()
            check_sound(rig)
            said, minutes = rig.server.log().count(SAID), (time.monotonic() - row.begun) / 60
            if not 1 <= said <= minutes + 1:
                raise Broken(f"in {minutes:.1f} minutes the log says {said} times that connections cannot be accepted")
        row.note = f"{ledger.requests} writes, at most {max(shares, default=0):.0%} of a processor while idle"
    with report.row("limits too low to start with") as row:
        too_low(row, options)


if __name__ == "__main__":
    sys.exit(script(__doc__, 2, execute))
