"""`mettle data load` of the shop's products, and `data dump` of a million."""
import re
import shutil
import subprocess
import sys
import time

from ..contenders import ROWS_A_COMMIT, SHOP, Mettle
from ..machine import PEERS, find_tool
from ..process import on_cores
from ..trouble import Trouble, say
from .shape import each

ROWS = 1_000_000


def million(bench):
    """The file; written when first asked for."""
    rows = ROWS if bench.seconds > 1 else ROWS // 10
    path = bench.folder / "many-products.ndjson"
    if not path.exists():
        say(f"writing {rows:,} products")
        with open(path, "wb") as out:
            subprocess.run([sys.executable, SHOP / "seed.py", "products", "--products", str(rows)], stdout=out, check=True)
    return path, rows


class Wide(Mettle):
    """Mettle with a folder of its own for the many products."""

    name = "mettle_wide"

    def load(self, shop):
        self.load_table("categories", shop.files["categories"])


def wide(bench, name):
    contender = Wide(bench.everybody["mettle"].binary, bench.folder)
    contender.data = bench.folder / f"{name}-data"
    contender.database = contender.data / "app.db"
    return contender


def timed(command, environment=None, **streams):
    """(seconds, MiB resident at most) of a command that must succeed."""
    begun = time.perf_counter()
    done = subprocess.run([find_tool("python3"), "-c", PEAK, *map(str, command)], stderr=subprocess.PIPE, text=True, env=environment,
                          check=False, **streams)
    seconds = time.perf_counter() - begun
    peak = re.search(r"^PEAK (\d+) ([\d.]+)$", done.stderr, re.M)
    if done.returncode != 0 or not peak:
        raise Trouble(f"`{' '.join(map(str, command))}` ended with {done.returncode}: {done.stderr[-1000:]}")
    return min(seconds, float(peak.group(2))), int(peak.group(1)) / 1024


# The peak of a child's memory is known to its parent alone, and only of all its children together: hence one parent for each.
PEAK = """import resource, subprocess, sys, time
begun = time.perf_counter()
code = subprocess.call(sys.argv[1:])
took = time.perf_counter() - begun
print(f"PEAK {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss} {took}", file=sys.stderr)
sys.exit(code)"""


class Load:
    name = "load"
    title = "`mettle data load` of the shop's products, durable"

    def run(self, bench):
        path, rows, fastify = bench.shop.files["products"], bench.shop.products, bench.everybody["fastify"]
        found = {"mettle": [], "fastify": []}
        for number in bench.numbers():
            found["mettle"].append(self.mettle(bench, wide(bench, f"load-{number}"), path, rows))
            database = bench.folder / f"fastify-load-{number}.db"
            node = on_cores(bench.cores, [find_tool("node"), PEERS / "load.js", database])
            with open(bench.shop.files["categories"], "rb") as categories:
                timed([*node, "categories"], fastify.environment(), stdin=categories)
            with open(path, "rb") as products:
                seconds, mib = timed([*node, "products"], fastify.environment(), stdin=products)
            database.unlink()
            found["fastify"].append({"per_second": rows / seconds, "mib": mib})
            say(f"{self.name}: round {number} of {bench.rounds}: {found['mettle'][-1]['per_second']:,.0f} rows/s, better-sqlite3 "
                f"{found['fastify'][-1]['per_second']:,.0f} rows/s")
        return {"name": self.name, "rows": rows, "contenders": [
            {"name": "mettle", "title": "Mettle", "rounds": found["mettle"]},
            {"name": "fastify", "title": f"Node + better-sqlite3, {ROWS_A_COMMIT:,} rows a transaction", "rounds": found["fastify"]}]}

    @staticmethod
    def mettle(bench, contender, path, rows):
        contender.prepare(bench.shop)
        command = on_cores(bench.cores, [contender.binary, "data", "load", contender.app_file, "products", path, "--data", contender.data])
        seconds, mib = timed(command, contender.environment(), stdout=subprocess.DEVNULL)
        shutil.rmtree(contender.data)
        return {"per_second": rows / seconds, "mib": mib}

    @staticmethod
    def where():
        return ("a command of its own, no server beside it, both cores; from a file of NDJSON into a new database, checks and five indexes "
                "included")

    @staticmethod
    def table(found):
        columns = ["", "rows/s min / median / max", "most MiB"]
        return columns, [[one["title"], each(one["rounds"], "per_second"), f"{max(f['mib'] for f in one['rounds']):.0f}"]
                         for one in found["contenders"]]


class Dump:
    name = "dump"
    title = "`mettle data dump` of 1,000,000 products"

    def run(self, bench):
        contender = filled(bench)
        rows, rounds = million(bench)[1], []
        for number in range(1, min(bench.rounds, 3) + 1):
            out = bench.folder / "dumped.ndjson"
            command = on_cores(bench.cores, [contender.binary, "data", "dump", contender.app_file, "products", "--data", contender.data,
                                             "-o", out])
            seconds, mib = timed(command, contender.environment(), stdout=subprocess.DEVNULL)
            with open(out, "rb") as dumped:
                lines = sum(1 for _ in dumped)
            if lines != rows:
                raise Trouble(f"data dump wrote {lines} lines of {rows} rows")
            rounds.append({"per_second": rows / seconds, "mib": mib})
            say(f"{self.name}: round {number}: {rounds[-1]['per_second']:,.0f} rows/s, {mib:.0f} MiB")
        return {"name": self.name, "rows": rows, "contenders": [{"name": "mettle", "title": "Mettle", "rounds": rounds}]}

    @staticmethod
    def where():
        return "a command of its own, no server beside it, both cores; to a file of NDJSON"

    table = staticmethod(Load.table)


def filled(bench):
    """Mettle with the many products, loaded when it is first asked for."""
    contender = wide(bench, "wide")
    if not contender.database.exists():
        path, rows = million(bench)
        say(f"loading {rows:,} products")
        contender.prepare(bench.shop)
        contender.load_table("products", path)
    return contender


CASES = (Load(), Dump())
