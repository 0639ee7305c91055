"""A list that no index serves, over a million rows, beside clients that ask for single rows."""
import threading
import time

from ..ask import call
from ..load import Requests, failures, offer
from ..trouble import Trouble, say
from .shape import each, three
from .transfer import filled, million


class Scanner(threading.Thread):
    """Asks for the scan over and over, one at a time."""

    PATH = "/api/v1/products?description=ilike.*nothing-is-called-so*&limit=20"

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.ended, self.seen, self.trouble = url, threading.Event(), [], None

    def run(self):
        try:
            while not self.ended.is_set():
                begun = time.perf_counter()
                status = call(self.url, "GET", self.PATH).status
                self.seen.append((status, (time.perf_counter() - begun) * 1000))
        except Trouble as trouble:
            self.trouble = trouble

    def finish(self):
        self.ended.set()
        self.join()
        if self.trouble:
            raise self.trouble
        return self.seen


class Scan:
    name = "scan"
    title = "GETs by id while one client lists by what no index serves, over 1,000,000 products"
    RATE, CONNECTIONS = 2_000, 64

    def run(self, bench):
        contender, rounds = filled(bench), []
        shop = type("Wide", (), {"products": million(bench)[1]})
        requests = Requests(contender, shop).mixed(bench.folder / "scan.requests", 20_000, get=100)
        with bench.stage([contender], apart=False) as stage:
            url = stage.of(contender)[1]
            for number in (0, *bench.numbers()):
                quiet = self.offer(bench, url, requests)
                scanner = Scanner(url)
                scanner.start()
                try:
                    beside = self.offer(bench, url, requests)
                finally:
                    scanner.ended.set()
                scans = scanner.finish()
                if number > 0:
                    rounds.append({"quiet_p99_us": quiet["all"]["p99_us"], "beside_p99_us": beside["all"]["p99_us"],
                                   "growth": beside["all"]["p99_us"] / quiet["all"]["p99_us"],
                                   "errors": failures(quiet) + failures(beside), "scans": len(scans),
                                   "answered": sum(status == 200 for status, _ in scans),
                                   "cut": sum(status == 503 for status, _ in scans), "scan_ms": max(took for _, took in scans)})
                    say(f"{self.name}: round {number} of {bench.rounds}: p99 {quiet['all']['p99_us']} µs, beside {len(scans)} scans "
                        f"{beside['all']['p99_us']} µs")
        return {"name": self.name, "contenders": [{"name": "mettle", "title": "Mettle", "rounds": rounds}]}

    def offer(self, bench, url, requests):
        return offer(bench.native, url, requests, bench.load_cores(False), rate=self.RATE, seconds=bench.seconds,
                     connections=self.CONNECTIONS)

    def where(self):
        return f"{self.RATE:,} GETs/s offered in an open loop; server, scan and load share both cores"

    @staticmethod
    def table(found):
        columns = ["", "p99 beside the scan, without = 1: min / median / max", "p99 ms without", "p99 ms beside", "errors", "scans",
                   "answered", "cut (503)", "ms of the slowest scan"]
        rows = []
        for one in found["contenders"]:
            rounds = one["rounds"]
            total = {name: sum(figures[name] for figures in rounds) for name in ("errors", "scans", "answered", "cut")}
            rows.append([one["title"], each(rounds, "growth", 2), three((f["quiet_p99_us"] / 1000 for f in rounds), 2),
                         three((f["beside_p99_us"] / 1000 for f in rounds), 2), *(f"{total[name]:,}" for name in total),
                         f"{max(figures['scan_ms'] for figures in rounds):,.0f}"])
        return columns, rows


CASE = Scan()
