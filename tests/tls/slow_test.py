#!/usr/bin/env python3
"""slowhttptest's slow headers, slow bodies and slow readers do not stop others, in clear and over TLS.

  tests/tls/slow_test.py [--binary build/dev/mettle]

For each kind, slowhttptest holds CONNECTIONS connections for SECONDS seconds while a good client asks one request after the
other, each on a connection of its own: every one is answered, at least LEAST of them, and slowhttptest itself finds the
service available throughout. 77 where slowhttptest is not installed.
"""
import argparse
import csv
import pathlib
import shutil
import subprocess
import sys
import tempfile

import rig
from rig import Mettle, make_certificate

CONNECTIONS, SECONDS, LEAST = 300, 6, 100
KINDS = {"headers": ["-H", "-i", "1"], "body": ["-B", "-i", "1", "-s", "8192", "-t", "POST"],
         "read": ["-X", "-w", "32", "-y", "64", "-n", "1", "-z", "16", "-k", "3"]}


def attack(server, kind, scheme, folder):
    """Its faults as texts."""
    path = "/api/v1/notes" if kind != "headers" else "/"
    out = folder / f"{kind}-{scheme}"
    command = ["slowhttptest", *KINDS[kind], "-c", str(CONNECTIONS), "-r", "200", "-l", str(SECONDS), "-p", "5", "-g", "-o", str(out),
               "-u", f"{scheme}://127.0.0.1:{server.port}{path}"]
    faults, answered = [], 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while process.poll() is None:
            try:
                status = server.get("/api/v1/notes?limit=1")[0]
            except OSError as error:
                status = repr(error)
            if status == 200:
                answered += 1
            else:
                faults.append(f"a good request: {status}")
        said = process.stdout.read()
    with out.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    unavailable = [row for row in rows if row["Service Available"] in ("0", "")]
    if not rows or unavailable:
        faults.append(f"slowhttptest found it unavailable in {len(unavailable)} of {len(rows)} seconds:\n{said[-2000:]}")
    if answered < LEAST:
        faults.append(f"only {answered} good requests were answered")
    print(f"{kind:8} {scheme:6} {answered:6} good requests answered, {len(faults)} faults", flush=True)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=rig.options.binary)
    rig.options.binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    if shutil.which("slowhttptest") is None:
        print("skipped: slowhttptest is not installed (tools/setup.sh does it)", file=sys.stderr)
        return rig.SKIPPED
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pair = make_certificate(folder, "a", ["a.test"])
        for scheme, tls in (("http", ()), ("https", [pair])):
            with Mettle("--header-timeout", "3s", "--body-timeout", "3s", "--write-timeout", "3s", tls=tls) as server:
                for kind in KINDS:
                    faults += [f"{kind} {scheme}: {fault}" for fault in attack(server, kind, scheme, folder)]
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
