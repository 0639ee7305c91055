"""GETs of single rows at a steady rate while people sign in: each password costs a tenth of a second of CPU, at low priority."""
import concurrent.futures
import json
import threading
import time

from ..ask import call
from ..load import Requests, failures, offer
from ..trouble import Trouble, say
from .shape import each, three

PASSWORD = "correct horse battery"


class SignIns(threading.Thread):
    """Signs people in at a rate, each at its place in an even sequence, whether or not those before have their answer."""

    def __init__(self, url, people, a_minute):
        super().__init__(daemon=True)
        self.url, self.people, self.gap = url, people, 60 / a_minute
        self.ended, self.seen = threading.Event(), []  # (status, ms since it was due)

    def one(self, number, due):
        body = json.dumps({"email": self.people[number % len(self.people)], "password": PASSWORD})
        try:
            status = call(self.url, "POST", "/auth/login", body).status
        except Trouble:
            status = 0
        self.seen.append((status, (time.perf_counter() - due) * 1000))

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            due, number = time.perf_counter(), 0
            while not self.ended.wait(max(0.0, due - time.perf_counter())):
                pool.submit(self.one, number, due)
                due, number = due + self.gap, number + 1


class SignInCase:
    name = "signins"
    title = "GETs by id while people sign in, 300 a minute"
    RATE, CONNECTIONS, A_MINUTE, PEOPLE, LEAST_SECONDS = 5_000, 64, 300, 40, 6

    def run(self, bench):
        contender, rounds = bench.contender("mettle"), []
        requests = Requests(contender, bench.shop).mixed(bench.folder / "signins.requests", 20_000, get=100)
        seconds = 1 if bench.seconds == 1 else max(bench.seconds, self.LEAST_SECONDS)
        with bench.stage([contender], apart=False) as stage:
            url = stage.of(contender)[1]
            people = [self.person(url, number) for number in range(self.PEOPLE)]
            for number in (0, *bench.numbers()):
                quiet = self.offer(bench, url, requests, seconds)
                comers = SignIns(url, people, self.A_MINUTE)
                comers.start()
                try:
                    beside = self.offer(bench, url, requests, seconds)
                finally:
                    comers.ended.set()
                    comers.join()
                if number == 0:
                    continue
                good = sorted(took for status, took in comers.seen if status == 200)
                rounds.append({"quiet_p99_us": quiet["all"]["p99_us"], "beside_p99_us": beside["all"]["p99_us"],
                               "errors": failures(quiet) + failures(beside), "asked": len(comers.seen),
                               "signed_in": len(good),
                               "later": sum(status == 503 for status, _ in comers.seen),
                               "a_minute": len(good) / seconds * 60,
                               "sign_in_ms": good[len(good) // 2] if good else None})
                say(f"{self.name}: round {number} of {bench.rounds}: p99 {quiet['all']['p99_us']} µs, beside {len(good)} sign-ins "
                    f"{beside['all']['p99_us']} µs")
        return {"name": self.name, "contenders": [{"name": "mettle", "title": "Mettle", "rounds": rounds}]}

    @staticmethod
    def person(url, number):
        email = f"person{number}@bench.example"
        for _ in range(100):
            answer = call(url, "POST", "/auth/register", json.dumps({"email": email, "password": PASSWORD,
                                                                     "name": "Person"}))
            if answer.status in (201, 409):
                return email
            if answer.status != 503:
                raise Trouble(f"registering {email}: {answer.status} {answer.body[:300]}")
            time.sleep(0.1)
        raise Trouble(f"registering {email}: 503 for ten seconds")

    def offer(self, bench, url, requests, seconds):
        return offer(bench.native, url, requests, bench.load_cores(False), rate=self.RATE, seconds=seconds,
                     connections=self.CONNECTIONS)

    def where(self):
        return (f"{self.RATE:,} GETs/s and {self.A_MINUTE} sign-ins a minute offered in open loops; argon2id at the cost that was measured on this "
                "machine; server, sign-ins and load share both cores")

    @staticmethod
    def table(found):
        columns = ["", "p99 ms without", "p99 ms beside", "errors", "sign-ins", "of them later (503)", "sign-ins/min",
                   "ms of a sign-in"]
        rows = []
        for one in found["contenders"]:
            rounds = one["rounds"]
            total = {name: sum(figures[name] for figures in rounds) for name in ("errors", "signed_in", "later")}
            rows.append([one["title"], three((f["quiet_p99_us"] / 1000 for f in rounds), 2),
                         three((f["beside_p99_us"] / 1000 for f in rounds), 2),
                         *(f"{total[name]:,}" for name in total), each(rounds, "a_minute", 0),
                         three((f["sign_in_ms"] or 0 for f in rounds), 0)])
        return columns, rows


CASE = SignInCase()
