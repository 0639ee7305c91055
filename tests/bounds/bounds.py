#!/usr/bin/env python3
"""Proves what a request costs where it can be counted: allocations and instructions a GET, allocations a list and a POST, syncs a row.

  tests/bounds/bounds.py --binary build/dev/mettle             all of it, against bounds.txt; about fifteen seconds
  tests/bounds/bounds.py --binary build/dev/mettle allocations    one part: allocations, instructions or syncs
  tests/bounds/bounds.py --binary build/release/mettle --show  only says what it counted: the table's figures are the dev build's

The server runs on two cores at most with one event loop, warm; what is counted is the difference over so many requests, divided by
them. Exit code 0: all within the bounds; 1: not; 77: a part needs what is not installed (valgrind).
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))
sys.dont_write_bytecode = True

from measure.contenders import Mettle  # noqa: E402
from measure.load import Requests, failures, offer  # noqa: E402
from measure.machine import find_tool  # noqa: E402
from measure.native import Native  # noqa: E402
from measure.process import Process, run  # noqa: E402
from measure.trouble import Trouble  # noqa: E402

SHOP = ROOT / "examples" / "shop"
PRODUCTS = 1000
TABLE = pathlib.Path(__file__).with_name("bounds.txt")
CORES = sorted(os.sched_getaffinity(0))[:2]
WARM = 500  # requests: statements, buffers and the cache of pages are made once


class SmallShop:
    products = PRODUCTS


class Counted(Mettle):
    """The shop with a thousand products and one event loop."""

    def command(self, _cores):
        # A busy machine must not make it shed what is to be counted.
        return [*super().command(CORES[:1]), "--overload-delay", "10s"]

    def load(self, _shop):
        for table in ("users", "categories", "products"):
            path = self.folder / f"{table}.ndjson"
            with open(path, "wb") as out:
                subprocess.run([sys.executable, SHOP / "seed.py", table, "--products", str(PRODUCTS)], stdout=out, check=True)
            self.load_table(table, path)
        self.keys = {"admin": self.tool("key", "create", self.app_file, "--data", self.data, "--role", "admin").strip()}


class Counter:
    def __init__(self, binary, folder):
        self.folder, self.native, self.server = folder, Native(folder), Counted(binary, folder)
        self.server.prepare(None)

    def send(self, url, kind, count, connections=1):
        path = self.folder / f"{kind}.requests"
        if not path.exists():
            Requests(self.server, SmallShop).mixed(path, 1000, **{kind: 100})
        summary = offer(self.native, url, path, CORES, rate=0, seconds=0, connections=connections, count=count)
        if failures(summary):
            raise Trouble(f"{failures(summary)} of {count} requests failed: {summary['all']['statuses']}")

    def over(self, kind, count, figure, connections=1, allocations=False):
        """How much `figure` rises a request, in a server of its own."""
        calls = self.native.calls("counted", allocations)
        process, url = self.server.start(CORES, self.folder, calls)
        try:
            self.send(url, kind, WARM, connections)
            before = calls.read()[figure]
            self.send(url, kind, count, connections)
            return (calls.read()[figure] - before) / count
        finally:
            process.stop(must_end_well=False)

    def allocations(self):
        return {"allocations_a_get": self.over("get", 5000, "allocations", allocations=True),
                "allocations_a_list": self.over("list", 2000, "allocations", allocations=True),
                "allocations_a_post": self.over("write", 1000, "allocations", allocations=True)}

    def syncs(self):
        return {"syncs_a_row_alone": self.over("write", 500, "syncs"),
                "syncs_a_row_of_64": self.over("write", 5000, "syncs", connections=64)}

    def instructions(self):
        """Two dumps of callgrind around the requests; the instructions between them are its own count, of user code alone."""
        if shutil.which("valgrind") is None:
            return None
        out = self.folder / "callgrind"
        # Without its debug information, which Debian 12's valgrind cannot read from clang 19.
        bare, command = self.folder / "bare", self.server.command(CORES)
        run([find_tool("llvm-strip-19"), "--strip-debug", "-o", bare, command[0]])
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", bare, *command[1:]]
        process = Process("valgrind", command, self.folder, self.server.environment())
        try:
            url = process.wait_for_address()
            self.send(url, "get", 200)
            self.dump(process, out, 1)
            self.send(url, "get", 500)
            return {"instructions_a_get": self.dump(process, out, 2) / 500}
        finally:
            # What it would write at its end is not needed.
            process.child.send_signal(signal.SIGKILL)
            process.child.wait()

    def dump(self, process, out, number):
        """The instructions since the dump before."""
        path = pathlib.Path(f"{out}.{number}")
        subprocess.run(["callgrind_control", "--dump", str(process.child.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True, timeout=60)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = path.exists() and re.search(r"^totals: (\d+)", path.read_text(), re.M)
            if found:
                return int(found.group(1))
            time.sleep(0.02)
        raise Trouble("callgrind wrote no dump")


def bounds():
    found = {}
    for line in TABLE.read_text().splitlines():
        words = line.split("#")[0].split()
        if words:
            found[words[0]] = (float(words[1]), float(words[2]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--show", action="store_true", help="say what was counted and hold it to nothing")
    parser.add_argument("parts", nargs="*", metavar="PART", help="allocations, syncs or instructions; default all")
    options = parser.parse_args()
    known = ("allocations", "syncs", "instructions")
    if set(options.parts) - set(known):
        parser.error(f"a part is one of {', '.join(known)}")
    allowed, status = bounds(), 0
    with tempfile.TemporaryDirectory(prefix="bounds-") as folder:
        counter = Counter(options.binary.resolve(), pathlib.Path(folder))
        for part in options.parts or known:
            begun = time.monotonic()
            counted = getattr(counter, part)()
            if counted is None:
                print(f"{part}: not counted, valgrind is not installed")
                status = status or 77
                continue
            for what, value in counted.items():
                least, most = allowed[what]
                holds = options.show or least <= value <= most
                print(f"{what:24} {value:12,.2f}   {least:,g} to {most:,g}   {'ok' if holds else 'OUT OF BOUNDS'}"
                      f"   ({time.monotonic() - begun:.1f} s)", flush=True)
                if not holds:
                    status = 1
    if status == 1:
        print(f"see {TABLE.relative_to(ROOT)} for what to do; again: tests/bounds/bounds.py --binary {options.binary} --show")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        print(f"bounds: {trouble}", file=sys.stderr)
        sys.exit(1)
