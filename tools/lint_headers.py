"""Whether each header compiles alone, without the precompiled header: tools/lint.py --headers BUILD_DIR.

A header that leans on what its includer happened to include before breaks in the next file that includes it. Results are
kept in BUILD_DIR/header_check.json by the content of everything the header includes, so that only what changed is compiled.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile


def flags_of(build):
    """The compiler and flags a source of ours is compiled with, without input, output and precompiled header."""
    commands = json.loads((build / "compile_commands.json").read_text("utf-8"))
    entry = next((item for item in commands if "/src/" in item["file"] and item["file"].endswith(".cc")), None)
    if entry is None:
        return None
    words, out, skip = shlex.split(entry["command"]), [], 0
    start = next(i for i, word in enumerate(words) if os.path.basename(word).startswith("clang++"))
    for place, word in enumerate(words[start:], start):
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
    return [word for word in out if not word.startswith("-fsanitize")], entry["directory"]


def include_dirs(build):
    """Every -I and -isystem of the build: a header may need the libraries of its folder."""
    commands = json.loads((build / "compile_commands.json").read_text("utf-8"))
    found = {}
    for entry in commands:
        words = shlex.split(entry["command"])
        for place, word in enumerate(words):
            if word == "-isystem":
                found[("-isystem", words[place + 1])] = None
            elif word.startswith("-I"):
                found[(word,)] = None
    return [word for entry in found for word in entry]


def digest(paths):
    whole = hashlib.sha256()
    for path in paths:
        try:
            whole.update(pathlib.Path(path).read_bytes())
        except OSError:
            return None
    return whole.hexdigest()


def compile_alone(root, header, command, directory):
    """(error text or None, files it read)."""
    name = header.split("/", 1)[1]
    with tempfile.TemporaryDirectory() as scratch:
        unit, deps = pathlib.Path(scratch) / "alone.cc", pathlib.Path(scratch) / "deps"
        unit.write_text(f'#include "{name}"\n', encoding="utf-8")
        done = subprocess.run(command + ["-fsyntax-only", "-MD", "-MF", str(deps), str(unit)], cwd=directory,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stderr.strip(), []
        read = deps.read_text("utf-8").replace("\\\n", " ").split(":", 1)[1].split()
        return None, sorted(path for path in read if str(root) in os.path.abspath(os.path.join(directory, path)))


def check(root, build):
    if not (build / "compile_commands.json").is_file():
        print(f"lint: {build}/compile_commands.json does not exist; configure first (make test does)", file=sys.stderr)
        return 1
    found = flags_of(build)
    if found is None:
        print("lint: no source of src/ in the build", file=sys.stderr)
        return 1
    flags, directory = found
    command = flags + include_dirs(build) + ["-Wno-pragma-once-outside-header", "-Wno-unused-const-variable"]
    cache_path, key = build / "header_check.json", hashlib.sha256(shlex.join(command).encode()).hexdigest()
    try:
        cache = json.loads(cache_path.read_text("utf-8"))
    except (OSError, ValueError):
        cache = {}
    if cache.get("command") != key:
        cache = {"command": key, "headers": {}}
    headers = sorted(path.relative_to(root).as_posix() for folder in ("src", "include") for path in (root / folder).rglob("*.h"))
    fresh = [header for header in headers if not still_good(cache["headers"].get(header))]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count() or 1))) as pool:
        for header, (error, read) in zip(fresh, pool.map(lambda name: compile_alone(root, name, command, directory), fresh)):
            if error:
                wrong += 1
                cache["headers"].pop(header, None)
                print(f"{header}:1: [header-alone] does not compile by itself; it leans on what its includer happened to "
                      f"include before; include what it uses:\n{error[:1500]}")
            else:
                paths = [os.path.abspath(os.path.join(directory, path)) for path in read] or [str(root / header)]
                if str(root / header) not in paths:
                    paths.append(str(root / header))
                cache["headers"][header] = {"files": paths, "digest": digest(paths)}
    cache_path.write_text(json.dumps(cache), encoding="utf-8")
    print(f"lint: {len(headers)} headers, {len(fresh)} compiled, {wrong} do not stand alone", file=sys.stderr)
    return 1 if wrong else 0


def still_good(entry):
    return entry is not None and digest(entry["files"]) == entry["digest"]
