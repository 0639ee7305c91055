"""The closed-loop cases: wrk keeps a number of connections busy, contenders take turns, the table has rates and CPU time."""
import dataclasses

from ..arithmetic import spread
from ..load import Requests, offer, wrk
from ..trouble import say
from . import answers
from .shape import count, each, milliseconds, ratio

COUNTED = 10_000  # requests over which allocations are counted


@dataclasses.dataclass(frozen=True)
class Closed:
    name: str
    title: str
    load: str  # the function in load.lua
    check: object  # (contender, url, shop): Trouble where the answers are not right
    names: tuple  # of contenders
    connections: int
    apart: bool  # server on one core and load on the other; else both share both
    rows: str | None = None  # the table in which each request is one durable row

    def run(self, bench):
        contenders = [bench.contender(name) for name in self.names]
        if "nginx" in self.names:
            self.imitate(bench, contenders)
        rounds = {contender.name: [] for contender in contenders}
        calls = {}
        if self.rows:
            calls = {contender.name: bench.native.calls(contender.name) for contender in contenders}
            for contender in contenders:
                bench.expect_rows(contender, self.rows)
        with bench.stage(contenders, self.apart, calls) as stage:
            for contender in contenders:
                self.check(contender, stage.of(contender)[1], bench.shop)
            for contender in contenders:
                say(f"{self.name}: warming {contender.title}")
                self.round(bench, contender, stage, max(1, bench.seconds // 2))
            for number in bench.numbers():
                for contender in contenders:
                    figures = self.round(bench, contender, stage, bench.seconds)
                    rounds[contender.name].append(figures)
                    say(f"{self.name}: round {number} of {bench.rounds}, {contender.title}: {figures['per_second']:,.0f}/s")
        found = {"name": self.name, "contenders": [{"name": contender.name, "title": contender.title, "rounds":
                                                    rounds[contender.name]} for contender in contenders]}
        if self.name == "get":
            for one in found["contenders"]:
                if one["name"].startswith("mettle"):
                    one["allocations"] = count_allocations(bench, bench.contender(one["name"]))
                    say(f"{self.name}: {one['title']}: {one['allocations']:.2f} allocations a request")
        return found

    def round(self, bench, contender, stage, seconds):
        process, url = stage.of(contender)
        before, syncs = {}, None
        if self.rows:
            sync_us = sorted(bench.probe.sample())[25] * 1e6
            before, syncs = contender.commits(url), stage.calls[contender.name].read()["syncs"]
        user, system = process.cpu()
        summary = wrk(self.load, contender, url, bench.shop, self.connections, seconds, bench.load_cores(self.apart))
        user_after, system_after = process.cpu()
        requests = summary["requests"]
        figures = {"requests": requests, "per_second": requests * 1e6 / summary["duration_us"], "p50_us": summary["p50_us"],
                   "p99_us": summary["p99_us"], "max_us": summary["max_us"], "user_us": (user_after - user) * 1e6 / requests,
                   "system_us": (system_after - system) * 1e6 / requests}
        figures["cpu_us"] = figures["user_us"] + figures["system_us"]
        if self.rows:
            bench.note_rows(contender, self.rows, requests)
            # Those in flight when wrk ended are synced, too, but not among its requests: the ratio is a little too high.
            figures["syncs_per_row"] = (stage.calls[contender.name].read()["syncs"] - syncs) / requests
            figures["sync_us"] = sync_us
        if before:
            after = contender.commits(url)
            commits = after["commits"] - before["commits"]
            figures["rows_per_commit"] = (after["rows"] - before["rows"]) / commits if commits else None
        process.wait_until_idle()
        return figures

    def imitate(self, bench, contenders):
        """Gives nginx the body to return: the answer of median size among Mettle's."""
        nginx = bench.contender("nginx")
        if not nginx.body:
            with bench.stage(contenders[:1], self.apart) as stage:
                nginx.body = answers.typical_body(stage.of(contenders[0])[1], bench.shop)

    def where(self):
        cores = "server on one core, load on the other" if self.apart else "server and load share both cores"
        return f"wrk, {count(self.connections, 'connection')}, {cores}"

    def table(self, found):
        """(columns, rows)"""
        columns = ["", "rows/s min / median / max" if self.rows else "requests/s min / median / max", "p50 ms", "p99 ms",
                   "CPU µs a request", "of it user", "of it system"]
        by_name = {one["name"]: one["rounds"] for one in found["contenders"]}
        columns += ["syncs a row", "rows a commit"] if self.rows else []
        columns += ["CPU, nginx = 1"] if "nginx" in by_name else []
        columns += ["allocations a request"] if self.name == "get" else []
        columns += ["rate, Fastify = 1"]
        rows = []
        for one in found["contenders"]:
            rounds = one["rounds"]
            row = [one["title"], each(rounds, "per_second"), milliseconds(rounds, "p50_us"), milliseconds(rounds, "p99_us"),
                   *(f"{spread(figures[name] for figures in rounds)[1]:.1f}" for name in ("cpu_us", "user_us", "system_us"))]
            if self.rows:
                syncs, group = (spread(figures.get(name) for figures in rounds) for name in ("syncs_per_row", "rows_per_commit"))
                row += [f"{syncs[1]:.3f}", f"{group[1]:.1f}" if group else "–"]
            if "nginx" in by_name:
                row.append(ratio(rounds, by_name["nginx"], "cpu_us", 2))
            if self.name == "get":
                row.append(f"{one['allocations']:.2f}" if one.get("allocations") is not None else "–")
            row.append(ratio(rounds, by_name.get("fastify"), "per_second", 2))
            rows.append(row)
        return columns, rows


def count_allocations(bench, contender):
    """Calls of malloc and its like a GET, counted in a server of its own, since counting costs time."""
    calls = bench.native.calls(f"{contender.name}-allocations", allocations=True)
    requests = Requests(contender, bench.shop).mixed(bench.folder / "allocations.requests", COUNTED, get=100)
    with bench.stage([contender], True, {contender.name: calls}) as stage:
        url = stage.of(contender)[1]
        for warm in (True, False):  # statements, buffers and the cache of pages are made once
            before = calls.read()["allocations"]
            offer(bench.native, url, requests, bench.load_cores(True), rate=0, seconds=0, connections=1, count=COUNTED)
            if not warm:
                return (calls.read()["allocations"] - before) / COUNTED


READS = (
    Closed("get", "GET /api/v1/products/{id}", "get_product", answers.check_get,
           ("mettle", "mettle_rule", "nginx", "fastify", "json_server"), 64, apart=True),
    Closed("list", "20 products by an indexed filter and sort, each with its category", "list_products", answers.check_list,
           ("mettle", "fastify"), 64, apart=True),
    Closed("embed", "a user with the latest 20 of 100,000 orders", "get_user", answers.check_embed, ("mettle", "fastify"), 1,
           apart=True),
)
WRITES = (
    Closed("order", "durable POST /api/v1/commands/place_order, three items, with Idempotency-Key", "place_order",
           answers.check_order, ("mettle", "fastify"), 64, apart=False, rows="orders"),
    Closed("post64", "durable POST /api/v1/categories", "post_category", answers.check_post, ("mettle", "fastify"), 64,
           apart=False, rows="categories"),
    Closed("post256", "durable POST /api/v1/categories", "post_category", answers.check_post, ("mettle", "fastify"), 256,
           apart=False, rows="categories"),
)
