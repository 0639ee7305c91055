"""The two ways in which load is sent: wrk, which asks again when it was answered, and offer, which asks at a rate."""
import itertools
import json
import os
import pathlib
import random
import subprocess
import urllib.parse

from .machine import find_tool
from .process import on_cores
from .trouble import Trouble

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "load.lua"
CLASSES = ("get", "write", "list", "other")  # offer's numbers for kinds of requests
_marks = itertools.count(1)


def fresh_mark():
    """Makes names unlike all others of this run."""
    return f"{next(_marks):04d}"


def talk(command, seconds, environment=None):
    """Runs a generator to its end, and ends it if we are ended."""
    child = subprocess.Popen([str(part) for part in command], env=environment, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = child.communicate(timeout=seconds + 60)
    except subprocess.TimeoutExpired:
        raise Trouble(f"{command[3]} did not end") from None
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if child.returncode != 0:
        raise Trouble(f"{command[3]} ended with {child.returncode}: {output.strip()[-1000:]}")
    return output


def wrk(load, contender, url, shop, connections, seconds, cores):
    """What load.lua's `done` prints; Trouble when anything failed."""
    environment = {**os.environ, "BENCH_LOAD": load, "BENCH_PRODUCTS": str(shop.products), "BENCH_MARK": fresh_mark(),
                   "BENCH_LIST": contender.list_path,
                   **{f"BENCH_{name.upper()}_KEY": key for name, key in contender.keys.items()}}
    command = on_cores(cores, [find_tool("wrk"), "--threads", 1, "--connections", connections, "--duration", f"{seconds}s",
                               "--timeout", "10s", "--script", SCRIPT, url])
    output = talk(command, seconds, environment)
    lines = [line for line in output.splitlines() if line.startswith("BENCH ")]
    if not lines:
        raise Trouble(f"wrk: {output.strip()[-1000:]}")
    summary = json.loads(lines[0][len("BENCH "):])
    broken = {what: summary[what] for what in ("status", "connect", "read", "write", "timeout") if summary[what]}
    if broken or not summary["requests"]:
        raise Trouble(f"{contender.title} failed under load, of {summary['requests']} requests: {broken}; a contender that "
                      f"fails is not measured (its log: --keep)")
    return summary


def offer(native, url, requests, cores, *, rate, seconds, connections, give_up_ms=10_000, count=0, queue=True):
    """What bench/native/offer.c prints."""
    command = [native.offer, "--to", urllib.parse.urlsplit(url).port, "--requests", requests, "--rate", rate, "--seconds", seconds,
               "--connections", connections, "--give-up-ms", give_up_ms, "--count", count, "--mark", fresh_mark(),
               "--queue", int(queue)]
    output = talk(on_cores(cores, command), seconds or 600)
    try:
        return json.loads(output)
    except ValueError as error:
        raise Trouble(f"offer: {output.strip()[-1000:]}") from error


def failures(summary):
    """Requests that were offered and had no answer below 400 in time."""
    return summary["offered"] - summary["all"]["ok"] + summary["late"]


class Requests:
    """Requests as text, for offer: the same for each contender but for its keys."""

    def __init__(self, contender, shop, seed=1):
        self.keys, self.list_path = contender.keys, contender.list_path
        self.products, self.dice = shop.products, random.Random(seed)

    def product(self):
        return f"01900000-0000-7000-8000-0003{self.dice.randint(1, self.products):08x}"

    def get(self):
        return 0, f"GET /api/v1/products/{self.product()} HTTP/1.1\r\nHost: bench\r\n\r\n"

    def write(self):
        return 1, self._post("/api/v1/categories", '{"name":"Category @@@@@@@@@@@@"}', "admin")

    def list(self):
        category = f"01900000-0000-7000-8000-0002{self.dice.randint(1, 24):08x}"
        return 2, f"GET {self.list_path % (category, self.dice.randint(1, 60))} HTTP/1.1\r\nHost: bench\r\n\r\n"

    def order(self):
        items = ",".join(f'{{"product_id":"{self.product()}","quantity":1}}' for _ in range(3))
        return 3, self._post("/api/v1/commands/place_order", f'{{"items":[{items}]}}', "customer",
                             "Idempotency-Key: key-@@@@@@@@@@@@\r\n")

    def _post(self, path, body, key, more=""):
        return (f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.keys[key]}\r\n{more}"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")

    def mixed(self, path, count, **shares):
        """A file of `count` requests, evenly mixed: each share is in each stretch of 100, in a shuffled order."""
        if sum(shares.values()) != 100:
            raise ValueError("the shares are parts of 100")
        with open(path, "wb") as out:
            for _ in range(count // 100):
                stretch = [kind for kind, share in shares.items() for _ in range(share)]
                self.dice.shuffle(stretch)
                for kind in stretch:
                    number, text = getattr(self, kind)()
                    out.write(f"{len(text)} {number}\n{text}".encode())
        return path
