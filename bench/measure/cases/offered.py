"""The open-loop cases: requests come at a rate, whether or not those before were answered; server and generator share two cores."""
from ..arithmetic import spread
from ..load import Requests, failures, offer
from ..trouble import Trouble, say
from .shape import each, milliseconds, three

MIX = {"get": 90, "write": 10}
FILED = 20_000  # requests in the file, sent over and over
CONNECTIONS = 256


def mixed_file(bench, contender):
    return Requests(contender, bench.shop).mixed(bench.folder / f"{contender.name}-mixed.requests", FILED, **MIX)


class OpenLoop:
    name = "openloop"
    title = "10,000 requests/s offered: 90 % GET of a product, 10 % durable POST of a category"
    RATE = 10_000
    names = ("mettle", "fastify")

    def run(self, bench):
        contenders = [bench.contender(name) for name in self.names]
        rounds = {contender.name: [] for contender in contenders}
        files = {contender.name: mixed_file(bench, contender) for contender in contenders}
        for contender in contenders:
            bench.expect_rows(contender, "categories")
        with bench.stage(contenders, apart=False) as stage:
            for number in (0, *bench.numbers()):  # the first to warm
                for contender in contenders:
                    summary = offer(bench.native, stage.of(contender)[1], files[contender.name], bench.load_cores(False),
                                    rate=self.RATE, seconds=bench.seconds, connections=CONNECTIONS)
                    figures = self.figures(summary)
                    bench.note_rows(contender, "categories", summary["classes"][1]["ok"])
                    if number > 0:
                        rounds[contender.name].append(figures)
                        say(f"{self.name}: round {number} of {bench.rounds}, {contender.title}: "
                            f"p99 {figures['p99_us'] / 1000:.2f} ms, {figures['errors']} errors")
        return {"name": self.name, "contenders": [{"name": contender.name, "title": contender.title,
                                                   "rounds": rounds[contender.name]} for contender in contenders]}

    @staticmethod
    def figures(summary):
        reads, writes = summary["classes"][0], summary["classes"][1]
        return {"per_second": summary["all"]["ok"] * 1e6 / summary["span_us"], "errors": failures(summary),
                **{name: summary["all"][name] for name in ("p50_us", "p99_us", "p999_us", "max_us")},
                "reads_p99_us": reads["p99_us"], "writes_p99_us": writes["p99_us"]}

    @staticmethod
    def where():
        return f"open loop, {CONNECTIONS} connections, latency from when a request was due, server and load share both cores"

    @staticmethod
    def table(found):
        columns = ["", "p99 ms min / median / max", "p50 ms", "p99.9 ms", "p99 of reads", "p99 of writes", "errors", "answered/s"]
        rows = []
        for one in found["contenders"]:
            rounds = one["rounds"]
            rows.append([one["title"], three((figures["p99_us"] / 1000 for figures in rounds), 2),
                         *(milliseconds(rounds, name) for name in ("p50_us", "p999_us", "reads_p99_us", "writes_p99_us")),
                         f"{sum(figures['errors'] for figures in rounds):,}", f"{spread(f['per_second'] for f in rounds)[1]:,.0f}"])
        return columns, rows


class Overload:
    """The peak is the most that a closed loop gets of the same mix, with few connections or with many; then three times that is
    offered."""

    name = "overload"
    title = "three times the sustainable load of that mix"
    TIMES, CLOSED, POOL, PATIENCE_MS = 3, (64, 512), 4096, 1000

    def run(self, bench):
        contender, rounds = bench.contender("mettle"), []
        requests = mixed_file(bench, contender)
        bench.expect_rows(contender, "categories")
        with bench.stage([contender], apart=True) as stage:
            url = stage.of(contender)[1]
            for number in (0, *bench.numbers()):
                figures = self.round(bench, contender, url, requests)
                if number > 0:
                    rounds.append(figures)
                    say(f"{self.name}: round {number} of {bench.rounds}: peak {figures['peak']:,.0f}/s, at three times that "
                        f"{figures['good']:,.0f}/s")
        return {"name": self.name, "contenders": [{"name": contender.name, "title": contender.title, "rounds": rounds}]}

    def round(self, bench, contender, url, requests):
        common = {"seconds": bench.seconds, "give_up_ms": self.PATIENCE_MS}
        peaks = [offer(bench.native, url, requests, bench.load_cores(True), rate=0, connections=connections, **common)
                 for connections in self.CLOSED]
        per_second = max(summary["all"]["ok"] * 1e6 / summary["span_us"] for summary in peaks)
        if per_second == 0:
            raise Trouble(f"{contender.title} answered nothing; its log: --keep")
        flood = offer(bench.native, url, requests, bench.load_cores(True), rate=round(self.TIMES * per_second),
                      connections=self.POOL, queue=False, **common)
        for summary in (*peaks, flood):
            bench.note_rows(contender, "categories", summary["classes"][1]["ok"])
        seconds = flood["span_us"] / 1e6
        shed = flood["all"]["statuses"].get("503", 0)
        good = flood["all"]["ok"] - flood["late"]
        return {"peak": per_second, "offered": flood["offered"] / seconds, "sent": flood["sent"] / seconds, "good": good / seconds,
                "goodput": good / seconds / per_second, "shed": shed / seconds,
                "retry_after": flood["with_retry_after"] / shed if shed else None,
                "other": flood["answered"] - flood["all"]["ok"] - shed + flood["broken"] + flood["unanswered"],
                "p99_us": flood["all"]["p99_us"]}

    def where(self):
        return (f"server on one core, load on the other; the peak is the better of closed loops of {' and '.join(map(str, self.CLOSED))} "
                f"connections; then an open loop over {self.POOL:,} connections: what finds all of them busy is not sent; good is a 2xx "
                f"within {self.PATIENCE_MS / 1000:.0f} s")

    @staticmethod
    def table(found):
        columns = ["", "good/s, peak = 1: min / median / max", "peak/s", "offered/s", "sent/s", "good/s", "503/s",
                   "of these with Retry-After", "other failures", "p99 ms of the good"]
        rows = []
        for one in found["contenders"]:
            rounds = one["rounds"]
            after = spread(figures["retry_after"] for figures in rounds)
            rows.append([one["title"], each(rounds, "goodput", 2),
                         *(f"{spread(f[name] for f in rounds)[1]:,.0f}" for name in ("peak", "offered", "sent", "good", "shed")),
                         f"{after[0]:.0%}" if after else "none shed", f"{sum(figures['other'] for figures in rounds):,}",
                         milliseconds(rounds, "p99_us")])
        return columns, rows


CASES = (OpenLoop(), Overload())
