"""What the tests of this folder share: the probe, a server under test, reports of failures."""
import atexit
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

STARTED = []  # servers, so that none outlives a case that failed


@atexit.register
def end_all():
    for process in STARTED:
        if process.poll() is None:
            process.kill()
            process.wait(30)


APP = "mettle: 1\napp: shop\ntables: {}\n"


class Failed(Exception):
    """A promise was not kept."""


def check(condition, what):
    if not condition:
        raise Failed(what)


def eventually(seconds, look, what):
    """Looks until it is so; a bound, not a time that is measured."""
    end = time.monotonic() + seconds
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"after {seconds} s still not so: {what}")
        time.sleep(0.05)


def make_certificate(folder, name="localhost", address="127.0.0.1"):
    """A certificate that signs itself, for that name and address; gives (certificate, key)."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:{address}"], check=True, capture_output=True)
    return certificate, key


class Probe:
    """tests/outbound/probe.cc: answers line by line."""

    def __init__(self, path, prefix=()):
        self.process = subprocess.Popen([*prefix, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **line):
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        check(answer, f"the probe died of {line}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        check(self.process.wait(30) == 0, "the probe ended badly")


class Mettle:
    """`mettle serve` in a folder of its own, and the commands beside it."""

    def __init__(self, binary, options=(), environment=None, app=APP):
        self.binary = os.path.abspath(binary)
        self.folder = tempfile.TemporaryDirectory(prefix="mettle_outbound_")
        self.path = pathlib.Path(self.folder.name)
        (self.path / "mettle.yaml").write_text(app)
        self.options = list(options)
        self.process = None
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("METTLE_")}
        self.environment.update(environment or {})

    def launch(self, **environment):
        """Starts it and does not wait; gives where its log begins."""
        with open(self.path / "log", "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [self.binary, "serve", "--listen", "127.0.0.1:0", "--data", "data", *self.options],
                cwd=self.path, stderr=log, env={**self.environment, **environment})
        STARTED.append(self.process)
        return begin

    def start(self):
        begin = self.launch()
        line = eventually(30, lambda: self.listening(begin), "the server listens")
        self.port = int(line)

    def listening(self, begin):
        check(self.process.poll() is None, f"the server ended: {self.log()[begin:]}")
        found = re.search(r"listening on https?://[^ ]*:(\d+)", self.log()[begin:])
        return found and found.group(1)

    def log(self):
        return (self.path / "log").read_text(errors="replace")

    def run(self, *words, ok=True):
        done = subprocess.run([self.binary, *words, "--data", "data"], cwd=self.path, env=self.environment,
                              capture_output=True, text=True, timeout=60)
        check(not ok or done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def fails(self):
        """Starts it to see it fail; gives what it said."""
        done = subprocess.run([self.binary, "serve", "--listen", "127.0.0.1:0", "--data", "data", *self.options],
                              cwd=self.path, env=self.environment, capture_output=True, text=True, timeout=60)
        check(done.returncode == 2, f"the server ended with {done.returncode}")
        return done.stderr

    def mails(self):
        return json.loads(self.run("mail", "list", "--json"))

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            code = self.process.wait(60)
            check(code == 0, f"the server ended with {code}: {self.log()[-2000:]}")
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait(30)
        self.process = None

    def close(self):
        try:
            self.stop()
        finally:
            if self.process is not None:
                self.kill()
            self.folder.cleanup()


def run_case(case):
    try:
        case()
        return None
    except Exception as what:  # a case that breaks off has failed, too
        return str(what) if isinstance(what, Failed) else repr(what)


def run_cases(cases, at_once=1):
    """Runs (name, function) pairs, prints a table, gives the exit code."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        running = [(name, pool.submit(run_case, case)) for name, case in cases]
        for number, (name, case) in enumerate(running, 1):
            print(f"[{number}/{len(cases)}] {name}", file=sys.stderr, flush=True)
            fault = case.result()
            failed += fault is not None
            print(f"{name:<58} {'ok' if fault is None else 'FAILED: ' + fault}", flush=True)
    print(f"{len(cases) - failed} of {len(cases)} hold")
    return 1 if failed else 0
