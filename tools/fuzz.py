#!/usr/bin/env python3
"""Fuzzing: what the readers of strangers' bytes promise holds for any bytes (docs/internals/fuzzing.md).

  fuzz.py replay BUILD TARGET          each file of the corpus once: what was found before stays mended (ctest)
  fuzz.py run BUILD TARGET [--seconds 10] [--report FILE]
                                       the same, then new inputs for so long; a line of the table into FILE (ctest)
  fuzz.py all BUILD [--seconds 60] [TARGET…]
                                       each target in turn with progress, a table at the end; inputs that reach new
                                       code stay in build/fuzz/corpus (make fuzz)
  fuzz.py keep BUILD TARGET [FOLDER…]  makes tests/fuzz/TARGET anew: the fewest of its files, of build/fuzz/corpus/TARGET
                                       and of the folders, that reach what all of them reach

BUILD is a build folder with the libFuzzer programs TARGET_fuzz. `run` has a fixed seed unless told otherwise, so that a
change that is innocent is not the one that meets a fault; `all` has another seed each time. What is found is kept in
build/fuzz/found, and printed with the command that repeats it.
"""

import argparse
import base64
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPORA = ROOT / "tests" / "fuzz"
FILES_MAX, BYTES_MAX = 200, 300 << 10  # of one target's corpus in the repository
FILE_BYTES_MAX = 8 << 10
STATE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/(\S+).* exec/s: (\d+) rss: (\d+)Mb")
COLUMNS = (("target", -14), ("inputs/s", 9), ("edges", 7), ("features", 9), ("corpus", 7), ("new", 6), ("s", 6), ("MiB", 6))


def program(build, target):
    path = pathlib.Path(build).resolve() / f"{target}_fuzz"
    if not path.is_file():
        sys.exit(f"fuzz: there is no {path}; build it: tools/build.sh asan {target}_fuzz")
    return path


def environment():
    """The sanitizers look for leaks and print where; a small quarantine keeps the processor's caches of use."""
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=1:quarantine_size_mb=32"
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.setdefault("ASAN_SYMBOLIZER_PATH", "/usr/bin/llvm-symbolizer-19")
    return env


def command(build, target, *options):
    """Five seconds for one input is a hang; a gigabyte is a leak."""
    found = ROOT / "build" / "fuzz" / "found"
    found.mkdir(parents=True, exist_ok=True)
    out = [str(program(build, target)), "-timeout=5", "-rss_limit_mb=1024", f"-artifact_prefix={found}/{target}-"]
    dictionary = CORPORA / f"{target}.dict"
    if dictionary.is_file():
        out.append(f"-dict={dictionary}")
    return out + [str(option) for option in options]


def corpus(target):
    folder = CORPORA / target
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if not files:
        sys.exit(f"fuzz: {folder} holds no corpus")
    return folder, files


def tell_found(build, target, log):
    """What was found, where it is kept and how it is repeated."""
    print("\n".join(log[-80:]))
    for line in log:
        if "Test unit written to " in line:
            path = pathlib.Path(line.rsplit(" ", 1)[-1])
            print(f"fuzz: {target} failed. The input is kept; repeat it with\n  {program(build, target)} {path}")
            if path.stat().st_size <= 4096:
                print(f"or elsewhere\n  base64 -d <<<{base64.b64encode(path.read_bytes()).decode()} >input")
    print(f"Mended, it becomes a unit test and a file of {CORPORA.relative_to(ROOT)}/{target}.")


def replay(build, target):
    folder, files = corpus(target)
    size = sum(file.stat().st_size for file in files)
    if len(files) > FILES_MAX or size > BYTES_MAX:
        sys.exit(f"fuzz: {folder} holds {len(files)} files of {size} bytes; at most {FILES_MAX} of {BYTES_MAX}: fuzz.py keep")
    done = subprocess.run(command(build, target, "-runs=0", folder), env=environment(), capture_output=True,
                          text=True, errors="replace")
    if done.returncode != 0:
        tell_found(build, target, done.stderr.splitlines())
        return 1
    print(f"fuzz: {target}: {len(files)} files of {size} bytes hold")
    return 0


def fuzz(build, target, seconds, seed, grown, progress=None):
    """Returns the row of the table and the log; the row's "failed" says whether something was found."""
    folder, files = corpus(target)
    begun = time.monotonic()
    log, state = [], None
    with subprocess.Popen(command(build, target, f"-max_total_time={seconds}", f"-seed={seed}", grown, folder),
                          env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          errors="replace") as child:
        for line in child.stderr:
            log.append(line.rstrip("\n"))
            found = STATE.search(line)
            if found:
                state = found
                if progress:
                    progress(time.monotonic() - begun, found)
    row = {"target": target, "s": round(time.monotonic() - begun), "corpus": len(files), "failed": child.returncode != 0}
    if state:
        edges, features, _, _, rate, memory = state.groups()
        row |= {"edges": edges, "features": features, "inputs/s": rate, "MiB": memory}
    row["new"] = sum(1 for _ in pathlib.Path(grown).iterdir())
    return row, log


def table(rows):
    def line(cells):
        return "  ".join(f"{cell:<{-width}}" if width < 0 else f"{cell:>{width}}"
                         for (_, width), cell in zip(COLUMNS, cells)).rstrip()
    lines = ["Fuzzing: inputs a second, edges and features reached, files of the corpus and those that add to it",
             line([name for name, _ in COLUMNS])]
    for row in sorted(rows, key=lambda one: one["target"]):
        lines.append(line([row.get(name, "-") for name, _ in COLUMNS]) + ("  FOUND A FAULT" if row["failed"] else ""))
    return "\n".join(lines) + "\n"


def add_to_report(path, row):
    """Tests run side by side and each knows its own row alone, so the rows are kept beside the table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_suffix(".rows"), "a+") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        kept.write(json.dumps(row) + "\n")
        kept.seek(0)
        rows = {one["target"]: one for one in map(json.loads, kept)}
        path.write_text(table(rows.values()))


def run(build, target, seconds, seed, report):
    with tempfile.TemporaryDirectory(prefix="mettle-fuzz-") as grown:
        row, log = fuzz(build, target, seconds, seed, grown)
    if report:
        add_to_report(report, row)
    if row["failed"]:
        print(f"fuzz: seed {seed}")
        tell_found(build, target, log)
        return 1
    print(table([row]), end="")
    return 0


def run_all(build, targets, seconds, seed):
    rows = []
    for number, target in enumerate(targets, 1):
        grown = ROOT / "build" / "fuzz" / "corpus" / target
        grown.mkdir(parents=True, exist_ok=True)

        def progress(passed, state):
            print(f"\rfuzz: {number}/{len(targets)} {target:<14} {min(passed, seconds):4.0f}/{seconds} s  {state[5]:>6} inputs/s  "
                  f"{state[1]} edges  {state[2]} features ", end="", file=sys.stderr, flush=True)

        row, log = fuzz(build, target, seconds, seed, grown, progress)
        print(file=sys.stderr)
        rows.append(row)
        if row["failed"]:
            tell_found(build, target, log)
    print(table(rows), end="")
    return 1 if any(row["failed"] for row in rows) else 0


def measure(build, target, folder):
    """What each file of the folder reaches: {file: (edges, features)}."""
    with tempfile.TemporaryDirectory(prefix="mettle-fuzz-") as scratch:
        control = pathlib.Path(scratch) / "control"
        (pathlib.Path(scratch) / "out").mkdir()
        subprocess.run(command(build, target, "-merge=1", f"-merge_control_file={control}", f"{scratch}/out", folder),
                       env=environment(), check=True, stderr=subprocess.DEVNULL)
        lines = control.read_text().splitlines()
    count = int(lines[0])
    files = [pathlib.Path(line) for line in lines[2:2 + count]]
    reached = {file: (set(), set()) for file in files}
    for line in lines[2 + count:]:
        kind, number, *values = line.split()
        if kind in ("COV", "FT"):
            reached[files[int(number)]][kind == "FT"].update(values)
    return reached


def keep(build, target, folders):
    """First what reaches an edge that no other does, then what reaches features (edges so many times), while there is room."""
    with tempfile.TemporaryDirectory(prefix="mettle-fuzz-") as scratch:
        for folder in [CORPORA / target, ROOT / "build" / "fuzz" / "corpus" / target, *map(pathlib.Path, folders)]:
            for file in folder.iterdir() if folder.is_dir() else []:
                if file.stat().st_size <= FILE_BYTES_MAX:
                    shutil.copy(file, pathlib.Path(scratch) / file.name)
        reached = measure(build, target, scratch)
        chosen, size = [], 0
        for which in (0, 1):
            missing = set().union(*(sets[which] for sets in reached.values())) - set().union(
                *(reached[file][which] for file in chosen))
            while missing and len(chosen) < FILES_MAX:
                # Per byte, so that small files are chosen, which a person can read.
                best = max(reached, key=lambda file: len(reached[file][which] & missing) / (64 + file.stat().st_size))
                gain = reached[best][which] & missing
                if not gain or size + best.stat().st_size > BYTES_MAX:
                    break
                missing -= gain
                chosen.append(best)
                size += best.stat().st_size
        folder = CORPORA / target
        named = sorted(folder.glob("found-*")) if folder.is_dir() else []  # faults that were mended stay, by name
        texts = {file.read_bytes() for file in chosen}
        kept = {file.name: file.read_bytes() for file in named}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in kept.items():
            (folder / name).write_bytes(text)
        for number, text in enumerate(sorted(texts - set(kept.values()), key=lambda text: (len(text), text))[:FILES_MAX - len(kept)]):
            (folder / f"{number:03}").write_bytes(text)
    print(f"fuzz: {target}: {len(reached)} inputs, {len(chosen)} of {size} bytes kept")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("replay", "run", "all", "keep"))
    parser.add_argument("build")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--report", type=pathlib.Path)
    arguments = parser.parse_args()
    build, rest = arguments.build, arguments.rest
    if arguments.what == "all":
        targets = rest or sorted(path.name for path in CORPORA.iterdir() if path.is_dir())
        seed = arguments.seed or int(time.time()) & 0x7FFFFFFF
        print(f"fuzz: seed {seed}", file=sys.stderr)
        return run_all(build, targets, arguments.seconds or 60, seed)
    if not rest:
        parser.error("which target?")
    if arguments.what == "replay":
        return replay(build, rest[0])
    if arguments.what == "keep":
        return keep(build, rest[0], rest[1:])
    return run(build, rest[0], arguments.seconds or 10, arguments.seed or 1, arguments.report)


if __name__ == "__main__":
    sys.exit(main())
