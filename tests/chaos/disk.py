#!/usr/bin/env python3
"""Makes the k-th sync or write of the database's files fail (strace injects EIO and ENOSPC), for each k to 200.

  tests/chaos/disk.py [--binary build/release/mettle] [--rounds 6] [--seed N] [--only K]

--rounds is how many k of 1…200 are tried in each row of the table; 200 are all of them. For each, under two writers and a
reader:
  a sync fails once:   the process ends with a code that is not 0 and answers no write that had not been synced before: the
                       sync is not tried again, since the kernel has forgotten what it could not write (and would say yes);
  a write fails once:  it is answered 503 with a problem document and has no effect, reads and later writes go on;
  all writes fail from the k-th on (a full disk): each write is answered so, reads go on, SIGTERM ends the process;
  a command:           key create, backup and restore do not end with 0 when a sync of theirs failed;
  the start:           a server whose database cannot be made or opened ends with a code that is not 0.
Afterwards the server starts on the same data without faults: each acknowledged write is there, what was refused is not, keys
have one effect, and integrity_check finds nothing. What was hit (log, database, folder) comes from strace's own record.
"""
import collections
import pathlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

from load import Ledger, check_rows, check_sound, client_of, problem_code, read_all, repeat_keys, send_keyed, settle, Keyed
from rig import APP, Broken, Missing, Rig, Trouble, require, script

K_MAX = 200
LINE = re.compile(r"^\d+ +(?P<at>[\d.]+) (?P<call>\w+)\(\d+<(?P<file>[^>]*)>.* = (?P<result>-?\d+)(?P<rest>.*)$")
FLAGS = "--log-requests false"
BALLAST = "x" * 95_000  # 24 pages: the log is copied into the database after some eleven of them

Sent = collections.namedtuple("Sent", "marker began ended status")
Call = collections.namedtuple("Call", "at call file ok injected")


def kind_of(file):
    for ending, kind in (("-wal", "log"), ("-shm", "index"), ("-journal", "journal"), (".db", "database"), ("/lock", "lock"),
                         (".partial", "copy"), (".restoring", "copy")):
        if file.endswith(ending):
            return kind
    return "folder"


class Trace:
    """strace's record of a run, in the order of the calls."""

    def __init__(self, path):
        self.calls = []
        for line in path.read_text("utf-8", "replace").splitlines():
            found = LINE.match(line)
            if found:
                self.calls.append(Call(float(found["at"]), found["call"], kind_of(found["file"]), found["result"] != "-1",
                                       "INJECTED" in found["rest"]))

    def injected(self):
        return [call for call in self.calls if call.injected]

    def log_synced_between(self, began, ended):
        return any(call.ok and call.file == "log" and call.call in ("fsync", "fdatasync") and began < call.at < ended
                   for call in self.calls)


class Load(threading.Thread):
    """Writes rows, keyed rows and ballast; notes when each was sent and what came back."""

    def __init__(self, rig, ledger, name, chance, writes):
        super().__init__(daemon=True)
        self.client, self.ledger, self.prefix, self.chance, self.writes = client_of(rig, 20), ledger, name, chance, writes
        self.sent, self.fault = [], None

    def run(self):
        try:
            for number in range(self.writes):
                if not self.write(f"{self.prefix}-{number}"):
                    return
        except Broken as error:
            self.fault = error
        finally:
            self.client.close()

    def write(self, marker):
        table = self.chance.choice(("marks", "effects", "ballast", "ballast"))
        self.ledger.note(table, marker)
        began, keyed = time.time(), None
        if table == "effects":
            keyed = self.ledger.keyed[marker] = Keyed("/api/v1/effects", "effects", marker)
            answer = send_keyed(self.client, keyed)
        else:
            body = {"marker": marker, **({"body": BALLAST} if table == "ballast" else {})}
            answer = self.client.call("POST", f"/api/v1/{table}", body)
        if answer is None:
            return False
        self.sent.append(Sent(marker, began, time.time(), answer.status))
        if answer.status == 201:
            if keyed:
                settle(self.ledger, keyed, answer)
            self.ledger.note(table, marker, acked=True)
        elif answer.status != 503:
            raise Broken(f"{marker}: answered {answer.status}: {answer.body[:300]!r}")
        elif problem_code(answer) not in ("unavailable", "overloaded"):
            raise Broken(f"{marker}: 503 with {answer.body[:300]!r}")
        elif keyed is None:
            with self.ledger.lock:  # it must not be there
                self.ledger.sent[table].discard(marker)
        return True


class Reader(threading.Thread):
    """Reads all the time; whoever asks later wants to know whether each was answered."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.client, self.stopping, self.reads, self.fault = client_of(rig, 20), False, 0, None

    def run(self):
        while not self.stopping:
            answer = self.client.call("GET", "/api/v1/marks?limit=1&select=marker")
            if answer is None:
                return
            self.reads += 1
            if answer.status != 200:
                self.fault = Broken(f"a read was answered {answer.status}: {answer.body[:300]!r}")
                return
            time.sleep(0.002)


class Round:
    def __init__(self, options, calls, error, when, seed, known):
        self.rig = Rig(options, FLAGS)
        self.trace_path = self.rig.folder / "trace"
        self.prefix = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-y", "-ttt", "-s", "0", "-e", "signal=none",
                       "-o", str(self.trace_path), "-e", "trace=fsync,fdatasync,pwrite64,ftruncate",
                       "-e", f"inject={calls}:error={error}:when={when}"]
        self.chance, self.known, self.ledger = random.Random(seed), known, Ledger()

    def run_load(self, writes):
        """Until all is written or the server is gone."""
        reader = Reader(self.rig)
        loads = [Load(self.rig, self.ledger, f"w{n}", random.Random(self.chance.random()), writes) for n in range(2)]
        for thread in [reader, *loads]:
            thread.start()
        for load in loads:
            load.join(120)
            if load.is_alive():
                raise Broken("a write hangs")
        reader.stopping = True
        reader.join(30)
        for thread in [*loads, reader]:
            if thread.fault:
                raise thread.fault
        return [sent for load in loads for sent in load.sent], reader.reads

    def start(self):
        """Whether it listens under strace; if not, it must have ended with an error of its own."""
        self.rig.server.prefix = self.prefix
        try:
            self.rig.server.start()
            return True
        except Trouble as error:
            if not re.search(r"ended with [1-9]", str(error)):
                raise Broken(f"the start did not end with an error: {error}") from None
            return False
        finally:
            self.rig.server.prefix = []

    def trace(self):
        return Trace(self.trace_path)

    def after(self):
        """On a disk that works again."""
        self.rig.server.start()
        client = client_of(self.rig)
        repeat_keys(client, self.ledger, self.chance, "after the fault")
        check_rows(client, self.ledger)
        ballast = {row["marker"] for row in read_all(client, "ballast", "&select=id,marker")}
        lost, strange = self.ledger.acked["ballast"] - ballast, ballast - self.ledger.sent["ballast"]
        if lost or strange:
            raise Broken(f"ballast: acknowledged but lost {sorted(lost)[:5]}, "
                         f"there but refused or never sent {sorted(strange)[:5]}")
        client.close()
        self.rig.server.stop()
        check_sound(self.rig)

    def sync_fails(self, k):
        """Returns what was hit."""
        with self.rig:
            self.rig.make_key()
            if not self.start():
                return self.refused_to_start()
            sent, _ = self.run_load(2 * k + 60)
            injected = self.trace().injected()
            if not injected:
                raise Broken(f"the {k}-th sync was not reached")
            failed = injected[0]
            if failed.file == "folder" and self.folder_was_synced(failed):
                # SQLite passes over this one; the folder was synced before the first answer, and has not changed since.
                self.rig.server.stop()
            else:
                code = self.rig.wait_end(f"the sync of the {failed.file} failed")
                if code != 1:
                    raise Broken(f"the sync of the {failed.file} failed, and the process ended with {code}, not 1")
                self.check_answers(sent, failed)
            self.after()
            return failed.file

    def refused_to_start(self):
        injected = self.trace().injected()
        if not injected:
            raise Broken(f"it did not start without a fault; its log:\n{self.rig.server.tail()}")
        self.after()
        return f"{injected[0].file} at the start"

    def folder_was_synced(self, failed):
        return any(call.file == "folder" and call.ok and call.at < failed.at for call in self.trace().calls)

    def check_answers(self, sent, failed):
        trace = self.trace()
        for one in sent:
            if one.status == 201 and one.ended > failed.at and not trace.log_synced_between(one.began, failed.at):
                raise Broken(f"{one.marker} was answered 201, but the log's sync failed and none had gone well since it was sent")

    def write_fails(self, k, lasting):
        with self.rig:
            self.rig.make_key()
            if not self.start():
                return self.refused_to_start()
            sent, reads = self.run_load(k // 4 + 40)  # each write of a row is several of the file
            self.rig.alive()
            injected = self.trace().injected()
            if not injected:
                raise Broken(f"the {k}-th write was not reached")
            refused = sum(one.status == 503 for one in sent)
            if lasting and sent[-1].status == 201:
                raise Broken("no write of the database's files works, and a request was acknowledged")
            if not reads:
                raise Broken("no read was answered meanwhile")
            client = client_of(self.rig, 20)
            if client.call("GET", "/readyz").status != 200:
                raise Broken("reads work, but /readyz says otherwise")
            if not lasting and client.call("POST", "/api/v1/marks", {"marker": "later"}).status != 201:
                raise Broken("one write failed, and later ones are refused")
            if not lasting:
                self.ledger.note("marks", "later")
                self.ledger.note("marks", "later", acked=True)
            client.close()
            self.stop_somehow()
            self.after()
            return f"{injected[0].file}, {'refused' if refused else 'nobody concerned'}"

    def stop_somehow(self):
        """It may say that the log could not be copied; it must not hang or crash."""
        self.rig.server.process.send_signal(signal.SIGTERM)
        code = self.rig.wait_end("SIGTERM on a full disk")
        if code not in (0, 1):
            raise Broken(f"ended with {code} after SIGTERM")

    def fresh_start_fails(self):
        """The very first start, which makes the database."""
        with self.rig:
            if self.start():
                self.rig.server.kill()
                hit = "nothing"
            else:
                hit = self.trace().injected()[0].file if self.trace().injected() else None
            if hit is None:
                raise Broken(f"it did not start without a fault; its log:\n{self.rig.server.tail()}")
            self.rig.make_key()
            self.after()
            return hit

    def command_fails(self):
        """key create, backup, restore: none says that it is done when what it wrote was not synced."""
        with self.rig:
            self.rig.make_key()
            copy, hits = str(self.rig.folder / "copy.db"), []
            for words in (["key", "create", str(APP), "--data", str(self.rig.data), "--role", "writer"],
                          ["backup", "--data", str(self.rig.data), "-o", copy],
                          ["restore", copy, "--data", str(self.rig.folder / "restored")]):
                hits.append(self.command_under_fault(words))
            self.after()
            return ", ".join(hit for hit in hits if hit) or "nothing"

    def command_under_fault(self, words):
        done = subprocess.run([*self.prefix, self.rig.binary, *words], capture_output=True, text=True, env=self.rig.server.env,
                              cwd=self.rig.folder, timeout=self.rig.options.patience, check=False)
        trace = self.trace()
        # SQLite passes over a folder's; the command syncs it itself, before or after.
        harmless = any(call.file == "folder" and call.ok for call in trace.calls)
        failed = [call for call in trace.injected() if call.file != "folder" or not harmless]
        if failed and done.returncode != 1:
            raise Broken(f"mettle {words[0]}: a sync of the {failed[0].file} failed, and it ended with {done.returncode}")
        if not trace.injected() and done.returncode != 0:
            raise Broken(f"mettle {words[0]} without a fault: {done.stderr}")
        if done.returncode == 0:
            return ""
        for made in (words[-1], words[-1] + "/app.db"):
            if words[0] != "key" and pathlib.Path(made).is_file():
                pathlib.Path(made).unlink()  # it has its name, but the folder was not synced
        again = self.rig.cli(*words)
        if again.returncode != 0:
            raise Broken(f"mettle {words[0]} after a fault: {again.stderr}")
        return f"{trace.injected()[0].file} of {words[0]}"


ROWS = {
    "sync-eio": ("EIO at the k-th sync", "fdatasync", "EIO", ""),
    "sync-enospc": ("ENOSPC at the k-th sync", "fdatasync", "ENOSPC", ""),
    "write-eio": ("EIO at the k-th write", "pwrite64", "EIO", ""),
    "write-enospc": ("ENOSPC at the k-th write", "pwrite64", "ENOSPC", ""),
    "full": ("ENOSPC from the k-th write on", "pwrite64", "ENOSPC", "+"),
    "start-sync": ("EIO at the k-th sync of the first start", "fsync,fdatasync", "EIO", ""),
    "command-sync": ("EIO at the k-th fdatasync of a command", "fdatasync", "EIO", ""),
    "command-fsync": ("EIO at the k-th fsync of a command", "fsync", "EIO", ""),
    "start-write": ("ENOSPC at the k-th write of the first start", "pwrite64,ftruncate", "ENOSPC", ""),
}
START_K_MAX = 12  # also of the commands: none syncs more often


def one(options, row, k):
    _, calls, error, lasting = ROWS[row]
    run = Round(options, calls, error, f"{k}{lasting}", f"{options.seed}-{row}-{k}", None)
    if row.startswith("start"):
        return run.fresh_start_fails()
    if row.startswith("command"):
        return run.command_fails()
    if row.startswith("sync"):
        return run.sync_fails(k)
    return run.write_fails(k, bool(lasting))


def execute(options, report):
    require("strace")
    if "SAN_OPTIONS" in "".join(options.env) or options.sanitized:
        raise Missing("a sanitizer's leak check does not work under strace")
    for row, (what, *_) in ROWS.items():
        if options.row and row != options.row:
            continue
        last = START_K_MAX if row.startswith(("start", "command")) else K_MAX
        chance = random.Random(f"{options.seed}-{row}")
        chosen = [options.only] if options.only else sorted(chance.sample(range(1, last + 1), min(options.rounds, last)))
        hits = collections.Counter()
        with report.row(what) as line:
            for k in chosen:
                with line.attempt(f"k={k}", f"--row {row} --only {k}"):
                    hits[one(options, row, k)] += 1
                line.progress(len(chosen))
            line.note = ", ".join(f"{count} {hit}" for hit, count in hits.most_common())


def add_options(parser):
    parser.add_argument("--only", type=int, metavar="K", help="this k alone")
    parser.add_argument("--row", choices=list(ROWS), help="this row alone")
    parser.add_argument("--sanitized", action="store_true", help="the binary has a sanitizer: skip")


if __name__ == "__main__":
    sys.exit(script(__doc__, 6, execute, add_options))
