#!/usr/bin/env python3
"""Restarts the server under load (SIGTERM, then start), again and again.

  tests/chaos/restarts.py [--binary build/release/mettle] [--rounds 20] [--seed N]

Clients do what clients should: a request with an Idempotency-Key is sent again until it is answered. Each round:
  - the server ends with 0; what it had begun is finished: requests whose bodies were half sent when the signal came, and are
    sent to the end after it, are answered 201; so are those that wait for the writer;
  - nothing is answered with an error: a client sees an answer, a connection that ends between two requests, or a refused one
    while the server is away;
  - each keyed request has one effect and the same answer on each try, each acknowledged write is there.
"""
import json
import random
import socket
import sys
import threading
import time

from load import Keyed, Ledger, check_rows, check_sound, client_of, join_writers, send_keyed, settle, start_writers
from rig import Broken, Rig, script

HALF_SENT = 4
TRY_SECONDS = 60


class Persistent(threading.Thread):
    """Sends keyed requests one after another, each until it is answered."""

    def __init__(self, rig, ledger, name):
        super().__init__(daemon=True)
        self.client, self.ledger, self.prefix = client_of(rig), ledger, name
        self.stopping, self.fault, self.retries = False, None, 0

    def run(self):
        number = 0
        try:
            while not self.stopping:
                number += 1
                self.one(Keyed(("/api/v1/effects", "/api/v1/commands/record")[number % 2], "effects", f"{self.prefix}-{number}"))
        except Broken as error:
            self.fault = error
        finally:
            self.client.close()

    def one(self, request):
        self.ledger.note("effects", request.marker)
        if "commands" in request.path:
            self.ledger.note("marks", request.marker)
        self.ledger.keyed[request.marker] = request
        until = time.monotonic() + TRY_SECONDS
        while time.monotonic() < until:
            answer = send_keyed(self.client, request)
            if answer is None:
                self.retries += 1
                time.sleep(0.005)
                continue
            self.ledger.requests += 1
            if answer.status not in (200, 201):
                raise Broken(f"key {request.marker}: answered {answer.status}: {answer.body[:300]!r}")
            return settle(self.ledger, request, answer)
        raise Broken(f"key {request.marker} had no answer within {TRY_SECONDS} s")


class HalfSent:
    """A POST whose body is not whole when the signal comes."""

    def __init__(self, rig, ledger, marker):
        self.ledger, self.marker = ledger, marker
        body = json.dumps({"marker": marker}).encode()
        self.rest = body[-7:]
        head = (f"POST /api/v1/marks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {rig.key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n")
        self.socket = socket.create_connection((rig.server.host, rig.server.port), 60)
        self.socket.sendall(head.encode())
        # "100 Continue" says that the server has begun with it.
        if not self.socket.recv(1000).startswith(b"HTTP/1.1 100 "):
            raise Broken("no 100 Continue")
        self.socket.sendall(body[:-7])
        ledger.note("marks", marker)

    def finish(self):
        try:
            self.socket.sendall(self.rest)
            got = self.socket.recv(65536)
        except OSError as error:
            raise Broken(f"{self.marker}, half sent when SIGTERM came: {error}") from None
        finally:
            self.socket.close()
        if not got.startswith(b"HTTP/1.1 201 ") or b"connection: close" not in got.lower():
            raise Broken(f"{self.marker}, half sent when SIGTERM came, was answered {got[:200]!r}")
        self.ledger.note("marks", self.marker, acked=True)


def one_round(rig, ledger, chance, name):
    half = [HalfSent(rig, ledger, f"{name}-half-{n}") for n in range(HALF_SENT)]
    time.sleep(chance.uniform(0, 0.05))
    stopping = threading.Thread(target=rig.server.process.terminate)
    stopping.start()
    stopping.join()
    wait_until_draining(rig)
    for one in half:
        one.finish()
    code = rig.wait_end("SIGTERM")
    if code != 0:
        raise Broken(f"ended with {code} after SIGTERM; its log:\n{rig.server.tail()}")
    rig.server.start()


def wait_until_draining(rig):
    """A new connection is refused as soon as it drains."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection((rig.server.host, rig.server.port), 5).close()
        except ConnectionError:
            return
        time.sleep(0.002)
    raise Broken("SIGTERM came, and connections are still accepted")


def execute(options, report):
    chance, ledger = random.Random(options.seed), Ledger()
    with report.row("restarts under load") as row, Rig(options, "--log-requests false") as rig:
        rig.begin()
        name = f"s{options.seed}"
        writers = start_writers(rig, ledger, chance, 3, name, stays=True, statuses_shed=(), pause=0.001, kinds=("row", "batch"))
        persistent = [Persistent(rig, ledger, f"{name}-p{n}") for n in range(3)]
        for one in persistent:
            one.start()
        for number in range(1, options.rounds + 1):
            with row.attempt(f"restart {number}"):
                one_round(rig, ledger, chance, f"{name}-r{number}")
            if rig.server.process is None:
                rig.server.start()
            row.progress(options.rounds)
        time.sleep(0.2)  # some answers of the last server
        join_writers(persistent)
        join_writers(writers)
        client = client_of(rig)
        check_rows(client, ledger)
        for request in list(ledger.keyed.values()):
            settle(ledger, request, send_keyed(client, request))
        client.close()
        rig.server.stop()
        check_sound(rig)
        tries = sum(one.retries for one in persistent)
        row.note = (f"{ledger.requests} writes, {len(ledger.keyed)} keyed, {tries} tries while it was away, "
                    f"{options.rounds * HALF_SENT} finished while draining")


if __name__ == "__main__":
    sys.exit(script(__doc__, 20, execute))
