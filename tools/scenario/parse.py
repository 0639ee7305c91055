"""Reads scenario files (*.http) and the runnable fences of a page (*.md) into steps. The format: docs/internals/scenarios.md."""
import dataclasses
import pathlib
import re
import textwrap

from .match import Fault

METHOD = re.compile(r"^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|[A-Z]{3,12}) (\S.*)$")
STATUS = re.compile(r"^HTTP(?:/1\.1)? (\d{3}|\*)(?: [A-Za-z' -]+)?\s*$")
MODIFIER = re.compile(r"^(?:parallel (\d+)|repeat (\d+)|eventually (\d+(?:\.\d+)?)s)$")
SERVER = ("restart", "stop", "start", "kill -9")


@dataclasses.dataclass
class Answer:
    """One expected answer."""
    status: str
    headers: list
    body: list
    line: int


@dataclasses.dataclass
class Step:
    """One thing to do and what must come of it."""
    title: str
    line: int
    kind: str  # request, raw, command, shell, server, write, stub, log
    head: str = ""  # the request line, command, file name
    headers: list = dataclasses.field(default_factory=list)
    body: list = dataclasses.field(default_factory=list)
    answers: list = dataclasses.field(default_factory=list)
    parallel: int = 0
    repeat: int = 1
    eventually: float = 0
    statuses: str = ""
    closed: bool = False


@dataclasses.dataclass
class Scenario:
    """One file: one app, one server, one data folder."""
    path: pathlib.Path
    title: str = ""
    app_text: str = ""
    app_path: str = ""
    files: list = dataclasses.field(default_factory=list)  # (name, text)
    env: list = dataclasses.field(default_factory=list)  # (name, value)
    serve: str = ""
    keys: list = dataclasses.field(default_factory=list)  # (name, options)
    stub: list = dataclasses.field(default_factory=list)  # script lines
    example: bool = False  # a README beside a mettle.yaml: runs in a copy of its folder
    variables: set = dataclasses.field(default_factory=set)  # of the shell, $NAME in its http fences
    steps: list = dataclasses.field(default_factory=list)


def read(path):
    """The scenario in a file; None for a page without a runnable fence."""
    path = pathlib.Path(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return read_page(path, text)
    scenario = Scenario(path)
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.startswith("###")), len(lines))
    read_setup(scenario, lines[:first])
    read_steps(scenario, lines, first, len(lines))
    if not scenario.steps:
        raise Fault(f"{path}: no step; a step begins with a line '### what it does'")
    return scenario


def fault(scenario, index, what):
    return Fault(f"{scenario.path}:{index + 1}: {what}")


def block_after(lines, index):
    """The indented lines that follow, dedented, and where they end."""
    end = index + 1
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t"):
        end += 1
    return textwrap.dedent("\n".join(lines[index + 1:end])).strip("\n") + "\n", end


def read_setup(scenario, lines):
    """What stands before the first step."""
    index = 0
    while index < len(lines):
        line = lines[index]
        if not line.strip() or line.startswith("#"):
            if line.startswith("# ") and not scenario.title:
                scenario.title = line[2:].strip()
            index += 1
            continue
        word = re.match(r"^(app|serve|stub|key (\w+)|env (\w+)|file (\S+)):\s*(.*)$", line)
        if not word:
            raise fault(scenario, index, f"{line!r} is none of app:, serve:, stub:, key NAME:, env NAME:, file NAME:")
        what, rest = word.group(1), word.group(5).strip()
        block, following = ("", index + 1) if rest else block_after(lines, index)
        if what == "app":
            scenario.app_path, scenario.app_text = rest, block if not rest else ""
        elif what == "serve":
            scenario.serve = (scenario.serve + " " + rest).strip()
        elif what == "stub":
            scenario.stub += [entry for entry in block.split("\n") if entry.strip()]
        elif word.group(2):
            scenario.keys.append((word.group(2), rest))
        elif word.group(3):
            scenario.env.append((word.group(3), rest))
        else:
            scenario.files.append((word.group(4), block))
        index = following


def read_steps(scenario, lines, start, end, title=""):
    """Steps between two lines; each begins with ###, the first may go without where a title is given."""
    heads = [i for i in range(start, end) if lines[i].startswith("###")]
    if title and (not heads or any(lines[i].strip() for i in range(start, heads[0]))):
        heads.insert(0, start - 1)
    for place, head in enumerate(heads):
        last = heads[place + 1] if place + 1 < len(heads) else end
        own = lines[head].lstrip("#").strip() if head >= start else title
        step = read_step(scenario, lines, head, last, own or title)
        if step:
            scenario.steps.append(step)


def read_step(scenario, lines, head, last, title):
    index = head + 1
    step = Step(title, head + 1, "")
    while index < last:
        line = lines[index]
        found = MODIFIER.match(line.strip())
        if found:
            step.parallel = int(found.group(1) or step.parallel)
            step.repeat = int(found.group(2) or step.repeat)
            step.eventually = float(found.group(3) or step.eventually)
        elif line.strip() and not line.startswith("# "):
            break
        index += 1
    if index == last:
        raise fault(scenario, head, "this step does nothing")
    line = lines[index].rstrip()
    step.line = index + 1
    if line.strip() in SERVER:
        step.kind, step.head = "server", line.strip()
        reject_rest(scenario, lines, index + 1, last)
    elif line.startswith("$ "):
        read_command(scenario, step, lines, index, last)
    elif line.startswith("write "):
        step.kind, step.head = "write", line[6:].strip()
        step.body = textwrap.dedent("\n".join(lines[index + 1:last])).strip("\n").split("\n")
    elif line.startswith("log ") or line.startswith("stub got"):
        read_check(step, lines, index, last)
    elif line == "raw":
        step.kind = "raw"
        read_exchange(scenario, step, lines, index + 1, last)
    elif METHOD.match(line):
        step.kind, step.head = "request", line
        read_exchange(scenario, step, lines, index + 1, last)
    else:
        raise fault(scenario, index, f"{line!r} is no request line, raw, $ command, write, log, stub got, " + ", ".join(SERVER))
    return step


def reject_rest(scenario, lines, start, last):
    for index in range(start, last):
        if lines[index].strip() and not lines[index].startswith("# "):
            raise fault(scenario, index, f"nothing may follow here, found {lines[index]!r}")


def read_check(step, lines, index, last):
    """`log ~ text`, `log ! text`, `stub got …`."""
    line = lines[index].strip()
    if line.startswith("log "):
        step.kind = "log"
        step.body = [entry.strip()[4:] for entry in lines[index:last] if entry.strip().startswith("log ")]
        return
    step.kind, step.head = "stub", line[len("stub got"):].strip()
    rest = [entry.rstrip() for entry in lines[index + 1:last]]
    if step.head:
        return
    while rest and not rest[0].strip():
        rest.pop(0)
    step.head = rest.pop(0) if rest else ""
    step.headers, step.body = split_message(rest)


def read_command(scenario, step, lines, index, last):
    step.kind = "command"
    command = lines[index][2:].rstrip()
    while command.endswith("\\") and index + 1 < last:
        index += 1
        command = command[:-1].rstrip() + " " + lines[index].strip()
    step.head, step.statuses = command, "0"
    rest = [entry.rstrip() for entry in lines[index + 1:last]]
    while rest and not rest[0]:
        rest.pop(0)
    if rest and re.fullmatch(r"exit (\d+|\*)", rest[0]):
        step.statuses = rest.pop(0)[5:]
    step.body = rest


def split_message(lines):
    """Header lines up to the first blank one, then the body without blank edges."""
    headers, at = [], 0
    while at < len(lines) and lines[at].strip():
        headers.append(lines[at].rstrip())
        at += 1
    body = lines[at:]
    while body and not body[0].strip():
        body.pop(0)
    while body and not body[-1].strip():
        body.pop()
    return headers, body


def read_exchange(scenario, step, lines, start, last):
    """A request (or raw bytes) and the answers that must come back."""
    marks = [i for i in range(start, last) if STATUS.match(lines[i])]
    closing = [i for i in range(start, last) if lines[i].strip() == "closed" and (not marks or i > marks[-1])]
    summary = [i for i in range(start, last) if lines[i].startswith("statuses: ")]
    stop = min(marks + closing + summary + [last])
    if stop == last:
        raise fault(scenario, start - 1, "nothing is expected; say HTTP and the status, `closed`, or `statuses: …`")
    if step.kind == "raw":
        step.body = [entry for entry in lines[start:stop] if entry.strip()]
    else:
        step.headers, step.body = split_message(lines[start:stop])
    step.closed = bool(closing)
    end = closing[0] if closing else last
    if summary:
        step.statuses = lines[summary[0]][len("statuses: "):].strip()
        if marks and summary[0] > marks[-1]:
            end = min(end, summary[0])
    if bool(step.parallel) != bool(summary):
        raise fault(scenario, start - 1, "`parallel N` and `statuses: …` belong together")
    for place, mark in enumerate(marks):
        until = marks[place + 1] if place + 1 < len(marks) else end
        headers, body = split_message([entry.rstrip() for entry in lines[mark + 1:until]])
        step.answers.append(Answer(STATUS.match(lines[mark]).group(1), headers, body, mark + 1))
    if step.kind == "request" and not step.parallel and len(step.answers) != 1:
        raise fault(scenario, start - 1, f"one request has one answer, {len(step.answers)} are expected; use raw for more")


def read_page(path, text):
    """A page of docs/: the last ```yaml mettle fence is the app, ```http and ```console fences are steps; `<!-- scenario:`
    comments hold set-up lines that a reader need not see."""
    scenario = Scenario(path, title=str(path))
    scenario.example = path.name == "README.md" and (path.parent / "mettle.yaml").exists()
    lines = text.split("\n")
    if scenario.example:
        scenario.variables = set(re.findall(r"^(\w+)=", text, re.M))
    heading, index = path.name, 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        comment = re.match(r"^<!--\s*scenario:\s*(.*?)(-->)?\s*$", line)
        if comment:
            end = index
            while "-->" not in lines[end]:
                end += 1
            inner = [comment.group(1)] + [entry.split("-->")[0] for entry in lines[index + 1:end + 1]] if end > index else [comment.group(1)]
            read_setup(scenario, [entry for entry in inner if entry.strip()])
            index = end
        fence = re.match(r"^```(\w+)(.*)$", line)
        if fence:
            end = index + 1
            while end < len(lines) and not lines[end].startswith("```"):
                end += 1
            if end == len(lines):
                raise fault(scenario, index, "this fence is never closed")
            read_fence(scenario, lines, index, end, fence, heading)
            index = end
        index += 1
    return scenario if scenario.steps else None


def read_fence(scenario, lines, start, end, fence, heading):
    language, info = fence.group(1), fence.group(2).split()
    if "no-run" in info:
        return
    if language == "yaml" and "mettle" in info:
        text = "\n".join(lines[start + 1:end]) + "\n"
        if scenario.steps:  # a later version of the app: the running server gets it
            scenario.steps.append(Step(heading, start + 1, "write", "mettle.yaml", body=text.rstrip("\n").split("\n")))
            scenario.steps.append(Step(heading, start + 1, "server", "restart"))
        else:
            scenario.app_text = text
    elif language == "http":
        if not any(STATUS.match(entry) for entry in lines[start + 1:end]):
            raise fault(scenario, start, "a ```http fence is run: it must say what comes back (HTTP 200 …); "
                                         "one that is only to be read is ```http no-run")
        if scenario.variables:
            shell = re.compile(r"\$(" + "|".join(sorted(scenario.variables)) + r")\b")
            lines = [shell.sub(r"{{\1}}", entry) for entry in lines]
        read_steps(scenario, lines, start + 1, end, heading)
    elif language == "sh" and scenario.example:
        script = lines[start + 1:end]
        # The server runs already, on a port of its own.
        if not re.fullmatch(r"mettle serve\b[^\n]*", "\n".join(script).strip()):
            scenario.steps.append(Step(heading, start + 1, "shell", body=script))
    elif language == "console" and "run" in info:
        commands = [i for i in range(start + 1, end) if lines[i].startswith("$ ")]
        for place, index in enumerate(commands):
            step = Step(heading, index + 1, "command")
            read_command(scenario, step, lines, index, commands[place + 1] if place + 1 < len(commands) else end)
            step.body = [f"~ {entry}" if entry.strip() and not entry.startswith(("~ ", "! ", "json", "stderr ", "save "))
                         else entry for entry in step.body]
            scenario.steps.append(step)
