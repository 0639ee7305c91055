"""Carries out one scenario: files, stub, server, keys, then each step; collects what was not as expected."""
import collections
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time

from . import wire
from .match import Fault, Reader, compare, compare_body, fill, match_text
from .server import Server, Trouble, environment, in_parallel
from .stub import Stub

COMMAND_SECONDS = 120
SHELL_SECONDS = 600  # loads an example's data, also under a sanitizer
ANSWER_SECONDS = float(os.environ.get("METTLE_SCENARIO_ANSWER_SECONDS", "60"))


class Failed(Exception):
    """A step did not hold; carries the lines that say how."""


class Run:
    """One run of one scenario in a folder of its own."""

    def __init__(self, scenario, binary, verbose=False, serve=""):
        self.scenario, self.binary, self.verbose = scenario, str(pathlib.Path(binary).resolve()), verbose
        self.serve = serve  # more options of `mettle serve`
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-scenario-"))
        self.names, self.stub, self.connection, self.keys_made, self.stopped = {}, None, None, False, False
        self.server, self.env = None, {}

    def execute(self):
        """None, or what went wrong as text."""
        try:
            self.set_up()
            for step in self.scenario.steps:
                self.step(step)
            self.disconnect()
            self.server.stop()
            return None
        except Failed as error:
            died = self.server and self.server.died()
            return str(error) + (f"\n    {died}" if died else "")
        except (Fault, Trouble) as error:
            return f"{self.scenario.path}: {error}"
        finally:
            self.disconnect()
            if self.server:
                self.server.kill()
            if self.stub:
                self.stub.close()
            if self.verbose and self.server:
                print(self.server.tail(200))
            shutil.rmtree(self.folder, ignore_errors=True)

    def set_up(self):
        scenario = self.scenario
        if scenario.stub:
            self.stub = Stub([fill(line, {**self.names, "stub": "{{stub}}"}) for line in scenario.stub])  # which it knows itself
            self.names["stub"] = self.stub.url
        for name, text in scenario.files:
            self.write(name, text)
        if scenario.example:
            shutil.copytree(scenario.path.parent, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data", "node_modules"))
        app = self.folder / "mettle.yaml"
        if scenario.app_path:
            app = (scenario.path.parent / scenario.app_path).resolve()
            if not app.is_file():
                raise Fault(f"app: {app} does not exist")
        elif scenario.app_text:
            app.write_text(fill(scenario.app_text, self.names), encoding="utf-8")
        self.names.update(app=str(app), dir=str(self.folder), data=str(self.folder / "data"),
                          root=str(pathlib.Path(__file__).resolve().parents[2]))
        extra = {name: fill(value, self.names) for name, value in scenario.env}
        self.env = environment(self.folder, extra)
        programs = self.folder / ".programs"
        programs.mkdir()
        (programs / "mettle").symlink_to(self.binary)
        self.env["PATH"] = f"{programs}:{self.env.get('PATH', '/usr/bin:/bin')}"
        self.server = Server(self.binary, str(app), self.folder, f"{fill(scenario.serve, self.names)} {self.serve}", self.env)

    def write(self, name, text):
        path = (self.folder / name).resolve()
        if self.folder.resolve() not in path.parents:
            raise Fault(f"file {name} would be written outside the scenario's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        # At once, as an editor does it: a watching server must not see half a file.
        half = path.with_name(path.name + ".new")
        half.write_text(text, encoding="utf-8")
        half.replace(path)

    def running(self):
        """Starts the server where a step first needs one; the keys follow, for the first start makes the database."""
        if self.server.process is None:
            if self.stopped:
                raise Fault("the server was stopped; the step `start` is missing")
            self.start()

    def start(self):
        self.server.start()
        self.stopped = False
        self.names["url"] = self.server.url
        if not self.keys_made:
            self.keys_made = True
            for name, options in self.scenario.keys:
                self.names[name] = self.make_key(fill(options, self.names))

    def make_key(self, options):
        command = [self.binary, "key", "create", self.names["app"], "--data", self.names["data"]] + shlex.split(options)
        done = subprocess.run(command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=COMMAND_SECONDS, check=False)
        key = done.stdout.strip()
        if done.returncode != 0 or not key or "\n" in key:
            raise Trouble(f"{shlex.join(command)}\n    must print one key and end with 0; it ended with {done.returncode}\n"
                          f"    stdout: {done.stdout!r}\n    stderr: {done.stderr[-2000:]!r}")
        return key

    def connect(self):
        return wire.Connection(self.server.host, self.server.port, ANSWER_SECONDS)

    def disconnect(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def step(self, step):
        until = time.monotonic() + step.eventually
        for _ in range(step.repeat):
            while True:
                wrong = self.attempt(step)
                if not wrong or time.monotonic() >= until:
                    break
                time.sleep(0.05)
            if wrong:
                lines = "\n".join(f"    {line}" for line in wrong)
                raise Failed(f"{self.scenario.path}:{step.line}: {step.title}\n{lines}")

    def attempt(self, step):
        return getattr(self, "do_" + step.kind)(step)

    # The kinds of steps: each returns the list of what was wrong.

    def do_request(self, step):
        self.running()
        if step.parallel:
            return self.do_parallel(step)
        answer = step.answers[0]
        data = self.request(step)
        method = step.head.split()[0]
        for fresh in (False, True):
            if self.connection is None or not self.connection.usable:
                self.disconnect()
                self.connection, fresh = self.connect(), True
            self.connection.send(data)
            try:
                reply = self.connection.reply(method)
                break
            except wire.Closed:
                # A kept connection may just have been closed for idleness; a fresh one may not.
                self.disconnect()
                if fresh:
                    return ["the server closed the connection without an answer"]
            except (ValueError, OSError) as error:
                self.disconnect()
                return [f"no answer that can be read: {error!r}"]
        wrong = self.check(answer, reply)
        if step.closed and not wrong and not self.connection.closes(5):
            wrong.append("expected the server to close the connection, it did not")
        return wrong

    def request(self, step, extra=None):
        names = {**self.names, **(extra or {})}
        head = fill(step.head, names)
        headers = [fill(line, names) for line in step.headers]
        return wire.request_bytes(f"{self.server.host}:{self.server.port}", head, headers, self.body(step.body, names))

    def body(self, lines, names):
        if lines and lines[0].startswith("<< "):
            out = b""
            for line in lines:
                many = re.fullmatch(r"<< (\d+) \* \"(.*)\"", line)
                if line.startswith("<< file "):
                    out += (self.folder / fill(line[8:].strip(), names)).read_bytes()
                elif line.startswith("<< hex "):
                    out += bytes.fromhex(line[7:])
                elif many:
                    out += int(many.group(1)) * wire.unescape(many.group(2))
                else:
                    out += fill(line[3:] if line.startswith("<< ") else line, names).encode("utf-8")
            return out
        return fill("\n".join(lines), names).encode("utf-8")

    def do_parallel(self, step):
        def one(n):
            connection = self.connect()
            try:
                connection.send(self.request(step, {"n": str(n)}))
                return connection.reply(step.head.split()[0])
            finally:
                connection.close()
        replies = in_parallel(step.parallel, one)
        got = collections.Counter(str(reply.status) if isinstance(reply, wire.Reply) else repr(reply) for reply in replies)
        wanted = dict(re.findall(r"(\d{3})\s*x\s*(\d+|\*)", step.statuses))
        counted = " ".join(f"{status}x{count}" for status, count in sorted(got.items()))
        wrong = []
        for status in got.keys() | wanted.keys():
            if wanted.get(status, "0") != "*" and str(got[status]) != wanted.get(status, "0"):
                wrong = [f"expected statuses {step.statuses}, got {counted}"]
        for answer in step.answers:
            for reply in replies:
                if not wrong and isinstance(reply, wire.Reply) and str(reply.status) == answer.status:
                    wrong = self.check(answer, reply)
        return wrong

    def check(self, answer, reply):
        """Mismatches of one answer, the answer itself shown below them."""
        wrong, names = [], dict(self.names)
        if answer.status not in ("*", str(reply.status)):
            wrong.append(f"status: expected {answer.status}, got {reply.status}")
        for line in answer.headers:
            wrong += check_header(line, reply.header, names)
        content_type = (reply.header("content-type") or [""])[0]
        wrong += compare_body(answer.body, reply.body, names, content_type)
        if not wrong:
            self.names = names
            return []
        text = reply.body.decode("utf-8", "replace")
        shown = [f"{name}: {value}" for name, value in reply.headers] + ["", text if len(text) < 3000 else text[:3000] + "…"]
        return wrong + [f"  < HTTP {reply.status}"] + [f"  < {line}" for line in "\n".join(shown).splitlines()]

    def do_raw(self, step):
        self.running()
        connection = self.connect()
        try:
            methods = wire.send_raw(connection, [fill(line, self.names) for line in step.body])
            for place, answer in enumerate(step.answers):
                try:
                    reply = connection.reply(methods[place] if place < len(methods) else "GET")
                except wire.Closed:
                    return [f"the connection was closed before answer {place + 1} of {len(step.answers)}"]
                except (ValueError, OSError) as error:
                    return [f"answer {place + 1} of {len(step.answers)} cannot be read: {error!r}"]
                wrong = self.check(answer, reply)
                if wrong:
                    return [f"answer {place + 1} of {len(step.answers)}:"] + wrong
            if step.closed and not connection.closes(ANSWER_SECONDS):
                return ["expected the server to close the connection, it did not"]
            return []
        finally:
            connection.close()

    def do_command(self, step):
        words = shlex.split(fill(step.head, self.names))
        if words[0] == "mettle":
            words[0] = self.binary
        try:
            done = subprocess.run(words, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, errors="replace", timeout=COMMAND_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return [f"$ {step.head}: {error}"]
        wrong = []
        if step.statuses not in ("*", str(done.returncode)):
            wrong.append(f"exit: expected {step.statuses}, got {done.returncode}")
        wrong += self.check_output(step.body, done)
        if wrong:
            wrong += ["  stdout:"] + [f"  | {line}" for line in done.stdout[-4000:].splitlines()]
            wrong += ["  stderr:"] + [f"  | {line}" for line in done.stderr[-4000:].splitlines()]
        return wrong

    def check_output(self, lines, done):
        wrong, index = [], 0
        while index < len(lines):
            line, index = lines[index], index + 1
            if not line.strip():
                continue
            saved = re.fullmatch(r"save stdout as (\w+)", line)
            if saved:
                self.names[saved.group(1)] = done.stdout.strip()
            elif line == "json":
                expected = Reader("\n".join(lines[index:]), self.names).document()
                try:
                    wrong += compare(expected, json.loads(done.stdout), self.names, "stdout")
                except ValueError:
                    wrong.append("stdout: expected JSON")
                return wrong
            else:
                source, stream = (line[7:], done.stderr) if line.startswith("stderr ") else (line, done.stdout)
                if source[:2] not in ("~ ", "! "):
                    raise Fault(f"{line!r} is none of: ~ text, ! text, stderr ~ text, stderr ! text, json, save stdout as NAME")
                if (fill(source[2:], self.names) in stream) != source.startswith("~ "):
                    name = "stderr" if stream is done.stderr and source is not line else "stdout"
                    wrong.append(f"{name}: {'misses' if source[0] == '~' else 'must not hold'} {source[2:]!r}")
        return wrong

    def do_shell(self, step):
        """A ```sh fence of an example: bash, whose variables the next ones and the requests know. Lines of comment at its
        end are what it prints."""
        self.running()
        script = "\n".join(step.body).replace("http://127.0.0.1:8080", self.server.url)
        kept = " ".join(sorted(self.scenario.variables))
        tail = f'\nfor name in {kept}; do [ -v "$name" ] && printf "%s=%s\\0" "$name" "${{!name}}"; done >.variables; true\n'
        known = {name: str(self.names[name]) for name in self.scenario.variables if name in self.names}
        try:
            done = subprocess.run(["bash", "-c", "set -euo pipefail\n" + script + (tail if kept else "")], cwd=self.folder,
                                  env={**self.env, **known}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  errors="replace", timeout=SHELL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return [f"did not end within {SHELL_SECONDS} s"]
        wrong = [] if done.returncode == 0 else [f"exit: expected 0, got {done.returncode}"]
        printed = {" ".join(line.split()) for line in done.stdout.splitlines()}
        for line in reversed(step.body):
            if not line.startswith("#"):
                break
            if " ".join(line[1:].split()) not in printed:
                wrong.append(f"stdout: misses the line {line[1:].strip()!r}")
        if wrong:
            return wrong + ["  stdout:"] + [f"  | {line}" for line in done.stdout[-3000:].splitlines()] + \
                ["  stderr:"] + [f"  | {line}" for line in done.stderr[-3000:].splitlines()]
        variables = self.folder / ".variables"
        if variables.exists():
            for entry in variables.read_text("utf-8").split("\0")[:-1]:
                name, _, value = entry.partition("=")
                self.names[name] = value
        return []

    def do_server(self, step):
        self.disconnect()
        if step.head == "start":
            if self.server.process is not None:
                raise Fault("`start`, but the server runs")
            self.start()
            return []
        self.running()
        if step.head == "kill -9":
            self.server.kill()
        else:
            self.server.stop()
        self.stopped = True
        if step.head == "restart":
            self.start()
        return []

    def do_write(self, step):
        self.write(fill(step.head, self.names), fill("\n".join(step.body), self.names) + "\n")
        return []

    def do_log(self, step):
        wrong = []
        for line in step.body:
            wanted, present = fill(line[2:], self.names), line.startswith("~ ")
            until = time.monotonic() + (5 if present else 0)
            while present and wanted not in self.server.log() and time.monotonic() < until:
                time.sleep(0.02)
            if (wanted in self.server.log()) != present:
                wrong.append(f"log: {'misses' if present else 'must not hold'} {wanted!r}; its end:")
                wrong += self.server.tail().splitlines()
        return wrong

    def do_stub(self, step):
        if self.stub is None:
            raise Fault("`stub got` without a `stub:` in the set-up")
        if step.head == "nothing":
            request = self.stub.take(0)
            return [f"the stub got {request.method} {request.path}"] if request else []
        count = re.fullmatch(r"(\d+) requests?", step.head)
        if count:
            taken = [self.stub.take(10) for _ in range(int(count.group(1)))]
            return [] if all(taken) and not self.stub.take(0) else [f"the stub got {len(self.stub.requests)} requests in all"]
        request = self.stub.take(10)
        if request is None:
            return [f"the stub got no request within 10 s, expected {step.head}"]
        wrong, names = [], dict(self.names)
        if not match_text(step.head, f"{request.method} {request.path}", names):
            wrong.append(f"expected {step.head}, got {request.method} {request.path}")
        for line in step.headers:
            wrong += check_header(line, lambda name: [v for k, v in request.headers if k.lower() == name.lower()], names)
        wrong += compare_body(step.body, request.body, names, "json")
        if not wrong:
            self.names = names
        return wrong + ([f"  > {request.body.decode('utf-8', 'replace')[:2000]}"] if wrong else [])


def check_header(line, lookup, names):
    """`Name: expected`, or `!Name` for one that must not be there."""
    if line.startswith("!"):
        values = lookup(line[1:].strip())
        return [f"header {line[1:].strip()}: expected none, got {values}"] if values else []
    name, colon, expected = line.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise Fault(f"{line!r} is no expected header: Name: value, or !Name; a body begins after a blank line")
    values = lookup(name.strip())
    if not values:
        return [f"header {name}: expected {expected.strip()!r}, got none"]
    if any(match_text(expected.strip(), value, names) for value in values):
        return []
    return [f"header {name}: expected {expected.strip()!r}, got {', '.join(map(repr, values))}"]
