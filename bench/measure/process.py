"""Servers as processes: started on chosen cores, watched for the CPU time that they take, stopped by their own pid."""
import os
import pathlib
import re
import signal
import subprocess
import time

from .trouble import Trouble

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60
STOP_SECONDS = 40  # above Mettle's own 30 s for requests that still run


def on_cores(cores, command):
    return ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]


def run(command, **options):
    """A command that must succeed; its stdout."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, **options)
    if done.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise Trouble(f"`{shown}` ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


class Process:
    """A server in a session of its own, so that Ctrl-C reaches only us and we stop it; its stdout and stderr go to files."""

    may_end_with = 0  # beside 0

    def __init__(self, name, command, folder, environment):
        self.name, self.folder = name, pathlib.Path(folder)
        self.out, self.err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          start_new_session=True, env=environment)
        self.family = [self.child.pid]

    def wait_for_address(self):
        """The URL in its line `listening on http://…`."""
        return self.wait(lambda: _address_in(self.out) or _address_in(self.err))

    def wait(self, ready):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.child.poll() is not None:
                raise Trouble(f"{self.name} ended with {self.child.returncode} as it started: {self.last_words()}")
            found = ready()
            if found:
                self.family = [self.child.pid, *_children(self.child.pid)]
                return found
            time.sleep(0.05)
        raise Trouble(f"{self.name} did not start within {START_SECONDS} s: {self.last_words()}")

    def last_words(self):
        texts = [path.read_text(errors="replace").strip()[-2000:] for path in (self.err, self.out) if path.exists()]
        return "\n".join(text for text in texts if text) or "it said nothing"

    def cpu(self):
        """(user, system) seconds taken so far by it and its children, all threads."""
        user = system = 0
        for pid in self.family:
            user_ticks, system_ticks = _stat(pid)[11:13]
            user, system = user + int(user_ticks), system + int(system_ticks)
        return user / TICKS, system / TICKS

    def wait_until_idle(self):
        """What it still has in its queue when the load has left would be the next contender's loss."""
        end = time.monotonic() + START_SECONDS
        before = self.cpu()
        while time.monotonic() < end:
            time.sleep(0.1)
            now = self.cpu()
            if sum(now) - sum(before) < 0.02:
                return
            before = now
        raise Trouble(f"{self.name} is still busy {START_SECONDS} s after the load has left")

    def rss_mib(self, what="VmRSS"):
        """Resident memory of the server's own process; "VmHWM" for the most that it ever was."""
        found = re.search(rf"^{what}:\s+(\d+) kB", pathlib.Path(f"/proc/{self.child.pid}/status").read_text(), re.M)
        if not found:
            raise Trouble(f"{self.name} ended while it was measured: {self.last_words()}")
        return int(found.group(1)) / 1024

    def stop(self, must_end_well=True):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                if must_end_well:
                    raise Trouble(f"{self.name} did not stop within {STOP_SECONDS} s of SIGTERM") from None
        if must_end_well and self.child.returncode not in (0, self.may_end_with):
            raise Trouble(f"{self.name} ended with {self.child.returncode}: {self.last_words()}")


def _address_in(path):
    match = re.search(r"listening on (http://[\w.:\[\]]+)", path.read_text(errors="replace"))
    return match and match.group(1)


def _stat(pid):
    try:
        # The name, in parentheses, may hold anything; what follows it is fields 3 and on.
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        raise Trouble(f"process {pid} ended while it was measured") from None


def _children(pid):
    found = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *_children(int(child))]
    return found
