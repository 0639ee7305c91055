#!/usr/bin/env python3
"""The chaos scripts must be able to fail: each runs against a server with a planted fault, and has to find it.

  tests/chaos/chaos_test.py --binary build/dev/mettle [NAME …]

The faults are mutants of the program (docs/internals/mutants.md), or come from outside by a preloaded library (planted.c).
"""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
COMPILERS = ("clang-19", "cc", "gcc", "clang")

# script, its options, the mutant or the planted fault, words of the failure (a pattern)
FAULTS = [
    ("kill9", "--rounds 40 --window 0.1", "mutant ack-before-commit", "are lost|Idempotency-Key .*: first"),
    ("clock", "--rounds 18", "mutant expired-key-works", "the key with an end"),
    ("restarts", "--rounds 3 --patience 5", "mutant drain-drops-requests", "half sent when SIGTERM came"),
    ("connections", "--each 22 --patience 7", "mutant header-timer-restarts", "its limit is 2 s"),
    ("disk", "--row sync-eio --only 9 --patience 4", "planted retry-sync", "it runs on"),
    ("two_servers", "--rounds 1 --patience 4", "planted no-lock", "a second server runs"),
]


def library(folder):
    compiler = next((name for name in COMPILERS if shutil.which(name)), None)
    if compiler is None:
        return None
    made = folder / "planted.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, HERE / "planted.c"], check=True)
    return made


def wrapper(folder, binary, kind, fault, preload):
    """A program that serves with the fault and does everything else without."""
    serve = f'exec "{binary}" "$@" --mutant {fault}'
    if fault == "ack-before-commit":  # between the answer and the commit lie microseconds, which few kills hit
        serve = 'export METTLE_FAIL="${METTLE_FAIL-commit.before:delay=20ms}"; ' + serve
    if kind == "planted":
        serve = f'LD_PRELOAD="{preload}" PLANTED={fault} exec "{binary}" "$@"'
    path = folder / f"{fault}.sh"
    path.write_text(f'#!/bin/sh\n[ "$1" = serve ] || exec "{binary}" "$@"\n{serve}\n')
    path.chmod(0o755)
    return path


def found(script, options, program, words):
    done = subprocess.run([sys.executable, HERE / f"{script}.py", "--binary", program, "--seed", "1", *options.split()],
                          capture_output=True, text=True, timeout=280, check=False)
    if done.returncode == 77:
        return "skipped: " + done.stderr.strip().splitlines()[-1], True
    if done.returncode != 1 or not re.search(words, done.stderr):
        return f"NOT FOUND (exit code {done.returncode}):\n{done.stdout}{done.stderr}", False
    return "found", True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scripts; all if none is named")
    options = parser.parse_args()
    binary, failed = pathlib.Path(options.binary).resolve(), False
    with tempfile.TemporaryDirectory(prefix="mettle-planted-") as name:
        folder = pathlib.Path(name)
        preload = library(folder)
        chosen = [fault for fault in FAULTS if (not options.names or fault[0] in options.names)
                  and (preload or not fault[2].startswith("planted"))]

        def one(fault):
            script, arguments, what, words = fault
            kind, what = what.split(" ")
            return script, what, *found(script, arguments, wrapper(folder, binary, kind, what, preload), words)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for script, what, result, right in pool.map(one, chosen):
                failed = failed or not right
                print(f"{script:<12} {what:<22} {result}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
