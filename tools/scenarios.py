#!/usr/bin/env python3
"""Runs scenarios against a Mettle binary over real sockets.

  tools/scenarios.py [--binary build/dev/mettle] [--serve FLAGS] [-j N] [-v] [-k WORD] [FILE…]

Without files: tests/scenarios/**/*.http and the runnable fences of docs/**/*.md and examples/*/README.md. Prints a line
a scenario and, for what failed, where and how. Exit code 0 when all passed, 1 when one failed, 2 for wrong usage.
The format of a scenario: docs/internals/scenarios.md.
"""
import argparse
import concurrent.futures
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from scenario.match import Fault  # noqa: E402
from scenario.parse import read  # noqa: E402
from scenario.run import Run  # noqa: E402

NO_SCENARIO = 77  # ctest: skipped


def default_files():
    found = sorted((ROOT / "tests/scenarios").rglob("*.http"))
    # embed and handlers need a program beside the server: tests/programs builds and runs them.
    readmes = [page for page in sorted((ROOT / "examples").glob("*/README.md"))
               if page.parent.name not in ("embed", "handlers")]
    return found + sorted((ROOT / "docs").rglob("*.md")) + readmes


def run_one(path, binary, verbose, serve=""):
    """(path, seconds, fault or None, steps) of a file; None for a page without runnable fences."""
    begun = time.monotonic()
    try:
        scenario = read(path)
        if scenario is None:
            return None
        wrong = Run(scenario, binary, verbose, serve).execute()
        return path, time.monotonic() - begun, wrong, len(scenario.steps)
    except Fault as error:
        return path, time.monotonic() - begun, str(error), 0
    except (OSError, UnicodeDecodeError) as error:
        return path, time.monotonic() - begun, f"{path}: {error}", 0


def shown(path):
    path = pathlib.Path(path).resolve()
    return path.relative_to(ROOT) if ROOT in path.parents else path


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--binary", default=str(ROOT / "build/dev/mettle"))
    parser.add_argument("--serve", default="", metavar="FLAGS", help="more options of `mettle serve`: \"--mutant ID\"")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("-k", "--filter", default="", help="only files whose path holds this word")
    parser.add_argument("-v", "--verbose", action="store_true", help="also print each server's log")
    parser.add_argument("--list", action="store_true", help="print the files that hold scenarios, run nothing")
    options = parser.parse_args(argv)
    files = [path for path in (options.files or default_files()) if options.filter in str(path)]
    if options.list:
        for path in files:
            if pathlib.Path(path).suffix == ".http" or read(path):
                print(shown(path))
        return 0
    if not pathlib.Path(options.binary).is_file():
        print(f"scenarios: {options.binary} does not exist; build it, or name it with --binary", file=sys.stderr)
        return 2
    failed = passed = 0
    with concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
        for result in pool.map(lambda path: run_one(path, options.binary, options.verbose, options.serve), files):
            if result is None:
                continue
            path, seconds, wrong, steps = result
            print(f"{'not ok' if wrong else 'ok    '} {shown(path)} ({steps} steps, {seconds:.2f} s)", flush=True)
            if wrong:
                failed += 1
                print("  " + wrong, flush=True)
            else:
                passed += 1
    if passed + failed == 0:
        print("scenarios: no scenario found", file=sys.stderr)
        return NO_SCENARIO if options.files else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
