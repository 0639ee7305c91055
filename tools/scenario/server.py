"""The program under test as a process of its own: started on a free port, its log kept, stopped by its pid."""
import os
import pathlib
import re
import shlex
import signal
import subprocess
import threading
import time

LISTENING = re.compile(r"listening on (https?):(?:\\?/){2}(\[[0-9a-fA-F:]+\]|[0-9.]+|localhost):(\d+)")
START_SECONDS = float(os.environ.get("SCENARIO_START_SECONDS", "60"))
STOP_SECONDS = 40  # the server grants running requests 30


class Trouble(Exception):
    """The program under test did not start, or did not stop as it must."""


class Server:
    """start(), stop() and kill() may be called again and again; the data folder and the port stay."""

    def __init__(self, binary, app, folder, flags, env):
        self.binary, self.app, self.folder, self.flags, self.env = binary, app, folder, flags, env
        self.log_path = pathlib.Path(folder) / "server.log"
        self.process, self.host, self.port = None, "127.0.0.1", 0
        self.prefix = []  # before the command: a program that becomes it (prlimit, strace -D)

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def log(self):
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def tail(self, lines=25):
        return "\n".join("    | " + line[:400] for line in self.log().splitlines()[-lines:])

    def start(self):
        """Returns when the server says where it listens."""
        command = self.prefix + [self.binary, "serve", self.app, "--listen", f"127.0.0.1:{self.port}", "--data",
                   str(pathlib.Path(self.folder) / "data")] + shlex.split(self.flags)
        offset = len(self.log())
        # Its output goes to a file, not to a pipe: a pipe nobody reads would stop it.
        with open(self.log_path, "ab") as sink:
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=sink, stderr=sink)
        until = time.monotonic() + START_SECONDS
        while True:
            found = LISTENING.search(self.log(), offset)
            if found:
                self.port = int(found.group(3))
                return
            if self.process.poll() is not None:
                code, self.process = self.process.returncode, None
                raise Trouble(f"{shlex.join(command)}\n    ended with {code} before it listened; its log:\n{self.tail()}")
            if time.monotonic() > until:
                self.kill()
                raise Trouble(f"{shlex.join(command)}\n    did not say \"listening on http://…\" within "
                              f"{START_SECONDS:.0f} s; its log:\n{self.tail()}")
            time.sleep(0.01)

    def stop(self):
        """SIGTERM; it must end with 0, which a sanitizer's finding does not."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Trouble(f"did not end within {STOP_SECONDS} s of SIGTERM; its log:\n{self.tail()}") from None
        if code != 0:
            raise Trouble(f"ended with {code} after SIGTERM, must be 0; its log:\n{self.tail(60)}")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def died(self):
        """Why a server that should run does not, or None."""
        if self.process is not None and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            return f"the server ended by itself with {code}; its log:\n{self.tail(60)}"
        return None


def environment(folder, extra):
    """What the program gets: nothing of the caller's but what a program needs to run and sanitizers need to report."""
    kept = {name: value for name, value in os.environ.items()
            if name in ("PATH", "LANG", "LC_ALL", "TZ", "LLVM_PROFILE_FILE") or name.endswith("SAN_OPTIONS") or name.endswith("_SYMBOLIZER_PATH")}
    kept.update({"HOME": str(folder), "TMPDIR": str(folder)})
    kept.update(extra)
    return kept


def wait_for_thread(thread, seconds, what):
    thread.join(seconds)
    if thread.is_alive():
        raise Trouble(f"{what} did not end within {seconds} s")


def in_parallel(count, work):
    """Runs work(n) in `count` threads that start together; returns the results in order of n."""
    results, gate = [None] * count, threading.Barrier(count)

    def one(n):
        gate.wait()
        try:
            results[n] = work(n)
        except Exception as error:  # shown by the caller as that copy's result
            results[n] = error
    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        wait_for_thread(thread, 120, "a parallel copy")
    return results
