"""What the figures have to be. A target takes its value from each round, and holds when the median of them does."""
import dataclasses

from .arithmetic import ratios, spread

SYNC_US = 250  # the rates of durable POSTs are asked of disks that sync within about 0.2 ms


@dataclasses.dataclass(frozen=True)
class Target:
    case: str
    what: str
    sign: str  # how the value must stand to the limit
    limit: float
    values: object  # of what the case found: a value a round
    digits: int = 1
    needs_fast_disk: bool = False

    def wanted(self):
        return f"{self.sign} {self.limit:,.{0 if self.limit == int(self.limit) else self.digits}f}"

    def holds(self, value):
        return {"≤": value <= self.limit, "<": value < self.limit, "≥": value >= self.limit, "=": value == self.limit}[self.sign]


def who(found, name):
    return next(one for one in found["contenders"] if one["name"] == name)


def of(figure, name="mettle", factor=1.0):
    return lambda found: [None if one.get(figure) is None else one[figure] * factor for one in who(found, name)["rounds"]]


def against(figure, other, name="mettle"):
    """The rounds of one over those of another beside them."""
    return lambda found: ratios(of(figure, name)(found), of(figure, other)(found))


def single(name):
    """Of what is measured once a run."""
    return lambda found: [who(found, "mettle")[name]]


TARGETS = (
    Target("get", "CPU a GET by id, nginx's = 1 (the aim is 1.5)", "≤", 2, against("cpu_us", "nginx"), 2),
    Target("get", "user CPU µs a GET by id", "≤", 15, of("user_us")),
    Target("get", "allocations a GET by id", "≤", 10, single("allocations"), 2),
    Target("get", "GETs/s, Fastify's = 1", "≥", 2.5, against("per_second", "fastify"), 2),
    Target("get", "GETs/s with a rule of two comparisons, without = 1", "≥", 0.9, against("per_second", "mettle", "mettle_rule"), 2),
    Target("list", "lists of 20 a second, Fastify's = 1", "≥", 3, against("per_second", "fastify"), 2),
    Target("embed", "ms of 20 of 100,000 children, p50", "<", 1, of("p50_us", factor=0.001), 2),
    Target("start", "ms of a cold start", "<", 100, of("warm_ms"), 0),
    Target("idle10k", "MiB under 10,000 idle connections", "<", 200, of("mib"), 0),
    Target("openloop", "p99 in ms at 10,000 requests/s offered", "<", 10, of("p99_us", factor=0.001), 2),
    Target("openloop", "errors at 10,000 requests/s offered", "=", 0, of("errors"), 0),
    Target("overload", "good/s at three times the peak's load, peak = 1", "≥", 0.8, of("goodput"), 2),
    Target("overload", "part of the 503s with Retry-After", "=", 1, of("retry_after"), 2),
    Target("order", "place_order of three items a second", "≥", 4000, of("per_second"), 0, needs_fast_disk=True),
    Target("post64", "durable POSTs/s at 64 connections", "≥", 15000, of("per_second"), 0, needs_fast_disk=True),
    Target("post64", "durable POSTs/s at 64 connections, Fastify's = 1", "≥", 5, against("per_second", "fastify"), 2),
    Target("post64", "syncs a row at 64 connections", "<", 0.1, of("syncs_per_row"), 3),
    Target("post256", "durable POSTs/s at 256 connections", "≥", 20000, of("per_second"), 0, needs_fast_disk=True),
    Target("post256", "durable POSTs/s at 256 connections, Fastify's = 1", "≥", 5, against("per_second", "fastify"), 2),
    Target("post256", "syncs a row at 256 connections", "<", 0.1, of("syncs_per_row"), 3),
    Target("rss", "MiB through 1,000,000 mixed requests, the most ever", "<", 64, single("most_mib")),
    Target("rss", "MiB of growth over the last half of them", "≤", 1, single("growth_mib"), 2),
    Target("load", "rows/s of `data load`", "≥", 100_000, of("per_second"), 0, needs_fast_disk=True),
    Target("dump", "rows/s of `data dump`", "≥", 300_000, of("per_second"), 0),
    Target("dump", "MiB of `data dump`", "<", 64, of("mib"), 0),
    Target("signins", "p99 in ms of 5,000 GETs/s beside 300 sign-ins a minute", "<", 20, of("beside_p99_us", factor=0.001), 2),
    Target("signins", "sign-ins a minute beside them", "≥", 285, of("a_minute"), 0),
    Target("scan", "p99 beside a scan of 1,000,000 rows, without = 1", "<", 2, of("growth"), 2),
    Target("scan", "errors beside it, and scans neither answered nor cut", "=", 0,
           lambda found: [one["errors"] + one["scans"] - one["answered"] - one["cut"] for one in who(found, "mettle")["rounds"]], 0),
)


def verdicts(result):
    """[(target, (min, median, max), holds, remark)] of the cases that were measured."""
    found_by_case = {found["name"]: found for found in result["cases"]}
    verdict = []
    for target in TARGETS:
        if target.case not in found_by_case:
            continue
        values = spread(target.values(found_by_case[target.case]))
        if values is None:
            verdict.append((target, None, None, "there was none"))
            continue
        slow = target.needs_fast_disk and result["sync"]["median_us"] > SYNC_US
        remark = f"asked of a disk that syncs in 0.2 ms; this one took {result['sync']['median_us'] / 1000:.2f}" if slow else ""
        verdict.append((target, values, target.holds(values[1]), remark))
    return verdict
