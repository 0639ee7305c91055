#!/usr/bin/env python3
"""The long runs of a release, one after the other: `make soak` builds what they need and calls this.

  tests/chaos/soak.py [--only NAME …] [--skip NAME …] [--seed N] [--list]

Each run is a program of its own that can be called alone; its output goes to build/soak/NAME.log, and with it the command that
replays a failure. Progress and the time that is left go to standard error, the table to standard output. Exit code 0 when all
held, 1 when not. What is not built or not installed is skipped, and the table says so.
"""
import argparse
import pathlib
import random
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = "tests/chaos"
RELEASE, DEV, ASAN, TSAN = (f"build/{preset}/mettle" for preset in ("release", "dev", "asan", "tsan"))
SKIPPED = 77

# (name, about how many seconds on two cores, command); {seed} is the soak's. What a command names under build/ must be there.
RUNS = [
    ("kills", 120, f"{HERE}/kill9.py --binary {RELEASE} --rounds 1500 --window 0.06 --workers 2 --seed {{seed}}"),
    ("fail-points", 80, f"{HERE}/kill9.py --binary {DEV} --rounds 500 --window 0.06 --workers 2 --seed {{seed}}"),
    ("disk", 700, f"{HERE}/disk.py --binary {RELEASE} --rounds 200 --seed {{seed}}"),
    ("clock", 60, f"{HERE}/clock.py --binary {RELEASE} --rounds 180 --seed {{seed}}"),
    ("files", 60, f"{HERE}/files.py --binary {RELEASE} --rounds 40 --seed {{seed}}"),
    ("memory", 90, f"{HERE}/memory.py --binary {RELEASE} --rounds 60 --seed {{seed}}"),
    ("connections", 90, f"{HERE}/connections.py --binary {RELEASE} --rounds 10 --each 1000 --seed {{seed}}"),
    ("two-servers", 30, f"{HERE}/two_servers.py --binary {RELEASE} --rounds 20 --seed {{seed}}"),
    ("restarts", 15, f"{HERE}/restarts.py --binary {RELEASE} --rounds 20 --seed {{seed}}"),
    ("sanitized-asan", 90, f"{HERE}/sanitized.py --binary {ASAN} --seconds 60"),
    ("sanitized-tsan", 90, f"{HERE}/sanitized.py --binary {TSAN} --seconds 60"),
    ("simulation", 300, "build/dev/sim --from {seed} --seeds 50000"),
    ("twins", 300, "build/dev/twins --seed {seed} --requests 100000"),
    ("access", 120, "build/dev/access_check --seed {seed} --cases 100000"),
    ("http-parser", 300, "tests/differential/http_test.py --probe build/dev/http_probe --streams 1000000 --seed {seed}"),
    ("sqlmap", 700, f"tests/proof/sqlmap_test.py --binary {RELEASE} --all"),
    ("silence", 600, f"bench/silence.py --binary {RELEASE}"),
    ("fuzz", 600, "make fuzz SECONDS_EACH=60"),
]
FIGURES = re.compile(r"^\S+: rounds=(\d+) violations=(\d+) seconds=", re.M)


class Run:
    def __init__(self, name, about, command, folder):
        self.name, self.about, self.words, self.log = name, about, shlex.split(command), folder / f"{name}.log"
        self.rounds = self.violations = self.verdict = ""
        self.seconds = 0.0

    def missing(self):
        """What it names and is not there."""
        named = [word for word in self.words if word.startswith(("build/", "tests/"))]
        return next((word for word in named if not (ROOT / word).exists()), None)

    def execute(self, told_left):
        command = ([sys.executable] if self.words[0].endswith(".py") else []) + self.words
        begun = told = time.monotonic()
        with open(self.log, "wb") as sink:
            sink.write(f"{shlex.join(command)}\n".encode())
            sink.flush()
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
            try:
                while process.poll() is None:
                    time.sleep(0.2)
                    if time.monotonic() - told > 30:
                        told = time.monotonic()
                        told_left(told - begun, self.last_line())
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        self.seconds = time.monotonic() - begun
        found = FIGURES.search(self.log.read_text("utf-8", "replace"))
        if found:
            self.rounds, self.violations = found.groups()
        self.verdict = {0: "held", SKIPPED: "skipped: " + self.last_line()}.get(process.returncode, f"FAILED: {self.log}")

    def last_line(self):
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1][:100] if lines else ""


def table(runs):
    lines = [f"{'what':<16} {'rounds':>7} {'violations':>10} {'seconds':>8}  result"]
    lines += [f"{run.name:<16} {run.rounds:>7} {run.violations:>10} {run.seconds:8.0f}  {run.verdict}" for run in runs]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [name for name, _, _ in RUNS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--skip", nargs="+", choices=names, default=[], metavar="NAME")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--list", action="store_true", help="only print the commands")
    options = parser.parse_args()
    folder = ROOT / "build" / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    runs = [Run(name, about, command.format(seed=options.seed), folder) for name, about, command in RUNS
            if name in options.only and name not in options.skip]
    if options.list:
        for run in runs:
            print(f"{run.name:<16} about {run.about:5} s  {shlex.join(run.words)}")
        return 0
    print(f"soak: seed {options.seed}, {len(runs)} runs, about {sum(run.about for run in runs) / 60:.0f} minutes", file=sys.stderr)
    for number, run in enumerate(runs, 1):
        missing = run.missing()
        if missing:
            run.verdict = f"skipped: no {missing}"
            continue
        later = sum(other.about for other in runs[number:])

        def told_left(spent, last, run=run, number=number, later=later):
            left = max(run.about - spent, 0) + later
            print(f"soak: {number} of {len(runs)}, {run.name}: {spent:.0f} s, about {left / 60:.0f} minutes left in all: {last}",
                  file=sys.stderr, flush=True)

        told_left(0.0, "begins")
        run.execute(told_left)
        print(f"soak: {run.name}: {run.verdict} after {run.seconds:.0f} s", file=sys.stderr, flush=True)
    print(table(runs))
    return 1 if any(run.verdict.startswith("FAILED") for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
