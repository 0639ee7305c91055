#!/usr/bin/env python3
"""Starts a second server on a data folder that has one, and runs the command line beside it.

  tests/chaos/two_servers.py [--binary build/release/mettle] [--rounds 5] [--seed N]

Each round, while the first works:
  - a second ends with 1 and a message that names the lock and the first one's process, also while the first is stopped
    (SIGSTOP); the first does not notice;
  - of four that start at once on a folder without a server, one listens and three end so;
  - after kill -9 of the first the second starts at once: the lock goes with the process;
  - a second on the same port, with a folder of its own, ends with 1 and names the address;
  - key create and list, data load and dump, and backup work beside it, and the new key and the loaded rows are served at
    once; restore refuses.
No write is lost, and the database is sound.
"""
import csv
import json
import random
import re
import signal
import subprocess
import sys
import time

from load import Ledger, check_rows, check_sound, client_of, join_writers, start_writers
from rig import APP, Broken, Rig, script

STARTED_AT_ONCE = 4


def second(rig, port=0, data=None):
    """Tries to serve; the finished process, or Broken when it runs."""
    command = [rig.binary, "serve", str(APP), "--listen", f"127.0.0.1:{port}", "--data", str(data or rig.data)]
    try:
        return subprocess.run(command, capture_output=True, text=True, env=rig.server.env, cwd=rig.folder,
                              timeout=rig.options.patience, check=False)
    except subprocess.TimeoutExpired:
        raise Broken("a second server runs on the same data folder") from None


def refused_by_lock(done, pid):
    named = f"in use by process {pid} " in done.stderr and "/lock is locked" in done.stderr
    if done.returncode != 1 or not named:
        raise Broken(f"the second ended with {done.returncode}, and should name the lock and process {pid}: {done.stderr!r}")


def several_at_once(rig):
    """Of all that start now, one serves."""
    command = [rig.binary, "serve", str(APP), "--listen", "127.0.0.1:0", "--data", str(rig.data)]
    started = [subprocess.Popen(command, env=rig.server.env, cwd=rig.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True) for _ in range(STARTED_AT_ONCE)]
    try:
        until = time.monotonic() + 30
        while sum(one.poll() is None for one in started) > 1 and time.monotonic() < until:
            time.sleep(0.01)
        running = [one for one in started if one.poll() is None]
        if len(running) != 1:
            raise Broken(f"{len(running)} of {STARTED_AT_ONCE} servers that started at once run")
        for one in started:
            if one is not running[0] and (one.returncode != 1 or "the data folder is in use" not in one.stderr.read()):
                raise Broken(f"one of several that started at once ended with {one.returncode}")
        if "listening on" not in running[0].stderr.readline():
            raise Broken("the one that runs does not listen")
        running[0].terminate()
        if running[0].wait(40) != 0:
            raise Broken("it did not end with 0 after SIGTERM")
    finally:
        for one in started:
            one.kill()
            one.wait()
            one.stderr.close()


def same_port(rig):
    done = second(rig, rig.server.port, rig.folder / "other")
    if done.returncode != 1 or f"cannot listen on 127.0.0.1 port {rig.server.port}" not in done.stderr:
        raise Broken(f"a second on the same port ended with {done.returncode}: {done.stderr!r}")


def cli_beside(rig, ledger, name):
    client, data = client_of(rig), ("--data", str(rig.data))
    old, made = rig.key, rig.make_key("--name", name)
    rig.key = old
    answer = client.call("GET", "/api/v1/marks?limit=1", None, {"Authorization": f"Bearer {made}"})
    if answer is None or answer.status != 200:
        raise Broken(f"a key that was made beside the server: {answer and answer[:2]!r}")
    markers = [f"{name}-load-{n}" for n in range(50)]
    with open(rig.folder / "rows.csv", "w", newline="", encoding="utf-8") as sink:
        csv.writer(sink).writerows([["marker"], *([marker] for marker in markers)])
    for marker in markers:
        ledger.note("marks", marker)
    fine(rig.cli("data", "load", str(APP), "marks", "rows.csv", *data))
    for marker in markers:
        ledger.note("marks", marker, acked=True)
    dumped = fine(rig.cli("data", "dump", str(APP), "marks", *data)).stdout
    found = {json.loads(line)["marker"] for line in dumped.splitlines()}
    if not set(markers) <= found:
        raise Broken(f"the dump lacks rows that were loaded: {sorted(set(markers) - found)[:5]}")
    if name not in fine(rig.cli("key", "list", *data)).stdout:
        raise Broken("key list lacks the key")
    copy = rig.folder / f"{name}.db"
    fine(rig.cli("backup", *data, "-o", str(copy)))
    refused = rig.cli("restore", str(copy), *data, "--replace")
    if refused.returncode != 1 or "in use" not in refused.stderr:
        raise Broken(f"restore beside a server ended with {refused.returncode}: {refused.stderr!r}")
    fine(rig.cli("restore", str(copy), "--data", str(rig.folder / f"{name}-restored")))
    client.close()


def fine(done):
    if done.returncode != 0:
        raise Broken(f"{done.args[1:]} beside the server ended with {done.returncode}: {done.stderr!r}")
    return done


def one_round(rig, ledger, chance, name):
    rig.server.start()
    pid = rig.pid
    writers = start_writers(rig, ledger, chance, 2, name, pause=0.002)
    refused_by_lock(second(rig), pid)
    rig.server.process.send_signal(signal.SIGSTOP)
    try:
        refused_by_lock(second(rig), pid)
    finally:
        rig.server.process.send_signal(signal.SIGCONT)
    same_port(rig)
    cli_beside(rig, ledger, re.sub(r"\W", "-", name))
    for writer in writers:
        if not writer.is_alive():
            raise writer.fault or Broken("the first server broke a connection")
    rig.server.kill()
    join_writers(writers)
    rig.server.start()
    client = client_of(rig)
    check_rows(client, ledger)
    client.close()
    rig.server.stop()
    several_at_once(rig)
    check_sound(rig)


def execute(options, report):
    chance, ledger = random.Random(options.seed), Ledger()
    with report.row("two servers on one database") as row, Rig(options, "--log-requests false") as rig:
        rig.make_key()
        for number in range(1, options.rounds + 1):
            with row.attempt(f"round {number}"):
                one_round(rig, ledger, chance, f"s{options.seed}-r{number}")
            rig.server.kill()
            row.progress(options.rounds)
        row.note = f"{ledger.requests} writes meanwhile"


if __name__ == "__main__":
    sys.exit(script(__doc__, 5, execute))
