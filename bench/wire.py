#!/usr/bin/env python3
"""What TLS and HTTP/2 cost: GET of a product by id, by h2load, four ways.

  bench/wire.py [--binary build/release/mettle] [--rounds 5] [--seconds 2]

One server with one thread on the first processor, h2load on the second, 32 connections: HTTP/1.1 in clear, HTTP/1.1 over TLS 1.3
kept alive, HTTP/2 in clear and over TLS with 100 requests open a connection. The four take turns; each round gives its ratios, and
the table their medians. Wanted: TLS at least 0.75 of HTTP/1.1 in clear, HTTP/2 in clear at least 1.2 of it. Exit code 1 where not.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/tls"))

from rig import make_certificate  # noqa: E402

SHOP = ROOT / "examples/shop"
PRODUCTS, CONNECTIONS, STREAMS = 10_000, 32, 100
WAYS = {"http/1.1": ("http", ["--h1"], 1), "http/1.1 tls": ("https", ["--h1"], 1), "http/2": ("http", [], STREAMS),
        "http/2 tls": ("https", [], STREAMS)}
WANTED = {"http/1.1 tls": 0.75, "http/2": 1.2}


def load(binary, folder):
    """The shop's products; their paths."""
    paths = []
    for table in ("users", "categories", "products"):
        rows = subprocess.run([sys.executable, str(SHOP / "seed.py"), table, "--products", str(PRODUCTS)], check=True,
                              capture_output=True, text=True).stdout
        (folder / f"{table}.ndjson").write_text(rows)
        subprocess.run([binary, "data", "load", str(SHOP / "mettle.yaml"), table, f"{table}.ndjson", "--data", "data"], cwd=folder,
                       check=True, capture_output=True)
        paths = [f"/api/v1/products/{json.loads(line)['id']}" for line in rows.splitlines()]
    return paths[::max(1, len(paths) // 500)]


def serve(binary, folder, *flags):
    """(process, port), on the first processor."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}
    process = subprocess.Popen(["taskset", "-c", "0", binary, "serve", str(SHOP / "mettle.yaml"), "--data", "data", "--listen",
                                "127.0.0.1:0", "--threads", "1", "--overload-delay", "5s", "--log-requests", "false", *flags], cwd=folder,
                               env=env, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"listening on https?://[\d.]+:(\d+)", line):
            return process, int(found.group(1))
    sys.exit("wire: the server did not start")


def measure(way, port, paths, folder, seconds):
    """Requests a second."""
    scheme, flags, streams = WAYS[way]
    uris = folder / f"{scheme}.uris"
    uris.write_text("".join(f"{scheme}://127.0.0.1:{port}{path}\n" for path in paths))
    done = subprocess.run(["taskset", "-c", "1", "h2load", *flags, "-c", str(CONNECTIONS), "-m", str(streams), "-t", "1", "-D", str(seconds),
                           "--warm-up-time", "1", "-i", str(uris)], capture_output=True, text=True, check=True)
    rate = re.search(r"finished in .*, ([\d.]+) req/s", done.stdout)
    counts = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
    good = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)
    if not rate or not good or any(int(count) for count in counts.groups()):
        sys.exit(f"wire: {way}: not all was answered:\n{done.stdout}")
    return float(rate.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/release/mettle"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory(prefix="mettle-wire-") as name:
        folder = pathlib.Path(name)
        paths = load(binary, folder)
        cert, key = make_certificate(folder, "a", ["localhost", "127.0.0.1"])
        rates, ratios = {way: [] for way in WAYS}, {way: [] for way in WAYS}
        for number in range(options.rounds):
            for way, (scheme, _, _) in WAYS.items():
                # One server at a time: two on one processor would share its caches.
                flags = ["--tls-cert", str(cert), "--tls-key", str(key)] if scheme == "https" else []
                process, port = serve(binary, folder, *flags)
                try:
                    rates[way].append(measure(way, port, paths, folder, options.seconds))
                finally:
                    process.terminate()
                    process.communicate()
                ratios[way].append(rates[way][-1] / rates["http/1.1"][-1])
            print(f"wire: round {number + 1} of {options.rounds}: "
                  + ", ".join(f"{way} {rates[way][-1]:,.0f}/s" for way in WAYS), file=sys.stderr, flush=True)
    held = True
    print(f"{'way':<14} {'requests/s':>11} {'of http/1.1':>12}   wanted")
    for way in WAYS:
        ratio, wanted = statistics.median(ratios[way]), WANTED.get(way)
        held = held and (wanted is None or ratio >= wanted)
        says = "" if wanted is None else f">= {wanted:.2f} {'held' if ratio >= wanted else 'MISSED'}"
        print(f"{way:<14} {statistics.median(rates[way]):>11,.0f} {ratio:>12.2f}   {says}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
