"""Whether headers compile alone, without the precompiled header: tools/lint.py --headers BUILD_DIR.

A header that leans on what its includer happened to include before breaks in the next file that includes it. Looked at are those
that changed (as for clang-tidy: against the upstream or else the commit before) and those that include one of them; all with
METTLE_TIDY=all, or where git cannot tell.
"""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys


def flags_of(build):
    """The compiler and flags a source of ours is compiled with, without input, output and precompiled header."""
    commands = json.loads((build / "compile_commands.json").read_text("utf-8"))
    entry = next((item for item in commands if "/src/" in item["file"] and item["file"].endswith(".cc")), None)
    if entry is None:
        return None
    words, out, skip = shlex.split(entry["command"]), [], 0
    start = next(i for i, word in enumerate(words) if os.path.basename(word).startswith("clang++"))
    for word in words[start:]:
        if skip:
            skip -= 1
        elif word in ("-o", "-c", "-MF", "-MT", "-MQ"):
            skip = 0 if word == "-c" else 1
        elif word == "-Xclang":
            skip = 1  # its argument; the only ones are about the precompiled header
        elif word == entry["file"] or word in ("-MD", "-MMD", "-fpch-instantiate-templates", "-Winvalid-pch"):
            continue
        else:
            out.append(word)
    return [word for word in out if not word.startswith("-fsanitize")]


def include_dirs(build):
    """Every -I and -isystem of the build: a header may need the libraries of its folder."""
    commands = json.loads((build / "compile_commands.json").read_text("utf-8"))
    found = {}
    for entry in commands:
        if not entry["file"].endswith(".cc"):
            continue  # assembly: for it CMake also names the system's own folders, in an order C++ cannot take
        words = shlex.split(entry["command"])
        for place, word in enumerate(words):
            if word == "-isystem":
                found[("-isystem", words[place + 1])] = None
            elif word.startswith("-I"):
                found[(word,)] = None
    return [word for entry in found for word in entry]


def compile_alone(header, command, build):
    """The compiler's complaint, or None."""
    unit = build / "header_check" / (header.replace("/", "_") + ".cc")
    text = f'#include "{header.split("/", 1)[1]}"\n'
    if not unit.exists() or unit.read_text("utf-8") != text:
        unit.write_text(text, encoding="utf-8")
    done = subprocess.run(command + ["-c", str(unit), "-o", str(unit.with_suffix(".o"))], cwd=build, capture_output=True,
                          text=True, check=False)
    return done.stderr.strip() if done.returncode != 0 else None


def git_lines(root, *words):
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else None


def changed_files(root):
    """What differs from the upstream or, where that is the same, from the commit before; None: it cannot be told."""
    head, upstream = git_lines(root, "rev-parse", "HEAD"), git_lines(root, "rev-parse", "@{upstream}")
    base = upstream if upstream and upstream != head else git_lines(root, "rev-parse", "HEAD~1")
    if not base:
        return None
    return set((git_lines(root, "diff", "--name-only", base[0]) or []) +
               (git_lines(root, "ls-files", "--others", "--exclude-standard") or []))


def affected(root, headers):
    """The headers that changed, and those that include one of them."""
    changed = None if os.environ.get("METTLE_TIDY") == "all" else changed_files(root)
    if changed is None:
        return headers
    named = [f'#include "{name.split("/", 1)[1]}"' for name in headers if name in changed]
    return [name for name in headers
            if name in changed or any(include in (root / name).read_text("utf-8") for include in named)]


def check(root, build):
    build = build.resolve()
    if not (build / "compile_commands.json").is_file():
        print(f"lint: {build}/compile_commands.json does not exist; configure first (make test does)", file=sys.stderr)
        return 1
    flags = flags_of(build)
    if flags is None:
        print("lint: no source of src/ in the build", file=sys.stderr)
        return 1
    # Through ccache, so that a header is compiled again only when something it includes has changed.
    cache = [found] if (found := shutil.which("ccache")) else []
    command = cache + flags + include_dirs(build) + ["-O0", "-g0"]
    (build / "header_check").mkdir(exist_ok=True)
    headers = sorted(path.relative_to(root).as_posix() for folder in ("src", "include") for path in (root / folder).rglob("*.h"))
    headers = affected(root, headers)
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count() or 1))) as pool:
        for header, error in zip(headers, pool.map(lambda name: compile_alone(name, command, build), headers)):
            if error:
                wrong += 1
                print(f"{header}:1: [header-alone] does not compile by itself; it leans on what its includer happened to "
                      f"include before; include what it uses:\n{error[:1500]}", flush=True)
    print(f"lint: {len(headers)} headers, {wrong} do not stand alone", file=sys.stderr)
    return 1 if wrong else 0
