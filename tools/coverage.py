#!/usr/bin/env python3
"""Reports which lines and branches of src/ the tests ran, and fails below the bounds of docs/internals/coverage.md.

    tools/coverage.py BUILD_DIR [--profiles DIR] [--report FILE] [--program NAME] [--uncovered PREFIX]

BUILD_DIR is a build of the preset `coverage`; the profiles are what its programs left behind (LLVM_PROFILE_FILE).
It proves two bounds: every branch of the files in EVERY_BRANCH was taken both ways, and at least 85 % of the lines of
every other folder ran. It ends with 1 when one does not hold and says which line, with 2 when there is nothing to read.
Counts that cannot be right are a fault of their own: a profile that was cut short, a count below zero (increments lost).

A branch is a decision in the source: a condition of if, loop, ?:, && and ||, or a case of a switch. The same place seen
by several programs or instances of a template is one branch. Not counted, because they are not decisions of the
program: what is decided while compiling (`if constexpr`); the way past a `switch` without `default`, which the compiler
lets stand only where every value has its case; planted faults (base/mutant.h, which have a matrix of their
own), and what the macros in NOT_DECISIONS hide. TRY is one.
"""
import argparse
import collections
import fnmatch
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEAST_LINES = 85.0
EVERY_BRANCH = ["src/net/http1_parser.*", "src/rules/*", "src/records/cursor.*", "src/records/idempotency.*", "src/features/auth/jwt.*",
                "src/features/auth/key_ring.*", "src/features/oauth/id_token.*"]
WORDS = ["src/rules/parts.*"]  # among them, but only how a rule is shown to people: it decides nothing
BELOW_ZERO = 2**63 - 1  # how llvm-cov writes a difference of two counts that is less than nothing
NOT_PRODUCT = ["*_test.cc", "*_fuzz.cc", "*_bench.cc", "*_fixture.h", "*/fake_*.h"]
# The macro, and why what it hides is not a decision that a test could take both ways.
NOT_DECISIONS = {
    "CHECK": "false is a broken invariant and ends the process",
    "DCHECK": "as CHECK",
    "LOG_DEBUG": "whether a level is on is decided in base/log, tested there",
    "LOG_INFO": "as LOG_DEBUG",
    "LOG_WARN": "as LOG_DEBUG",
    "LOG_ERROR": "as LOG_DEBUG",
    "FAIL_POINT": "made by tests, absent from what users run",
    "FAIL_POINT_VOID": "as FAIL_POINT",
    "CO_FAIL_POINT": "as FAIL_POINT",
}


class Source:
    """The text of a file, to see what stands at a place."""
    texts = {}

    @classmethod
    def line(cls, path, number):
        if path not in cls.texts:
            try:
                cls.texts[path] = (ROOT / path).read_text(encoding="utf-8").split("\n")
            except OSError:
                cls.texts[path] = []
        lines = cls.texts[path]
        return lines[number - 1] if 0 < number <= len(lines) else ""

    @classmethod
    def word(cls, path, line, column):
        return re.match(r"\w*", cls.line(path, line)[column - 1:]).group()

    @classmethod
    def text(cls, path, place):
        first, begin, last, end = place
        if first == last:
            return cls.line(path, first)[begin - 1:end - 1]
        between = [cls.line(path, number) for number in range(first + 1, last)]
        return " ".join([cls.line(path, first)[begin - 1:], *between, cls.line(path, last)[:end - 1]])


def fail(message):
    print(f"coverage: {message}", file=sys.stderr)
    sys.exit(2)


def programs(build, only):
    found = [path for path in sorted(build.iterdir())
             if path.is_file() and not path.suffix and os.access(path, os.X_OK) and (not only or path.name in only)]
    if not found:
        fail(f"no programs in {build}; build the preset coverage first: tools/build.sh coverage")
    return found


def merge(raw, merged):
    done = subprocess.run(["llvm-profdata-19", "merge", "-sparse", "-o", merged, *raw],
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        fail("profiles that cannot be read, so what the tests ran that share them is lost; the program that was writing "
             f"one was killed, or the disk is full. Run the tests again.\n{done.stderr.rstrip()}")


def export(build, profiles, only):
    """What llvm-cov knows, as JSON."""
    raw = sorted(profiles.glob("*.profraw"))
    if not raw:
        fail(f"no *.profraw in {profiles}; run the tests with LLVM_PROFILE_FILE={profiles}/%4m.profraw")
    with tempfile.TemporaryDirectory() as folder:
        merged = pathlib.Path(folder) / "all.profdata"
        merge(raw, merged)
        objects = [word for path in programs(build, only) for word in ("-object", str(path))]
        command = ["llvm-cov-19", "export", f"-instr-profile={merged}", "-skip-expansions", *objects]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        fail(done.stderr.decode())
    return json.loads(done.stdout)["data"][0]


def product_path(name):
    """The path below the root, or None for what is not the product's own source."""
    try:
        path = pathlib.Path(name).resolve().relative_to(ROOT).as_posix()
    except ValueError:
        return None
    if not path.startswith(("src/", "include/")) or any(fnmatch.fnmatch(path, form) for form in NOT_PRODUCT):
        return None
    return path


def branches_of(functions):
    """{path: {place: [times true, times false]}}; a place inside a macro is where the macro is used, and its place in it."""
    found = collections.defaultdict(dict)
    for function in functions:
        paths = [product_path(name) for name in function["filenames"]]
        uses = {region[6]: region for region in function["regions"] if region[7] == 1}  # where an expansion stands
        for branch in function["branches"]:
            place, file = tuple(branch[:4]), branch[6]
            inner = place
            while file in uses:
                place, file = tuple(uses[file][:4]), uses[file][5]
            path = paths[file]
            if path is None or Source.word(path, place[0], place[1]) in NOT_DECISIONS:
                continue
            counts = found[path].setdefault((place, inner), [0, 0])
            counts[0] += branch[4]
            counts[1] += branch[5]
    for path, places in found.items():
        for key in [key for key in places if is_no_decision(path, key[0])]:
            del places[key]
    return found


def below_zero(functions):
    """The places whose count is less than nothing. The way a condition is not taken has no counter: it is how often the
    condition was asked less how often it held, so that lost increments show here, or as a branch that looks untaken."""
    found = set()
    for function in functions:
        counted = [(region, region[4:5], region[5]) for region in function["regions"]]
        counted += [(branch, branch[4:6], branch[6]) for branch in function["branches"]]
        for place, counts, file in counted:
            path = product_path(function["filenames"][file])
            if path is not None and BELOW_ZERO in counts:
                found.add((path, place[0], place[1]))
    return sorted(found)


def leads_to_check_only(path, number):
    """Whether a case stands there, and behind its labels CHECK(false)."""
    label = re.compile(r"\s*(case \S+|default):")
    if not label.match(Source.line(path, number)):
        return False
    while label.fullmatch(Source.line(path, number)):
        number += 1
    return re.match(r"\s*(default:\s*)?CHECK\(false\)", Source.line(path, number)) is not None


def is_no_decision(path, place):
    line = Source.line(path, place[0])
    return ("if constexpr" in line or leads_to_check_only(path, place[0]) or line[:place[1] - 1].endswith("switch (")
            or "planted(" in Source.text(path, place))


class Folder:
    def __init__(self):
        self.lines, self.functions, self.branches = [0, 0], [0, 0], [0, 0]  # [run, all]


def add(pair, run, total):
    pair[0] += run
    pair[1] += total


def percent(pair):
    return 100.0 if pair[1] == 0 else 100.0 * pair[0] / pair[1]


def show(pair):
    return f"{percent(pair):6.1f} % of {pair[1]:5d}"


def tell(name, folder):
    return f"{name:<30} {show(folder.lines)}   {show(folder.branches)}   {show(folder.functions)}"


def of_forms(path, forms):
    return any(fnmatch.fnmatch(path, form) for form in forms)


def measure(data):
    """The folder's sums, the sums of the files of EVERY_BRANCH, and all branches."""
    branches = branches_of(data["functions"])
    folders, files = collections.defaultdict(Folder), collections.defaultdict(Folder)
    for file in data["files"]:
        path = product_path(file["filename"])
        if path is None:
            continue
        targets = [folders[path.rpartition("/")[0]]]
        if of_forms(path, EVERY_BRANCH) and not of_forms(path, WORDS):
            targets.append(files[path])
        taken = sum((counts[0] > 0) + (counts[1] > 0) for counts in branches[path].values())
        for target in targets:
            add(target.lines, file["summary"]["lines"]["covered"], file["summary"]["lines"]["count"])
            add(target.functions, file["summary"]["functions"]["covered"], file["summary"]["functions"]["count"])
            add(target.branches, taken, 2 * len(branches[path]))
    return folders, files, branches


def untaken(path, branches):
    """One line for each branch that was not taken both ways."""
    for (place, inner), counts in sorted(branches[path].items()):
        if all(counts):
            continue
        text = re.sub(r"\s+", " ", Source.text(path, place))
        which = "never reached" if not any(counts) else "never true" if counts[0] == 0 else "never false"
        macro = "" if inner == place else " (in the macro)"
        yield f"  {path}:{place[0]}:{place[1]} {which}{macro}: {text[:70]}"


def report(data):
    """The text to show, and what does not hold."""
    folders, files, branches = measure(data)
    head = f"{'':<30} {'lines':>16}   {'branches':>16}   {'functions':>16}"
    text, faults = ["Coverage (docs/internals/coverage.md)", "", head], []
    total = Folder()
    for name, folder in sorted(folders.items()):
        text.append(tell(name, folder))
        for pair, more in ((total.lines, folder.lines), (total.branches, folder.branches),
                           (total.functions, folder.functions)):
            add(pair, *more)
        if name.startswith("src") and percent(folder.lines) < LEAST_LINES:
            faults.append(f"{name}: {percent(folder.lines):.1f} % of its lines ran; at least {LEAST_LINES:g} % must")
    text += [tell("all", total), "", f"{'every branch must be taken':<30}"]
    for path, file in sorted(files.items()):
        text.append(tell("  " + path.removeprefix("src/"), file))
        missing = list(untaken(path, branches))
        if missing:
            faults.append(f"{path}: {file.branches[1] - file.branches[0]} branches were not taken:")
            faults += missing
    for form in EVERY_BRANCH:
        if not fnmatch.filter(files, form):
            faults.append(f"{form} names no file that a program was made of")
    lost = [f"  {path}:{line}:{column}" for path, line, column in below_zero(data["functions"])]
    if lost:
        faults[:0] = [f"{len(lost)} counts are below zero: increments were lost, and what is called untaken here may have "
                      "been taken (docs/internals/coverage.md):", *lost]
    text += ["", *(faults or ["All bounds hold."])]
    return "\n".join(text) + "\n", faults, branches, data


def lines_not_run(data, prefix):
    """path:line of code that did not run, a run of lines at a time."""
    for file in data["files"]:
        path = product_path(file["filename"])
        if path is None or not path.startswith(prefix):
            continue
        begun = None
        for line, _, count, has_count, *_ in file["segments"]:
            if has_count and count == 0 and begun is None:
                begun = line
            elif begun is not None and (count > 0 or not has_count):
                yield f"{path}:{begun}-{line}"
                begun = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--profiles", type=pathlib.Path, help="folder of *.profraw (BUILD/profiles)")
    parser.add_argument("--report", type=pathlib.Path, help="also write the report here")
    parser.add_argument("--program", action="append", help="look at this program alone; may be repeated")
    parser.add_argument("--uncovered", metavar="PREFIX", help="list the lines and branches below it that did not run")
    options = parser.parse_args()
    data = export(options.build, options.profiles or options.build / "profiles", options.program)
    text, faults, branches, _ = report(data)
    if options.uncovered:
        for line in lines_not_run(data, options.uncovered):
            print(line)
        for path in sorted(branches):
            if path.startswith(options.uncovered):
                print(*untaken(path, branches), sep="\n")
        return 0
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(text, encoding="utf-8")
    print(text, end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
