#!/usr/bin/env python3
"""Whether the time of an answer tells who has an account: Welch's t-test over 2,000 tries of each kind, for each address that could tell.

  bench/silence.py [--binary build/release/mettle] [--tries 2000] [--only login]

Sign-in with a wrong password, recovery, a link to sign in, and registration: for addresses that somebody has and for ones that nobody
has, in random order, each try from a client of its own (a trusted proxy's word), four at a time. What is slowest is left out of both
kinds alike (the upper tenth: that is the machine). |t| below 4.5 is what constant time is held to elsewhere (TVLA); a difference that
is surely below half a millisecond is fine, too, since nobody could use it over a network. Ten minutes; exit code 1 where it does not
hold. Status, headers and body are compared by tests/auth/silence_test.py, which CI runs; a time is no matter for CI.
"""
import argparse
import concurrent.futures
import http.client
import json
import math
import pathlib
import random
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/proof"))
import rig  # noqa: E402

APP = "mettle: 1\napp: club\nauth: {table: users, verify: required}\n"
# Three of each mail: after six an address waits, whoever has it.
WORKERS, TRIES_AN_ACCOUNT, KEPT = 4, 3, 0.9
BOUND_T, BOUND_MS = 4.5, 0.5
LEAST_HEADERS = {"Content-Type": "application/json"}
PATHS = {"login": "/auth/login", "recover": "/auth/recover", "magic": "/auth/magic", "register": "/auth/register"}


class Client(threading.local):
    """A connection of each thread."""

    def __init__(self, host, port):
        self.connection = http.client.HTTPConnection(host, port, timeout=60)

    def ask(self, path, body, dice):
        headers = {**LEAST_HEADERS, "X-Forwarded-For": ".".join(str(dice.randrange(1, 250)) for _ in range(4))}
        payload = json.dumps(body)
        begun = time.perf_counter()
        self.connection.request("POST", path, payload, headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, (time.perf_counter() - begun) * 1000


def welch(first, second):
    """(t, difference of the means, its standard error)"""
    error = math.sqrt(statistics.variance(first) / len(first) + statistics.variance(second) / len(second))
    apart = statistics.fmean(first) - statistics.fmean(second)
    return apart / error if error else 0.0, apart, error


def trimmed(times):
    return sorted(times)[:int(len(times) * KEPT)]


def body_of(name, address):
    return {"email": address, **({"password": "not the password of anybody"} if name in ("login", "register") else {})}


def tries(name, client, known, count, dice):
    """{kind: times}, and the statuses of each."""
    jobs = [("known", known[number % len(known)]) for number in range(count)]
    jobs += [("unknown", f"nobody{number % len(known)}.{name}@example.com") for number in range(count)]
    dice.shuffle(jobs)
    times, statuses = {"known": [], "unknown": []}, {"known": set(), "unknown": set()}

    def one(job):
        kind, address = job
        own = random.Random(hash((address, dice.random())))
        for _ in range(200):
            status, took = client.ask(PATHS[name], body_of(name, address), own)
            if status != 503:  # the queue of those who hash was full: the same for all
                return kind, status, took
            time.sleep(0.05)
        raise SystemExit(f"silence: {name} is answered 503 again and again")

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for number, (kind, status, took) in enumerate(pool.map(one, jobs)):
            times[kind].append(took)
            statuses[kind].add(status)
            if number % 200 == 0:
                print(f"\rsilence: {name} {number} of {len(jobs)}   ", end="", file=sys.stderr, flush=True)
    return times, statuses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/release/mettle"))
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("--only", choices=PATHS)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rig.options.binary = str(pathlib.Path(options.binary).resolve())
    dice, held, rows = random.Random(options.seed), True, []
    with rig.App(APP, "--log-requests false --trusted-proxies 127.0.0.1 --overload-delay 5s") as app:
        client = Client(app.server.host, app.server.port)
        known = [f"person{number}@example.com" for number in range(max(50, options.tries // TRIES_AN_ACCOUNT))]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for number, _ in enumerate(pool.map(lambda address: registered(client, address, dice), known)):
                if number % 50 == 0:
                    print(f"\rsilence: {number} of {len(known)} people   ", end="", file=sys.stderr, flush=True)
        for name in [options.only] if options.only else PATHS:
            times, statuses = tries(name, client, known, options.tries, dice)
            t, apart, error = welch(trimmed(times["known"]), trimmed(times["unknown"]))
            fine = statuses["known"] == statuses["unknown"] and (abs(t) < BOUND_T or abs(apart) + 3 * error < BOUND_MS)
            held = held and fine
            rows.append((name, statistics.median(times["known"]), statistics.median(times["unknown"]), apart, t,
                         "/".join(map(str, sorted(statuses["known"] | statuses["unknown"]))),
                         "held" if fine else "MISSED"))
    print(f"\r{'address':<10} {'known ms':>9} {'unknown ms':>11} {'apart ms':>9} {'t':>7}  {'statuses':<12}")
    for name, first, second, apart, t, seen, verdict in rows:
        print(f"{name:<10} {first:>9.2f} {second:>11.2f} {apart:>9.3f} {t:>7.2f}  {seen:<12} {verdict}")
    return 0 if held else 1


def registered(client, address, dice):
    for _ in range(400):
        status, _ = client.ask("/auth/register", {"email": address, "password": rig.PASSWORD},
                               random.Random(dice.random()))
        if status < 300:
            return
        if status != 503:
            raise SystemExit(f"silence: {address} could not register: {status}")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
