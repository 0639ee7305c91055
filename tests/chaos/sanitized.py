#!/usr/bin/env python3
"""A load of everything at once on a server built with a sanitizer: no report, nothing but honest answers, a clean end.

The shop with a few thousand rows; wrk reads by id, lists with relations, counts, files and metrics, and writes: durable POST,
PATCH with ETag, place_order with keys that come twice; one wrk keeps its connections, one pipelines, one makes a connection
a request; beside them clients that leave in the middle of a request or of an answer. SIGTERM comes in the middle of it, and
the server must end with 0. A sanitizer's report ends the server with another code, and is looked for in its log besides.

    sanitized.py --binary build/asan/mettle --seconds 60
    sanitized.py --binary build/tsan/mettle --seconds 60
"""
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from rig import ROOT, Broken, Rig, require, script

SHOP = ROOT / "examples" / "shop"
PRODUCTS, ORDERS = 3000, 500
CUSTOMER, CLERK, ADMIN = (f"01900000-0000-7000-8000-0001{n:08x}" for n in (1, 201, 202))
REPORTS = re.compile(r"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:|CHECK failed|level=\"?fatal")
LOADS = (("mixed", 16), ("pipelined", 4), ("closing", 8))
# What the load may be answered with: as asked; gone, taken, not the version; too much at once or going away.
HONEST = {200, 201, 304, 404, 409, 412, 503}


def seed_shop(rig):
    for table in ("users", "categories", "products", "orders", "order_items"):
        rows = rig.folder / f"{table}.ndjson"
        with open(rows, "w") as out:
            subprocess.run([sys.executable, SHOP / "seed.py", table, "--products", str(PRODUCTS), "--orders", str(ORDERS)],
                           stdout=out, check=True)
        done = rig.cli("data", "load", str(SHOP / "mettle.yaml"), table, str(rows), "--data", str(rig.data))
        if done.returncode != 0:
            raise Broken(f"data load {table} ended with {done.returncode}: {done.stderr[-3000:]}")


def make_key(rig, role, user):
    done = rig.cli("key", "create", str(SHOP / "mettle.yaml"), "--data", str(rig.data), "--role", role, "--user", user)
    if done.returncode != 0:
        raise Broken(f"key create ended with {done.returncode}: {done.stderr[-3000:]}")
    return done.stdout.strip()


class Wrk:
    def __init__(self, rig, kind, connections, seconds, keys, seed):
        env = {**os.environ, **keys, "LOAD_KIND": kind, "LOAD_MARK": f"{kind}{seed}", "LOAD_PRODUCTS": str(PRODUCTS),
               "LOAD_SEED": str(seed)}
        lua = pathlib.Path(__file__).with_name("sanitized.lua")
        self.kind = kind
        # Longer than the server lives: the signal must meet a running load.
        self.process = subprocess.Popen(["wrk", "-t1", f"-c{connections}", f"-d{seconds + 120}s", "--timeout", "30s", "-s", lua,
                                         rig.server.url], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self):
        """What was sent and answered."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=60)
        found = re.search(r"^LOAD (.*)$", out, re.M)
        if not found:
            raise Broken(f"wrk ({self.kind}) told nothing: {out[-2000:]}")
        return json.loads(found[1])


class Rude(threading.Thread):
    """Leaves where it should not: in a head, in a body, before or in an answer; often with a reset."""

    def __init__(self, rig, seed, keys):
        super().__init__(daemon=True)
        self.address, self.chance, self.done, self.left = (rig.server.host, rig.server.port), random.Random(seed), False, 0
        body = json.dumps({"items": [{"product_id": "01900000-0000-7000-8000-000300000001", "quantity": 1}]})
        key = f"Authorization: Bearer {keys['LOAD_CUSTOMER_KEY']}\r\n"
        self.requests = [
            "GET /api/v1/products?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n" * 4,
            f"POST /api/v1/commands/place_order HTTP/1.1\r\nHost: x\r\n{key}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}",
            f"POST /api/v1/commands/place_order HTTP/1.1\r\nHost: x\r\n{key}Content-Type: application/json\r\n"
            f"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        ]

    def run(self):
        while not self.done:
            try:
                with socket.create_connection(self.address, 5) as peer:
                    text = self.chance.choice(self.requests).encode()
                    peer.sendall(text[:self.chance.randrange(1, len(text) + 1)])
                    if self.chance.random() < 0.5:
                        peer.settimeout(0.05)
                        peer.recv(self.chance.randrange(1, 4096))
                    if self.chance.random() < 0.7:  # a reset instead of an orderly end
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
            self.left += 1


def check_log(rig):
    found = REPORTS.search(rig.server.log())
    if found:
        at = found.start()
        raise Broken(f"the server's log has a report:\n{rig.server.log()[max(0, at - 200):at + 6000]}")


def show(options, begun, wrks, until):
    """Waits for `until`, telling how far it is; ends at once with what is broken."""
    while (left := until - time.monotonic()) > 0:
        for wrk in wrks:
            if wrk.process.poll() is not None:
                raise Broken(f"wrk ({wrk.kind}) ended by itself: {wrk.process.stdout.read()[-2000:]}")
        print(f"\rsanitized: {time.monotonic() - begun:3.0f} of {options.seconds} s ", end="", file=sys.stderr, flush=True)
        time.sleep(min(left, 1))
    print(file=sys.stderr)


def verdict(results, row, cpu):
    sent, statuses, total = {}, {}, 0
    for result in results:
        total += result["requests"]
        for name, number in result["counts"].items():
            sent[name] = sent.get(name, 0) + number
        for status, number in result["statuses"].items():
            statuses[int(status)] = statuses.get(int(status), 0) + number
    print("sent      " + "  ".join(f"{name} {number}" for name, number in sorted(sent.items())))
    print("answered  " + "  ".join(f"{status}: {number}" for status, number in sorted(statuses.items())))
    row.rounds, row.note = total, f"{cpu:.0f} s of processor"
    dishonest = set(statuses) - HONEST
    if dishonest:
        raise Broken(f"answers that this load must not get: {sorted(dishonest)}")
    # Each kind of work must have happened, else the run shows nothing.
    for status in (200, 201, 404):
        if not statuses.get(status):
            raise Broken(f"no answer {status} came at all")
    if min(sent.get(name, 0) for name in ("get", "list", "post", "patch", "order", "file", "metrics")) == 0:
        raise Broken(f"not every kind was sent: {sent}")


def drive(options, report, row):
    with Rig(options, app=SHOP / "mettle.yaml") as rig:
        seed_shop(rig)
        keys = {f"LOAD_{role.upper()}_KEY": make_key(rig, role, user)
                for role, user in (("customer", CUSTOMER), ("clerk", CLERK), ("admin", ADMIN))}
        rig.server.start()
        begun = time.monotonic()
        wrks = [Wrk(rig, kind, connections, options.seconds, keys, options.seed + n)
                for n, (kind, connections) in enumerate(LOADS)]
        rude = [Rude(rig, options.seed + n, keys) for n in range(2)]
        try:
            for one in rude:
                one.start()
            show(options, begun, wrks, begun + options.seconds)
            check_log(rig)
            rig.alive()
            cpu = rig.cpu_seconds()
            rig.server.stop()  # SIGTERM: raises unless the code is 0
            check_log(rig)
        finally:
            for one in rude:
                one.done = True
            results = []
            for wrk in wrks:
                if wrk.process.poll() is None:
                    results.append(wrk.finish())
        if len(results) != len(LOADS):
            raise Broken("a wrk ended before the server")
        verdict(results, row, cpu)
        print(f"connections left in the middle: {sum(one.left for one in rude)}")


def execute(options, report):
    require("wrk")
    with report.row(f"{pathlib.Path(options.binary).parent.name}, {options.seconds} s") as row:
        with row.attempt(replay=f"--seconds {options.seconds}"):
            drive(options, report, row)
        row.rounds = max(row.rounds, 1)


if __name__ == "__main__":
    sys.exit(script(__doc__, 1, execute, lambda parser: parser.add_argument("--seconds", type=int, default=60)))
