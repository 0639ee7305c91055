"""What every chaos script rests on: a server in a temporary folder, options, progress, and the table at the end.

A script is `main = Script(__doc__, …)` with functions that take (options, report). It prints its seed first; each violation
goes to standard error with the command that replays it; exit code 0 when all held, 1 when not, 2 for wrong usage, 77 when
something that the machine must have is missing.
"""
import argparse
import contextlib
import pathlib
import random
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from scenario.server import Server, Trouble, environment  # noqa: E402

APP = pathlib.Path(__file__).resolve().parent / "mettle.yaml"
SKIPPED = 77


class Broken(Exception):
    """A promise did not hold."""


class Missing(Exception):
    """The machine lacks what the script needs: it is skipped."""


def require(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed (tools/setup.sh does it)")


class Rig:
    """One server on a data folder and a port of its own, its key, and the command line beside it; removed at the end.

    `prefix` is put before the server's command (prlimit, strace -D: both leave it the process that was started).
    """

    def __init__(self, options, flags="", app=APP, env=(), prefix=()):
        self.options, self.binary = options, str(pathlib.Path(options.binary).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-chaos-"))
        self.data, self.key = self.folder / "data", ""
        # What these scripts ask is not how work is shed when others use the processor.
        flags += "" if "--overload-delay" in flags else " --overload-delay 5s"
        self.server = Server(self.binary, str(app), self.folder, flags, environment(self.folder, {**options.env, **dict(env)}))
        self.server.prefix = list(prefix)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.server.kill()
        if self.options.keep:
            print(f"data kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self):
        return self.server.process.pid

    def begin(self):
        """A key first, since that makes the database too; then the server."""
        self.make_key()
        self.server.start()
        return self

    def cli(self, *words, env=()):
        """A command of the program beside the server: the finished process."""
        return subprocess.run([self.binary, *words], capture_output=True, text=True, env={**self.server.env, **dict(env)},
                              cwd=self.folder, timeout=120, check=False)

    def make_key(self, *words):
        done = self.cli("key", "create", str(APP), "--data", str(self.data), "--role", "writer", *words)
        if done.returncode != 0:
            raise Trouble(f"mettle key create ended with {done.returncode}: {done.stderr}")
        self.key = done.stdout.strip()
        return self.key

    def alive(self):
        died = self.server.died()
        if died:
            raise Broken(died)

    def wait_end(self, what):
        """The exit code of a server that must end by itself."""
        process, self.server.process = self.server.process, None
        try:
            return process.wait(self.options.patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Broken(f"{what}: it runs on, {self.options.patience:.0f} s later; its log:\n{self.server.tail()}") from None

    def cpu_seconds(self):
        """User and system time of the server so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100  # USER_HZ is 100 on every Linux

    def status_kib(self, name):
        """A line of /proc/PID/status: VmRSS, VmSize, VmData …"""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise Broken(f"/proc/{self.pid}/status has no {name}")


class Row:
    """One line of the table."""

    def __init__(self, report, what):
        self.report, self.what, self.rounds, self.violations, self.note = report, what, 0, 0, ""
        self.begun, self.seconds, self.told = time.monotonic(), 0.0, time.monotonic()

    @contextlib.contextmanager
    def attempt(self, label="", replay=""):
        """One round. What breaks in it is counted and told; the next goes on."""
        self.rounds += 1
        try:
            yield
        except (Broken, Trouble) as error:
            self.violations += 1
            self.report.violation(self.what, label, replay, error)

    def progress(self, of):
        """Tells how far it is, every five seconds."""
        now = time.monotonic()
        if now - self.told < 5 or not self.rounds:
            return
        self.told = now
        left = (now - self.begun) / self.rounds * max(of - self.rounds, 0)
        print(f"{self.report.name}: {self.what}: {self.rounds} of {of}, {self.violations} violations, about {left:.0f} s left",
              file=sys.stderr, flush=True)


class Report:
    def __init__(self, name, options):
        self.name, self.options, self.rows, self.begun = name, options, [], time.monotonic()

    @contextlib.contextmanager
    def row(self, what):
        row = Row(self, what)
        self.rows.append(row)
        if self.options.verbose:
            print(f"{self.name}: {what}", file=sys.stderr, flush=True)
        try:
            yield row
        except (Broken, Trouble) as error:
            row.violations += 1
            self.violation(what, "", "", error)
        finally:
            row.seconds = time.monotonic() - row.begun

    def violation(self, what, label, replay, error):
        words = ["tests/chaos/" + pathlib.Path(sys.argv[0]).name, "--binary", self.options.binary, "--seed",
                 str(self.options.seed)]
        words += [word for name, value in self.options.env.items() for word in ("--env", f"{name}={value}")]
        words += shlex.split(replay) if replay else ["--rounds", str(self.options.rounds)]
        where = f"{what}, {label}" if label else what
        print(f"{self.name}: FAILED (seed {self.options.seed}): {where}: {error}\n    again: python3 {shlex.join(words)}",
              file=sys.stderr, flush=True)

    def finish(self):
        width = max([len(row.what) for row in self.rows] + [4])
        print(f"{'what':<{width}}  rounds  violations  seconds")
        for row in self.rows:
            print(f"{row.what:<{width}}  {row.rounds:6}  {row.violations:10}  {row.seconds:7.1f}  {row.note}".rstrip())
        rounds, violations = sum(row.rounds for row in self.rows), sum(row.violations for row in self.rows)
        verdict = "all held" if not violations else "FAILED"
        print(f"{self.name}: rounds={rounds} violations={violations} seconds={time.monotonic() - self.begun:.1f}: {verdict}")
        return 1 if violations or not rounds else 0


def more_files(count):
    """Lets this process open that many, which its server inherits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise Missing(f"{count} file descriptors are needed, {hard} are allowed (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def script(doc, rounds, execute, add_options=None):
    """The command line that all share; execute(options, report). Returns the exit code."""
    name = pathlib.Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/release/mettle"))
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the data folders")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the server")
    parser.add_argument("--patience", type=float, default=40, metavar="SECONDS",
                        help="what must happen has happened by then, also on a loaded machine")
    parser.add_argument("-v", "--verbose", action="store_true")
    if add_options:
        add_options(parser)
    options = parser.parse_args()
    options.env = dict(entry.split("=", 1) for entry in options.env)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 30)
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    if not pathlib.Path(options.binary).is_file():
        print(f"{name}: {options.binary} does not exist; build it, or name it with --binary", file=sys.stderr)
        return 2
    print(f"{name}: seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and folders are cleared away
    report = Report(name, options)
    try:
        execute(options, report)
    except Missing as why:
        print(f"{name}: skipped: {why}", file=sys.stderr)
        return SKIPPED
    return report.finish()
