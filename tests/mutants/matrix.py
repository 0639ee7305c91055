#!/usr/bin/env python3
"""Proves that the tests can fail: each planted fault (src/base/mutant.cc) makes the test that is named beside it fail.

  tests/mutants/matrix.py [--build build/dev] [--report FILE] [--jobs 2] [--write-docs] [ID…]

The table of faults comes from `mettle serve --mutant help`. A mutant is caught when its test fails as a test fails: a scenario
at the step that the table names (not because the server did not start, or died), a unit test by a failed expectation,
kill -9 by a lost row. Each of these tests must also pass without a mutant. What is wrong otherwise:
  survived   the test passed: it does not hold the promise that it is named for
  elsewhere  the scenario failed at another step: the table has to name that one, if it shows the same
  broken     the test failed in another way, or fails without a mutant, too
The page docs/internals/mutants.md must hold the same table; --write-docs writes it. Ends with the matrix; exit code 0 when all
were caught, 1 when not, 2 for wrong usage.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCENARIOS = ROOT / "tests/scenarios"
PAGE = ROOT / "docs/internals/mutants.md"
TEST_SECONDS = 120
sys.path.insert(0, str(ROOT / "tools"))

os.environ["LLVM_PROFILE_FILE"] = os.devnull  # what a broken program runs is no coverage
os.environ.setdefault("METTLE_SCENARIO_ANSWER_SECONDS", "10")  # a mutant may leave a request without its answer

from scenario.match import Fault  # noqa: E402
from scenario.parse import read  # noqa: E402
from scenario.run import Run  # noqa: E402

# Each commit waits a little, so that a kill falls between an answer and its commit if there is such a gap.
SLOW_COMMITS = "commit.before:delay=50ms"
OIDC = "oidc: "
KILLS = ["--rounds", "4", "--seed", "4", "--writers", "4"]


class Mutant(typing.NamedTuple):
    name: str
    fault: str
    promise: str
    test: str


class Outcome(typing.NamedTuple):
    """What a test said: where it failed (None: it passed), how, and whether as a test fails."""
    where: str | None
    how: str
    fair: bool
    step: str = ""


class Table:
    """What the binary knows of its mutants."""

    def __init__(self, binary):
        done = subprocess.run([binary, "serve", "--mutant", "help"], capture_output=True, text=True, env={}, check=False)
        if done.returncode != 0:
            raise SystemExit(f"matrix: {binary} has no mutants (a release build has none): {done.stderr.strip()}")
        self.text = done.stdout
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in self.text.splitlines()[2:]]
        self.mutants = [Mutant(row[0].strip("`"), *row[1:]) for row in rows]


def scenario_of(test):
    """(file, step) of a test that is one."""
    name, found, step = test.partition(".http: ")
    return (f"{name}.http", step) if found else None


def run_scenario(options, name, mutant):
    wrong = Run(read(SCENARIOS / name), options.binary, serve=f"--mutant {mutant}" if mutant else "").execute()
    if wrong is None:
        return Outcome(None, "", True)
    lines = wrong.splitlines()
    found = re.fullmatch(r".*/(?P<place>[a-z0-9_]+\.http:\d+): (?P<step>.*)", lines[0])
    how = next((line.strip() for line in lines[1:] if not re.match(r"\s*answer \d+ of \d+:$", line)), lines[0])
    if found is None or "the server ended by itself" in wrong or "did not say \"listening" in wrong:
        return Outcome(lines[0], how, False)
    return Outcome(found.group("place"), how, True, found.group("step"))


def run_gtest(options, test, mutant):
    program, name = test.split(" ")
    env = {key: value for key, value in os.environ.items() if not key.startswith("METTLE_")}
    if mutant:
        env["METTLE_MUTANT"] = mutant
    done = subprocess.run([str(options.build / program), f"--gtest_filter={name}", "--gtest_color=no"], capture_output=True,
                          text=True, env=env, timeout=TEST_SECONDS, check=False)
    text = done.stdout + done.stderr
    if "[==========] 1 test from" not in text:
        return Outcome(f"{program} has no test {name}", text[-300:], False)
    if done.returncode == 0:
        return Outcome(None, "", True)
    failed = re.search(r"([\w.]+:\d+): Failure\n(.*(?:\n  .*)*)", text)
    if failed is None or f"[  FAILED  ] {name}" not in text:
        return Outcome(f"{program} ended with {done.returncode}", text[-300:], False)
    return Outcome(failed.group(1), " ".join(failed.group(2).split()), True)


def run_kill9(options, mutant):
    with tempfile.TemporaryDirectory(prefix="mettle-mutant-") as folder:
        program = pathlib.Path(folder) / "mettle"
        flags = f" --mutant {mutant}" if mutant else ""
        # Without fail points of its own: all its kills come at random moments.
        program.write_text(f"#!/bin/sh\n[ \"$1\" = serve ] || {{ unset METTLE_FAIL; exec {options.binary} \"$@\"; }}\n"
                           f"METTLE_FAIL={SLOW_COMMITS} exec {options.binary} \"$@\"{flags}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        done = subprocess.run([sys.executable, str(ROOT / "tests/chaos/kill9.py"), "--binary", str(program), *KILLS],
                              capture_output=True, text=True, timeout=TEST_SECONDS, check=False)
    text = done.stdout + done.stderr
    if done.returncode == 0:
        return Outcome(None, "", True)
    lost = re.search(r"\w+: \d+ acknowledged rows are lost|batch \S+ \(acknowledged\) has \d+|Idempotency-Key \S+: first .* then", text)
    return Outcome("kill9.py", lost.group(0) if lost else text[-300:], lost is not None)


def run_oidc(options, test, mutant):
    """One case of tests/oidc/matrix_test.mjs, with real identity providers."""
    case = test.removeprefix(OIDC)
    command = ["node", str(ROOT / "tests/oidc/matrix_test.mjs"), "--binary", options.binary, "--only", case]
    done = subprocess.run(command + (["--mutant", mutant] if mutant else []), capture_output=True, text=True,
                          timeout=TEST_SECONDS, check=False)
    text = done.stdout + done.stderr
    if done.returncode == 0:
        return Outcome(None, "", True)
    failed = re.search(rf"  FAIL {re.escape(case)}\n(?P<how>AssertionError .*)", text)
    if failed is None:
        return Outcome(f"node ended with {done.returncode}", text[-300:], False)
    return Outcome("matrix_test.mjs", failed.group("how"), True)


def run_test(options, test, mutant=None):
    """The test as the table names it; of a scenario all of its file."""
    try:
        if ".http" in test:
            return run_scenario(options, test.split(": ")[0], mutant)
        if test.startswith(OIDC):
            return run_oidc(options, test, mutant)
        return run_kill9(options, mutant) if test == "kill9" else run_gtest(options, test, mutant)
    except (OSError, Fault, subprocess.TimeoutExpired) as error:
        return Outcome(str(error).splitlines()[0], "", False)


def judge(mutant, outcome):
    """The word for what became of a mutant."""
    if outcome.where is None:
        return "survived"
    if not outcome.fair:
        return "broken"
    scenario = scenario_of(mutant.test)
    return "elsewhere" if scenario and outcome.step != scenario[1] else "caught"


def cut(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def matrix_row(mutant, outcome, word, seconds):
    where = outcome.where or "passed"
    if word == "elsewhere":
        where += f": {outcome.step}"
    mark = "" if word == "caught" else f"{word.upper()}: "
    return (f"{mutant.name:<28} {cut(mutant.promise, 46):<46} {cut(mutant.test, 44):<44} "
            f"{mark + cut(where, 200 if mark else 28):<28} {cut(outcome.how, 60):<60} {seconds:5.2f} s")


class Progress:
    def __init__(self, total):
        self.total, self.done = total, 0

    def tell(self, what, word):
        self.done += 1
        if word not in ("caught", "passes") or sys.stderr.isatty():
            print(f"mutants: {self.done}/{self.total} {what}: {word}", file=sys.stderr, flush=True)


def timed(work, *args):
    begun = time.monotonic()
    return work(*args), time.monotonic() - begun


def run_all(options, mutants):
    """(lines of the matrix, number of faults)"""
    plain = sorted({scenario[0] if (scenario := scenario_of(mutant.test)) else mutant.test for mutant in mutants})
    progress = Progress(len(plain) + len(mutants))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # Mutants that leave their test waiting come first in the table, so that the others run beside them.
        caught = {mutant: pool.submit(timed, run_test, options, mutant.test, mutant.name) for mutant in mutants}
        passes = {test: pool.submit(timed, run_test, options, test) for test in plain}
        lines, faults, broken = [], 0, []
        for test, job in passes.items():
            outcome, _ = job.result()
            progress.tell(test, "passes" if outcome.where is None else "BROKEN")
            if outcome.where is not None:
                broken.append(f"BROKEN without a mutant: {test} at {outcome.where}: {outcome.how}")
        for mutant, job in caught.items():
            outcome, seconds = job.result()
            word = judge(mutant, outcome)
            progress.tell(mutant.name, word)
            faults += word != "caught"
            lines.append(matrix_row(mutant, outcome, word, seconds))
    return lines + broken, faults + len(broken)


def page_fault(options, table):
    """The page has the table of the binary, or gets it."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = page.index("| mutant |"), page.rindex("|\n") + 2
    if page[begin:end] == table.text:
        return None
    if options.write_docs:
        PAGE.write_text(page[:begin] + table.text + page[end:], encoding="utf-8")
        return None
    return f"{PAGE.relative_to(ROOT)} has another table than the program: tests/mutants/matrix.py --write-docs"


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("mutants", nargs="*", metavar="ID")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev", help="where mettle and the test programs are")
    parser.add_argument("--report", type=pathlib.Path, help="also write the matrix there")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write-docs", action="store_true", help="only write the table into docs/internals/mutants.md")
    options = parser.parse_args(argv)
    options.build = options.build.resolve()
    options.binary = str(options.build / "mettle")
    begun = time.monotonic()
    table = Table(options.binary)
    wrong = page_fault(options, table)
    if options.write_docs:
        return 0
    chosen = [mutant for mutant in table.mutants if not options.mutants or mutant.name in options.mutants]
    unknown = set(options.mutants) - {mutant.name for mutant in chosen}
    if unknown:
        print(f"matrix: there is no mutant {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    lines, faults = run_all(options, chosen)
    lines.insert(0, f"{'mutant':<28} {'promise':<46} {'test':<44} {'caught at':<28} {'how':<60} {'time':>7}")
    if wrong:
        lines.append(wrong)
    lines.append(f"mutants: {len(chosen)} planted, {faults} not caught as they must be, "
                 f"{time.monotonic() - begun:.1f} s with {options.jobs} at a time")
    text = "\n".join(lines) + "\n"
    print(text, end="", flush=True)
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(text, encoding="utf-8")
    return 1 if faults or wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
