#!/usr/bin/env python3
"""Checks the rules of STYLE.md that a compiler does not check: layers, sizes, banned calls, coroutine traps, names.

  tools/lint.py [ROOT]              all rules but the slow one
  tools/lint.py --headers BUILD_DIR each header compiles alone, with the flags of BUILD_DIR/compile_commands.json
  tools/lint.py --rules             list the rules

Prints `file:line: [rule] what is wrong; why; what to do instead` and ends with 1 when there is a finding. One line may be
excused by `// lint: allow RULE because REASON` on it or on the line above; the reason is read in review.
"""
import bisect
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE_FOLDERS = ("src", "include", "examples", "tests", "bench")
SKIPPED_FOLDERS = {"build", "node_modules", ".git", "__pycache__", ".vscode"}
LAYERS = {"base": 0, "async": 1, "net": 2, "db": 2, "model": 3, "rules": 3, "records": 4, "engine": 5, "features": 6,
          "app": 7}
# Beside the layers: who may include what.
BESIDE = {"prove": {"base", "async", "net"}, "sim": set(LAYERS) - {"app"}}
FUNCTION_LINES, SOURCE_LINES, HEADER_LINES, LINE_COLUMNS = 70, 800, 200, 100

# Third-party headers: (start of the include, where it may be named). Why each library: docs/dependencies.md.
THIRD_PARTY = [
    ("simdjson", ("src/base/",)),
    ("yaml-cpp/", ("src/model/yaml_read.cc",)),
    ("sqlite3.h", ("src/db/sqlite/", "tests/sim/vfs.cc")),
    ("openssl/", ("src/base/crypto.cc", "src/base/signing_key.cc", "src/base/verifying_key.cc", "src/net/tls.cc")),
    ("spdlog/", ("src/base/log.cc",)),
    ("fmt/", ("src/", "examples/", "bench/", "tests/")),
    ("curl/", ("src/net/curl_loop.", "src/net/http_transport.cc", "src/net/smtp_client.cc")),
    ("re2/", ("src/base/pattern.cc",)),
    ("zlib.h", ("src/net/compress.cc",)),
    ("brotli/", ("src/net/compress.cc",)),
    ("qrencode.h", ("src/base/qr_code.cc",)),
    ("boost/asio", ("src/async/", "src/net/", "src/db/postgres/")),
    ("boost/", ()),
    ("CLI/", ("src/app/",)),
    ("nghttp2/", ("src/net/http2_session.cc",)),
    ("wslay/", ("src/net/websocket.cc",)),
    ("libpq", ("src/db/postgres/",)),
    ("date/", ("src/base/",)),
    ("benchmark/", ("bench/",)),
]
SYSTEM_HEADERS = ("sys/", "netinet/", "arpa/", "linux/", "net/if", "sanitizer/")

SEAMS = ("src/base/seams", "src/base/system_seams")
# (rule, pattern in code without comments and strings, where it is allowed, message). _test.cc and _bench.cc files may use
# what the last member allows.
BANNED = [
    ("clock", r"\b(?:system_clock|steady_clock|high_resolution_clock|utc_clock|file_clock)::now\b|\bclock_gettime\s*\(|"
     r"\bgettimeofday\s*\(|(?<![\w.>])(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0|&\w+)\s*\)", SEAMS, False,
     "reads the machine's clock; time enters only through Seams::clock, so that a test or the simulator can hold it; "
     "take ctx.seams().clock"),
    ("random", r"\bstd::(?:mt19937|minstd_rand|default_random_engine)", SEAMS, True,
     "makes its own randomness; it enters only through Seams::random, so that a run can be repeated; take ctx.seams().random"),
    ("random", r"\bstd::random_device\b|(?<![\w.>:])s?rand\s*\(|\bgetrandom\s*\(|\barc4random", SEAMS, False,
     "makes its own randomness; it enters only through Seams::random, so that a run can be repeated; take ctx.seams().random"),
    ("sleep", r"\bthis_thread::sleep_(?:for|until)\b|(?<![\w.>:])(?:::)?(?:u|nano)?sleep\s*\(", ("src/base/failpoint.cc",), False,
     "blocks a thread on time; a core thread must never block and a test must never wait; use the timer wheel (async) or, in "
     "a test, a held clock"),
    ("environment", r"\b(?:std::|::)?(?:secure_)?getenv\s*\(", ("src/app/", "src/main.cc", "src/model/", "src/base/failpoint.cc", "src/base/log.cc"), False,
     "reads the environment; configuration enters at the top (app) and in the app file's ${…} (model), so that `mettle "
     "config` shows all of it; pass the value in"),
    ("output", r"\bstd::(?:cout|cerr|clog)\b|(?<![\w.>:])(?:std::|fmt::)?f?printf\s*\(|\bfmt::print\b|"
     r"(?<![\w.>:])(?:std::)?puts\s*\(", ("src/app/", "src/main.cc", "src/base/log", "src/base/check", "examples/", "bench/"), True,
     "writes to the terminal; machine output belongs to the commands in app, all else to the log; return a value or use LOG_*"),
    ("regex", r"\bstd::w?regex\b|#\s*include\s*<regex>", (), False,
     "std::regex backtracks without bound and compiles slowly; patterns may come from a user; use base/pattern.h (RE2)"),
    ("exit", r"(?<![\w.>:])(?:std::|::)?(?:_exit|_Exit|exit|quick_exit)\s*\(", ("src/app/", "src/main.cc") + SEAMS, True,
     "ends the process; only the command line (app) and Seams::process may, so that shutdown stays ordered; return an Error"),
    ("abort", r"(?<![\w>])(?:std)?::(?:abort|terminate)\s*\(\s*\)", ("src/base/check",) + SEAMS, False,
     "aborts without saying why; CHECK prints the broken invariant; use CHECK, or return an Error"),
    ("raw-memory", r"(?<!operator )\bnew\s+[A-Za-z_:]|\bdelete\s*\[\s*\]|(?<![=\w] )(?<!=)(?<!operator )\bdelete\s+[A-Za-z_*(]",
     ("src/async/", "src/db/sqlite/functions.cc"), False,
     "owns memory by hand and leaks on an early return; use std::make_unique or a container"),
    ("spawn", r"\bco_spawn\b|\basio::detached\b", ("src/async/scope.cc",), False,
     "starts a coroutine that nobody joins or cancels; background work is structured; use Scope::spawn (async/scope.h)"),
    ("throw", r"\bthrow\b(?!\s*\(\s*\))", ("src/model/yaml_read.cc",), True,
     "throws; errors are values on the data plane (a throw hides control flow in coroutines); return fail(Code, …)"),
    ("thread", r"\bstd::(?:jthread|thread)\s*(?:\w+\s*)?[({]|\bstd::async\s*\(|\bpthread_create\b", ("src/async/", "src/db/sqlite/", "src/app/",
     "src/net/curl_loop.cc", "src/base/log"), True,
     "starts a thread; threads belong to async and to the store's writer, so that stopping joins all of them; use the "
     "blocking pool or a Scope"),
]
BAD_NAMES = {"util", "utils", "utility", "common", "helper", "helpers", "manager", "impl", "misc", "stuff"}
ISSUE = re.compile(r"\b(?:TODO|FIXME|HACK|XXX)\b(?!\(#\d+\))")
# Names of the place where this was written do not belong in it: paths of a machine, hosts of package registries.
STRAY = re.compile(r"(?:^|[\s\"'`=(])/work(?:/|\b)|\bregistry\.[\w-]+\.(?:org|com)\b|\bdeb\.[\w-]+\.org\b")


class Source:
    """A C++ file: its text, and the same with comments and literals blanked, so that places stay."""

    def __init__(self, path, text):
        self.path, self.text, self.lines = path, text, text.split("\n")
        self.code = blank(text)
        self.starts = [0]
        for line in self.lines[:-1]:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def line_of(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def is_test(self):
        return self.path.endswith(("_test.cc", "_bench.cc", "_fuzz.cc")) or self.path.startswith("tests/")


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """Comments and literals as spaces; a literal keeps its quotes. Include lines keep their names."""
    def spaces(found):
        part = found.group()
        if part.startswith('"'):
            line_start = text.rfind("\n", 0, found.start()) + 1
            if re.match(r"\s*#\s*include", text[line_start:found.start()]):
                return part
            return '"' + " " * (len(part) - 2) + '"'
        return re.sub(r"[^\n]", " ", part)
    return TOKEN.sub(spaces, text)


def closing(code, at):
    """Where the brace or parenthesis at `at` closes; the end of the text if nowhere."""
    pairs = {"{": "}", "(": ")", "[": "]"}
    opener, depth = code[at], 0
    for found in re.compile(r"[%s%s]" % tuple(map(re.escape, (opener, pairs[opener])))).finditer(code, at):
        depth += 1 if found.group() == opener else -1
        if depth == 0:
            return found.start()
    return len(code)


def includes(source):
    """(line, name, is_system) of each include."""
    for number, line in enumerate(source.lines, 1):
        found = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if found:
            yield number, found.group(1) or found.group(2), found.group(2) is not None


def folder_of(path):
    """The layer of a file under src/, "" for others."""
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else ""


def check_layers(source, tree):
    own = folder_of(source.path)
    for line, name, is_system in includes(source):
        target = name.split("/")[0]
        if is_system or target not in LAYERS and target not in BESIDE:
            continue
        wrong = layer_fault(source, own, target, name, tree)
        if wrong:
            yield line, "layer", wrong


def layer_fault(source, own, target, name, tree):
    if source.path.startswith("include/"):
        return f"a public header includes {name}; users have only include/mettle; use standard types"
    if not own:
        return None
    if own in BESIDE:
        if target != own and target not in BESIDE[own]:
            return f"{own}/ includes {name}; it may use {', '.join(sorted(BESIDE[own]))} only"
        return None
    if target in BESIDE and own != "app":
        return f"{own}/ includes {name}; {target}/ stands beside the layers and is used by app alone"
    if own == "features" and target == "features":
        return feature_fault(source.path, name, tree)
    if own == target or own == "rules" and target == "model":
        return None
    if own == "rules" and target == "db" and name not in ("db/db.h", "db/dialect.h") and not source.is_test():
        return f"rules/ includes {name}; rules render SQL for a dialect and know no engine; include db/dialect.h or db/db.h"
    if own == "rules" and target == "net":
        return f"rules/ includes {name}; a rule knows no wire; pass what it needs as values"
    if target in LAYERS and own in LAYERS and LAYERS[target] >= LAYERS[own]:
        return (f"{own}/ includes {name}, which is not below it (base < async < net, db < model, rules < records < engine < "
                "features < app); a lower part that knows a higher one cannot be tested or replaced alone; move the shared "
                "type down, or let the higher part pass in an interface")
    if name.startswith("db/sqlite/") and own not in ("db", "app") and not source.is_test() and \
            not pathlib.PurePath(source.path).name.startswith("sqlite_"):
        return (f"{own}/ includes {name}; only app chooses the engine and sqlite_* files know it; all else uses db/db.h, so "
                "that both engines serve it")
    return None


def feature_fault(path, name, tree):
    mine, parts = path.split("/")[2], name.split("/")
    other = parts[1] if len(parts) > 1 else ""
    if other == mine:
        return None
    if name != f"features/{other}/{other}.h":
        return (f"features/{mine} includes {name}; a feature shows others one header, features/{other}/{other}.h; include that, "
                "or move what both need down to engine/")
    if other not in tree.feature_deps().get(mine, ()):
        return (f"features/{mine} includes features/{other} without saying so; add `{mine}: {other}` to tools/feature_deps.txt "
                "if the dependency is meant (it must stay acyclic), or talk through the change feed")
    return None


def check_third_party(source, _tree):
    for line, name, is_system in includes(source):
        if name.startswith(("gtest/", "gmock/")):
            if not source.is_test() and not pathlib.PurePath(source.path).stem.endswith(("_test", "_fixture")):
                yield line, "third-party", f"{name} outside a test; only *_test.cc files and *_fixture.h link GoogleTest"
            continue
        for start, places in THIRD_PARTY:
            if name.startswith(start):
                # A test may check our interface with the library itself.
                beside = re.sub(r"_test\.cc$", ".cc", source.path)
                if not source.path.startswith(places) and not beside.startswith(places):
                    where = ", ".join(places) or "nowhere"
                    yield line, "third-party", (f"{name} is named outside its one place ({where}); a library named once can be "
                                                "replaced and costs its compile time once; use our interface to it")
                break
        else:
            if is_system and "/" in name and not name.startswith(SYSTEM_HEADERS + ("mettle/",)):
                yield line, "third-party", (f"unknown library header <{name}>; add it to THIRD_PARTY in tools/lint.py with its "
                                            "one place, and to docs/dependencies.md with its reason")


def check_sizes(source, _tree):
    limit = HEADER_LINES if source.path.endswith(".h") else SOURCE_LINES
    count = len(source.lines) - (source.lines[-1] == "")
    if count > limit:
        yield limit, "file-size", (f"{count} lines, at most {limit}; a file is read whole; move one responsibility to a file of "
                                   "its own")
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_COLUMNS and "://" not in line:
            yield number, "line-length", f"{len(line)} columns, at most {LINE_COLUMNS}; run make format, or break the text"
    for start, end, name in functions(source):
        if end - start + 1 > FUNCTION_LINES:
            yield start, "function-size", (f"{name} has {end - start + 1} lines, at most {FUNCTION_LINES}; what does not fit a "
                                           "screen is not checked by eye; name its steps as functions")


CONTAINER = re.compile(r"\b(?:namespace|class|struct|union|enum|extern)\b")


def functions(source):
    """(first line, last line, name) of each function body outside other functions; best effort, without a parser."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda found: re.sub(r"[^\n]", " ", found.group()), source.code, flags=re.M)
    at, head_start = 0, 0
    delimiter = re.compile(r"[;{}]")
    while True:
        found = delimiter.search(code, at)
        if not found:
            return
        at = found.end()
        if found.group() != "{":
            head_start = at
            continue
        head = strip_templates(code[head_start:found.start()])
        stripped = head.strip()
        if is_function_head(stripped):
            end = closing(code, found.start())
            # An initializer list may hold braces: `: a_{1}, b_(2) {`; the body is the block that nothing follows up.
            while re.match(r"\s*(?:,|\{)", code[end + 1:end + 200]) and re.search(r"\)\s*(?:noexcept\s*)?:[^:]", head):
                following = code.find("{", end + 1)
                if following < 0:
                    break
                end = closing(code, following)
            first = head_start + len(code[head_start:found.start()]) - len(code[head_start:found.start()].lstrip())
            name = re.search(r"([~\w:]+)\s*\(", stripped)
            yield source.line_of(first), source.line_of(min(end, len(code) - 1)), name.group(1) if name else "function"
            at = head_start = end + 1
        elif stripped.endswith("=") or re.search(r"=\s*(?:\w[\w:<>, ]*)?$", stripped) or re.search(r"[\w>\]]$", stripped) \
                and not CONTAINER.search(stripped):
            at = head_start = closing(code, found.start()) + 1  # an initializer
        else:
            head_start = at  # inside a namespace or class


def strip_templates(head):
    """Without `template <…>` and access labels, whose words would mislead."""
    head = re.sub(r"\b(?:public|private|protected)\s*:(?!:)", " ", head)
    while True:
        found = re.search(r"\btemplate\s*<", head)
        if not found:
            return head
        depth, at = 1, found.end()
        while at < len(head) and depth:
            depth += {"<": 1, ">": -1}.get(head[at], 0)
            at += 1
        head = head[:found.start()] + " " * (at - found.start()) + head[at:]


def is_function_head(head):
    if "(" not in head or re.match(r"(?:inline\s+)?namespace\b|extern\s*\"", head):
        return False
    before = head[:head.index("(")]
    if re.search(r"\b(?:enum|union)\b", before) or re.match(r"(?:class|struct)\b[^(]*$", before) and "alignas" in before:
        return False
    return not re.search(r"(?<![=!<>])=(?!=)", before) or "operator" in before


def check_banned(source, _tree):
    for rule, pattern, allowed, tests_may, message in BANNED:
        if source.path.startswith(allowed) or tests_may and source.is_test():
            continue
        for found in re.finditer(pattern, source.code):
            line = source.line_of(found.start())
            near = "".join(source.lines[max(0, line - 3):line])
            if rule == "raw-memory" and re.search(r"\b(?:unique|shared)_ptr\s*<|\bstatic\b[^;]*\bnew\b", near):
                continue  # a private constructor, owned at once; or a static that must outlive every other
            yield line, rule, message


LAMBDA = re.compile(r"(?<![\w\])\[])\[([^\[\]]*)\]\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*(?:mutable\b\s*)?(?:noexcept\b\s*)?"
                    r"(?:->\s*[\w:<>,&* ]+?)?\s*\{")


def check_coroutines(source, _tree):
    code = source.code
    lambdas = [(found.start(), found.end() - 1, found.group(1).strip()) for found in LAMBDA.finditer(code)]
    for start, brace, capture in lambdas:
        end = closing(code, brace)
        body = code[brace:end]
        for inner_start, inner_brace, _ in lambdas:
            if brace < inner_start < end:
                inner_end = closing(code, inner_brace)
                body = body[:inner_start - brace] + " " * (inner_end - inner_start) + body[inner_end - brace:]
        if capture and re.search(r"\bco_(?:await|return|yield)\b", body):
            yield source.line_of(start), "lambda-coroutine", (
                "a capturing lambda is a coroutine; its captures live in the lambda, which is often gone when the coroutine "
                "resumes; write a function whose parameters are taken by value")
    # That file holds the very shapes, to notice a compiler that breaks them.
    awaits = [] if source.path == "src/async/compiler_test.cc" else re.finditer(r"\bco_await\b", code)
    for found in awaits:
        at = braced_temporary(code, found.end())
        if at is not None:
            yield source.line_of(at), "await-temporary", (
                "a temporary built with braces inside a co_await statement; compilers have destroyed such temporaries twice; "
                "name it on the line before")


def braced_temporary(code, at):
    """The place of a `{` that builds a value within the statement from `at`, or None."""
    depth = 0
    while at < len(code):
        letter = code[at]
        if letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == ";" and depth <= 0 or letter == "}":
            return None
        elif letter == "{":
            before = code[:at].rstrip()
            if re.match(r"\{\s*\}", code[at:at + 40]):  # nothing in it
                at = code.index("}", at) + 1
                continue
            if depth < 0 or before.endswith((")", "]", "mutable")) or re.search(r"->\s*[\w:<>,&* ]+$", before[-80:]):
                return None  # the block of an if or while, or a lambda
            return at
        at += 1
    return None


def check_header_form(source, _tree):
    if not source.path.endswith(".h"):
        return
    if not source.lines[0].startswith("//"):
        yield 1, "header-essay", ("a header begins with what it is for, who may call it, how it fails and what it costs; write "
                                  "that as // lines above #pragma once")
    if not re.search(r"^#pragma once$", source.text, re.M):
        yield 1, "pragma-once", "a header has #pragma once, so that including it twice is harmless; add it below the first comment"


CPP_CHECKS = (check_layers, check_third_party, check_sizes, check_banned, check_coroutines, check_header_form)


class Tree:
    """The files to check."""

    def __init__(self, root):
        self.root, self._deps = pathlib.Path(root), None

    def walk(self, folders):
        for folder in folders:
            for at, names, files in os.walk(self.root / folder):
                names[:] = sorted(name for name in names if name not in SKIPPED_FOLDERS)
                for name in sorted(files):
                    yield (pathlib.Path(at) / name).relative_to(self.root).as_posix()

    def text(self, path):
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            return None  # binary, or removed meanwhile

    def feature_deps(self):
        if self._deps is None:
            self._deps = {}
            for line in (self.text("tools/feature_deps.txt") or "").splitlines():
                line = line.split("#")[0].strip()
                if line:
                    mine, _, others = line.partition(":")
                    self._deps.setdefault(mine.strip(), set()).update(others.split())
        return self._deps


def check_feature_cycles(tree):
    deps, done = tree.feature_deps(), set()

    def visit(name, trail):
        if name in trail:
            cycle = " -> ".join(trail[trail.index(name):] + [name])
            return f"the features depend on each other in a circle ({cycle}); one could then not be understood or removed alone"
        if name in done:
            return None
        for other in sorted(deps.get(name, ())):
            wrong = visit(other, trail + [name])
            if wrong:
                return wrong
        done.add(name)
        return None
    for name in sorted(deps):
        wrong = visit(name, [])
        if wrong:
            yield "tools/feature_deps.txt", 1, "feature-cycle", wrong + "; cut one edge"
            return


def check_names(path):
    parts = pathlib.PurePosixPath(path)
    for part in list(parts.parts[:-1]) + [word for word in re.split(r"[_.-]", parts.name) if word != "impl"]:
        if part.lower() in BAD_NAMES:
            yield path, 1, "name", f"{part!r} says nothing about what is inside and collects everything; name the thing it does"
            return


def check_text(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if ISSUE.search(line) and not excused(text.split("\n"), number, "issue"):
            yield path, number, "issue", "a note to finish something, without an issue: it stays for ever; write TODO(#12), or do it"
        if STRAY.search(line):
            yield path, number, "stray", "names a machine's path or a package host; the project must build anywhere; remove it"


def check_built(tree, sources):
    """Each folder with sources is named to CMake: what is not compiled is not tested."""
    cmake = "".join(tree.text(path) or "" for path in tree.walk(["cmake"]) if path.endswith(".cmake"))
    cmake += tree.text("CMakeLists.txt") or ""
    for folder in sorted({str(pathlib.PurePosixPath(path).parent) for path in sources if path.startswith("src/") and path.endswith(".cc")}):
        name = folder[len("src/"):]
        if not re.search(rf"(?<![\w/]){re.escape(name)}(?![\w/])", cmake) and \
                not (name.startswith("features/") and "src/features/*" in cmake):
            yield folder, 1, "unbuilt", f"{folder} has sources that no CMake file names; add it to cmake/folders.cmake"


def excused(lines, number, rule):
    for line in lines[max(0, number - 2):number]:
        found = re.search(r"lint: allow ([\w-]+) because (.{10,})", line)
        if found and found.group(1) == rule:
            return True
    return False


def lint(root):
    """All findings as (path, line, rule, message)."""
    tree, out, sources = Tree(root), [], []
    own = {"tools/lint.py", "tools/lint_test.py"}
    for path in tree.walk(SOURCE_FOLDERS + ("tools", "docs", "cmake", "console", "packaging", ".ci")):
        if path in own or path.endswith("package-lock.json"):
            continue
        text = tree.text(path)
        if text is None or path.startswith("tests/") and "/vectors/" in path:
            continue
        out += check_text(path, text)
        if path.startswith(SOURCE_FOLDERS):
            out += check_names(path)
        if path.endswith((".cc", ".h")) and path.startswith(SOURCE_FOLDERS):
            sources.append(path)
            source = Source(path, text)
            for check in CPP_CHECKS:
                out += [(path, line, rule, message) for line, rule, message in check(source, tree)
                        if not excused(source.lines, line, rule)]
    for path in sorted(os.listdir(root)):
        text = tree.text(path) if (tree.root / path).is_file() and path != "LICENSE" else None
        out += check_text(path, text) if text else []
    out += check_feature_cycles(tree)
    out += check_built(tree, sources)
    return out


def main(argv):
    if argv[:1] == ["--headers"] and len(argv) == 2:
        import lint_headers
        return lint_headers.check(ROOT, pathlib.Path(argv[1]))
    if argv == ["--rules"]:
        for rule, _, _, _, message in BANNED:
            print(f"{rule}: {message}")
        print("layer, third-party, file-size, line-length, function-size, lambda-coroutine, await-temporary, header-essay, "
              "pragma-once, feature-cycle, name, issue, stray, unbuilt")
        return 0
    if len(argv) > 1 or argv and argv[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    findings = lint(pathlib.Path(argv[0]) if argv else ROOT)
    for path, line, rule, message in findings:
        print(f"{path}:{line}: [{rule}] {message}")
    print(f"lint: {len(findings)} findings" if findings else "lint: clean", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
