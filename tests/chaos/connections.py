#!/usr/bin/env python3
"""Holds idle and slow connections by the thousand while others work.

  tests/chaos/connections.py [--binary build/release/mettle] [--rounds 1] [--each 200] [--seed N]

Each round opens --each idle connections (half have had an answer, half never send) and --each slow ones: a head that comes
byte by byte, a body that does, and readers that take nothing of a large answer. The server's timeouts are short here (head
2 s, body 2 s, write 2 s, idle 5 s). Then:
  - meanwhile every request of two writers and a reader is answered as ever, none is shed, none breaks;
  - each of these connections is ended by the server, with 408 where a request had begun, and none before its time;
  - the server's memory stays under 20 KiB an idle or slowly sent connection, and the size of its answer for one not read;
  - at the end only the connections of those who work are open, by the server's own count.
"""
import random
import re
import selectors
import socket
import sys
import threading
import time

from load import Ledger, check_rows, check_sound, client_of, join_writers, start_writers
from rig import Broken, Rig, more_files, script

HEAD_S, BODY_S, WRITE_S, IDLE_S = 2, 2, 2, 5
FLAGS = (f"--log-requests false --header-timeout {HEAD_S}s --body-timeout {BODY_S}s --write-timeout {WRITE_S}s "
         f"--idle-timeout {IDLE_S}s")
DRIP_S = 0.25  # between the bytes of a slow sender
ANSWER_ROWS, ROW_BYTES, UNREAD_ANSWERS = 3, 95_000, 16
KIB_EACH = 20
# The kernel alone keeps 2.6 MB of what one on this machine does not read, so these are fewer.
SLOW_KINDS = ["head", "body"] * 5 + ["unread"]


class Held:
    """One connection: what it sends, when it began, how the server ended it."""

    def __init__(self, kind, rig, number):
        self.kind, self.sent, self.got, self.ended, self.at = kind, 0, b"", None, 0.0
        self.socket = socket.socket()
        if kind == "unread":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect((rig.server.host, rig.server.port))
        auth = f"Host: a\r\nAuthorization: Bearer {rig.key}\r\n".encode()
        self.text = {
            "silent": b"",
            "served": b"GET /api/v1/marks?limit=1 HTTP/1.1\r\n" + auth + b"\r\n",
            "head": b"GET /api/v1/marks HTTP/1.1\r\n" + auth + b"X-Pad: " + b"x" * 4000,
            "body": b"POST /api/v1/marks HTTP/1.1\r\n" + auth + b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
                    + b" " * 4000,
            # Enough of them that the kernel's buffers do not take all answers.
            "unread": (f"GET /api/v1/ballast?limit={ANSWER_ROWS} HTTP/1.1\r\n".encode() + auth + b"\r\n") * UNREAD_ANSWERS,
        }[kind]
        whole = {"head": 30, "body": self.text.find(b"\r\n\r\n") + 4}.get(kind, len(self.text))
        self.send(whole)
        self.began = time.monotonic()
        self.socket.setblocking(False)

    def drips(self):
        return self.kind in ("head", "body")

    def send(self, count):
        try:
            self.sent += self.socket.send(self.text[self.sent:self.sent + count])
        except OSError:
            pass  # ended by the server: its end is read

    def read(self):
        """Whether it goes on."""
        try:
            got = self.socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            got = b""
        self.got += got
        if not got:
            self.ended = time.monotonic()
        return bool(got)

    def check(self):
        limit = {"silent": HEAD_S, "served": IDLE_S, "head": HEAD_S, "body": BODY_S}[self.kind]
        if self.ended is None:
            raise Broken(f"a connection ({self.kind}) is open {time.monotonic() - self.began:.1f} s later; its limit is {limit} s")
        if self.ended - self.began < limit - 0.2:
            raise Broken(f"a connection ({self.kind}) was ended after {self.ended - self.began:.2f} s; its limit is {limit} s")
        wanted = {"silent": b"", "served": b"HTTP/1.1 200 "}.get(self.kind, b"HTTP/1.1 408 ")
        if not self.got.startswith(wanted) or (not wanted and self.got):
            raise Broken(f"a connection ({self.kind}) got {self.got[:80]!r}, not {wanted!r}")


def hold(rig, each, patience):
    """Opens all, drips, and returns when the server has ended those that it can be seen to end; the peak of its memory too."""
    kinds = ["silent", "served"] * (each // 2) + (SLOW_KINDS * each)[:each]
    selector, held, peak = selectors.DefaultSelector(), [], 0
    for number, kind in enumerate(kinds):
        held.append(Held(kind, rig, number))
        if kind != "unread":
            selector.register(held[-1].socket, selectors.EVENT_READ, held[-1])
    waiting, until, drip_at = {one for one in held if one.kind != "unread"}, time.monotonic() + patience, time.monotonic()
    while waiting and time.monotonic() < until:
        for key, _ in selector.select(0.05):
            if not key.data.read():
                selector.unregister(key.fileobj)
                waiting.discard(key.data)
        if time.monotonic() >= drip_at:
            drip_at = time.monotonic() + DRIP_S
            peak = max(peak, rig.status_kib("VmRSS"))
            for one in waiting:
                if one.drips():
                    one.send(1)
    selector.close()
    return held, peak


class Reader(threading.Thread):
    def __init__(self, rig):
        super().__init__(daemon=True)
        self.client, self.stopping, self.reads, self.slowest, self.fault = client_of(rig), False, 0, 0.0, None

    def run(self):
        while not self.stopping and not self.fault:
            began = time.monotonic()
            answer = self.client.call("GET", "/api/v1/marks?limit=5")
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.reads += 1
            if answer is None or answer.status != 200:
                self.fault = Broken(f"a read meanwhile: {answer and answer[:2]!r}")
            time.sleep(0.005)


def connections_open(client):
    answer = client.call("GET", "/metrics")
    found = re.search(rb"^mettle_http_connections (\d+)", answer.body, re.M)
    if not found:
        raise Broken("/metrics has no mettle_http_connections")
    return int(found[1])


def one_round(rig, each, ledger, chance, name):
    base, reader = rig.status_kib("VmRSS"), Reader(rig)
    writers = start_writers(rig, ledger, chance, 2, name, statuses_shed=(), pause=0.005)
    reader.start()
    held, peak = hold(rig, each, rig.options.patience)
    unread = sum(one.kind == "unread" for one in held)
    until, watcher = time.monotonic() + rig.options.patience, client_of(rig)
    while connections_open(watcher) > 4 and time.monotonic() < until:
        time.sleep(0.1)
    left = connections_open(watcher)
    reader.stopping = True
    reader.join(60)
    join_writers(writers)
    if reader.fault:
        raise reader.fault
    rig.alive()
    for one in held:
        if one.kind != "unread":
            one.check()
        one.socket.close()
    if left > 4:
        raise Broken(f"{left - 4} connections that read nothing are still open")
    bound = base + (len(held) - unread) * KIB_EACH + unread * (ANSWER_ROWS * ROW_BYTES * 2 // 1024 + 64) + 16 * 1024
    if peak > bound and not rig.options.sanitized:
        raise Broken(f"{peak} KiB resident with {len(held)} such connections, {base} before; the bound is {bound}")
    check_rows(watcher, ledger)
    watcher.close()
    return peak, base, reader


def execute(options, report):
    more_files(4 * options.each + 300)
    chance, ledger, peak, base, slowest, reads = random.Random(options.seed), Ledger(), 0, 0, 0.0, 0
    with report.row(f"{options.each} idle and {options.each} slow connections") as row, Rig(options, FLAGS) as rig:
        rig.begin()
        client = client_of(rig)
        for number in range(ANSWER_ROWS):
            made = client.call("POST", "/api/v1/ballast", {"marker": str(number), "body": "x" * ROW_BYTES})
            if made is None or made.status != 201:
                raise Broken(f"ballast: {made and made[:2]!r}")
        client.close()
        for number in range(1, options.rounds + 1):
            with row.attempt(f"round {number}", f"--rounds {options.rounds} --each {options.each}"):
                top, before, reader = one_round(rig, options.each, ledger, chance, f"s{options.seed}-r{number}")
                base = base or before
                peak, slowest, reads = max(peak, top), max(slowest, reader.slowest), reads + reader.reads
            row.progress(options.rounds)
        rig.server.stop()
        check_sound(rig)
        row.note = (f"{ledger.requests} writes and {reads} reads meanwhile, the slowest read {slowest * 1000:.0f} ms; "
                    f"resident {base / 1024:.0f} MiB before, {peak / 1024:.0f} MiB at most")


def add_options(parser):
    parser.add_argument("--each", type=int, default=200, help="idle connections, and as many slow ones")
    parser.add_argument("--sanitized", action="store_true", help="the binary has a sanitizer: no bound on memory")


if __name__ == "__main__":
    sys.exit(script(__doc__, 1, execute, add_options))
