"""Resident memory: after a million mixed requests, and under ten thousand idle connections."""
import resource
import socket
import time
import urllib.parse

from ..arithmetic import growth_of_last_half, spread
from ..load import Requests, failures, offer
from ..trouble import Trouble, say
from .shape import three


class Rss:
    name = "rss"
    title = "resident memory through 1,000,000 mixed requests"
    REQUESTS, MIX, PIECES = 1_000_000, {"get": 80, "list": 9, "write": 9, "order": 2}, 40

    def run(self, bench):
        contender = bench.contender("mettle")
        requests = Requests(contender, bench.shop).mixed(bench.folder / "rss.requests", 50_000, **self.MIX)
        for table in ("categories", "orders"):
            bench.expect_rows(contender, table)
        samples, sent, shed = [], 0, 0
        with bench.stage([contender], apart=False) as stage:
            process, url = stage.of(contender)
            at_first = process.rss_mib()
            total = self.REQUESTS if bench.seconds > 1 else self.REQUESTS // 20
            while sent < total:
                summary = offer(bench.native, url, requests, bench.load_cores(False), rate=0, seconds=0, connections=64,
                                count=total // self.PIECES)
                # Being shed is an answer, too, and must not cost memory either; nothing else may go wrong.
                shed += summary["all"]["statuses"].get("503", 0)
                if failures(summary) != summary["all"]["statuses"].get("503", 0):
                    raise Trouble(f"{failures(summary)} of {summary['offered']} requests failed: {summary['all']['statuses']}")
                bench.note_rows(contender, "categories", summary["classes"][1]["ok"])
                bench.note_rows(contender, "orders", summary["classes"][3]["ok"])
                sent += summary["sent"]
                samples.append((sent, process.rss_mib()))
                if len(samples) % 10 == 0:
                    say(f"{self.name}: {sent:,} of {total:,} requests, {samples[-1][1]:.1f} MiB")
            most = process.rss_mib("VmHWM")
        return {"name": self.name, "contenders": [{"name": contender.name, "title": contender.title, "requests": sent, "shed": shed,
                                                   "at_first_mib": at_first, "most_mib": most, "samples": samples,
                                                   "growth_mib": growth_of_last_half(samples), "rounds": []}]}

    def where(self):
        shares = ", ".join(f"{share} % {kind}" for kind, share in self.MIX.items())
        return f"{shares}; 64 connections as fast as they are answered, server and load share both cores"

    def table(self, found):
        columns = ["", "requests", "of these shed", "MiB at first", f"MiB over {self.PIECES} samples: min / median / max", "at the end", "the most ever",
                   "growth over the last half"]
        rows = [[one["title"], f"{one['requests']:,}", f"{one['shed']:,}", f"{one['at_first_mib']:.1f}", three((mib for _, mib in one["samples"]), 1),
                 f"{one['samples'][-1][1]:.1f}", f"{one['most_mib']:.1f}", f"{one['growth_mib']:+.2f} MiB"] for one in found["contenders"]]
        return columns, rows


class Idle:
    name = "idle10k"
    title = "resident memory under 10,000 idle connections"
    CONNECTIONS = 10_000
    REQUEST = b"GET /api/v1/products/01900000-0000-7000-8000-000300000001 HTTP/1.1\r\nHost: bench\r\n\r\n"

    def run(self, bench):
        contender = bench.contender("mettle")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < self.CONNECTIONS + 1000:
            raise Trouble(f"may open {hard} files only; see `ulimit -Hn`")
        # Ours, and by inheritance the server's.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        rounds = []
        for number in range(1, min(bench.rounds, 3) + 1):
            process, url = contender.start(bench.cores, bench.folder, more=("--connections-max", self.CONNECTIONS + 100))
            try:
                rounds.append(self.round(process, url))
            finally:
                process.stop(must_end_well=False)
            say(f"{self.name}: round {number}: {rounds[-1]['mib']:.1f} MiB")
        return {"name": self.name, "contenders": [{"name": contender.name, "title": contender.title, "rounds": rounds}]}

    def round(self, process, url):
        where = urllib.parse.urlsplit(url)
        at_first, held = process.rss_mib(), []
        try:
            for _ in range(self.CONNECTIONS):
                held.append(socket.create_connection((where.hostname, where.port), timeout=20))
                held[-1].sendall(self.REQUEST)
                if not held[-1].recv(4096).startswith(b"HTTP/1.1 200"):
                    raise Trouble(f"connection {len(held):,} of {self.CONNECTIONS:,} was not answered")
            mib = process.rss_mib()
            begun = time.perf_counter()
            held[0].sendall(self.REQUEST)
            answered = held[0].recv(4096).startswith(b"HTTP/1.1 200")
            took = time.perf_counter() - begun
        finally:
            for one in held:
                one.close()
        if not answered:
            raise Trouble("the first connection was given up")
        return {"at_first_mib": at_first, "mib": mib, "kib_a_connection": (mib - at_first) * 1024 / self.CONNECTIONS, "ms": took * 1000}

    @staticmethod
    def where():
        return "each was answered once and then waits; --connections-max raised by 100, for others than these"

    @staticmethod
    def table(found):
        columns = ["", "MiB min / median / max", "MiB before", "KiB a connection", "ms of the next answer"]
        rows = []
        for one in found["contenders"]:
            middle = {name: spread(figures[name] for figures in one["rounds"])[1] for name in one["rounds"][0]}
            rows.append([one["title"], three((figures["mib"] for figures in one["rounds"]), 1), f"{middle['at_first_mib']:.1f}",
                         f"{middle['kib_a_connection']:.1f}", f"{middle['ms']:.2f}"])
        return columns, rows


RSS, IDLE = Rss(), Idle()
