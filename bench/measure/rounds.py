"""The rounds: contenders take turns, so that whatever the machine does meanwhile falls on all of them alike."""
import json
import os
import pathlib
import sqlite3
import subprocess

from .cases import check, fresh_mark, typical_body
from .contenders import Nginx
from .process import SyncCount, on_cores
from .trouble import Trouble, say

LOAD = pathlib.Path(__file__).resolve().parent.parent / "load.lua"
COUNTING_SECONDS = 3


def rows_kept(contender):
    """By its server, which must have stopped."""
    database = sqlite3.connect(contender.database)
    try:
        return database.execute("SELECT count(*) FROM categories").fetchone()[0]
    finally:
        database.close()


class Stage:
    """Servers that run beside each other on the cores that a case asks for; all but one of them idle."""

    def __init__(self, contenders, cores, folder, sync_counts=None):
        self.contenders, self.cores, self.folder = contenders, cores, folder
        self.sync_counts = sync_counts or {}
        self.running = {}

    def __enter__(self):
        try:
            for contender in self.contenders:
                self.running[contender.name] = contender.start(self.cores, self.folder, self.sync_counts.get(contender.name))
        except BaseException:
            self.stop(must_end_well=False)
            raise
        return self

    def __exit__(self, kind, _value, _trace):
        self.stop(must_end_well=kind is None)

    def stop(self, must_end_well):
        troubles = []
        for process, _url in self.running.values():
            try:
                process.stop(must_end_well)
            except Trouble as trouble:
                troubles.append(trouble)
        if troubles:
            raise troubles[0]

    def of(self, contender):
        return self.running[contender.name]


class Measurement:
    """One run of all cases; `acknowledged` has the rows that each contender said it kept."""

    def __init__(self, contenders, cores, shop, folder, probe, rounds, seconds):
        self.contenders, self.cores, self.shop, self.folder, self.probe = contenders, cores, shop, folder, probe
        self.rounds, self.seconds = rounds, seconds
        self.acknowledged = {contender.name: 0 for contender in contenders}

    def measure(self, case):
        contenders = [contender for contender in self.contenders if case.kind in contender.serves]
        server_cores = self.cores[:1] if case.apart else self.cores
        found = {contender.name: [] for contender in contenders}
        with Stage(contenders, server_cores, self.folder) as stage:
            for contender in contenders:
                check(case.kind, contender, stage.of(contender)[1], self.shop)
            for contender in contenders:
                say(f"{case.name}: warming {contender.title}")
                self.round(case, contender, stage, max(1, self.seconds // 2))
            for number in range(1, self.rounds + 1):
                for contender in contenders:
                    if case.writes:
                        self.probe.sample()
                    figures = self.round(case, contender, stage, self.seconds)
                    found[contender.name].append(figures)
                    say(f"{case.name}: round {number} of {self.rounds}, {contender.title}: {figures['per_second']:,.0f}/s")
        syncs = self.count_syncs(case, contenders) if case.writes else {}
        return {"name": case.name, "title": case.title, "connections": case.connections, "apart": case.apart,
                "writes": case.writes,
                "contenders": [{"name": contender.name, "title": contender.title, "rounds": found[contender.name],
                                "syncs_per_row": syncs.get(contender.name)} for contender in contenders]}

    def round(self, case, contender, stage, seconds):
        process, url = stage.of(contender)
        counted = contender.counters(url) if case.writes else {}
        user, system = process.cpu()
        summary = self.wrk(case, contender, url, seconds)
        user_after, system_after = process.cpu()
        requests = summary["requests"]
        if case.writes:
            self.acknowledged[contender.name] += requests
        figures = {"requests": requests, "per_second": requests * 1e6 / summary["duration_us"], "p50_us": summary["p50_us"],
                   "p99_us": summary["p99_us"], "max_us": summary["max_us"], "user_us": (user_after - user) * 1e6 / requests,
                   "system_us": (system_after - system) * 1e6 / requests}
        if counted:
            after = contender.counters(url)
            commits = after["commits"] - counted["commits"]
            figures["rows_per_commit"] = (after["rows"] - counted["rows"]) / commits if commits else None
        return figures

    def wrk(self, case, contender, url, seconds):
        cores = self.cores[1:] if case.apart else self.cores
        environment = {**os.environ, "BENCH_LOAD": case.load, "BENCH_PRODUCTS": str(self.shop.products),
                       "BENCH_KEY": contender.key or "", "BENCH_MARK": fresh_mark()}
        command = on_cores(cores, ["wrk", "--threads", 1, "--connections", case.connections, "--duration", f"{seconds}s",
                                   "--timeout", "10s", "--script", LOAD, url])
        child = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        try:
            output, _ = child.communicate(timeout=seconds + 60)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        lines = [line for line in output.splitlines() if line.startswith("BENCH ")]
        if child.returncode != 0 or not lines:
            raise Trouble(f"wrk ended with {child.returncode}: {output.strip()[-1000:]}")
        summary = json.loads(lines[0][len("BENCH "):])
        broken = {what: summary[what] for what in ("status", "connect", "read", "write", "timeout") if summary[what]}
        if broken or not summary["requests"]:
            raise Trouble(f"{case.name}: {contender.title} failed under load, of {summary['requests']} requests: {broken}; "
                          f"a contender that fails is not measured (its log: --keep)")
        return summary

    def count_syncs(self, case, contenders):
        """fdatasync and fsync calls a row, in a round of its own: strace slows what it counts."""
        if not SyncCount.available():
            say("strace is not installed or may not trace: syncs a row are not counted")
            return {}
        found = {}
        for contender in contenders:
            counter = SyncCount(self.folder, contender.name)
            rows = -rows_kept(contender)
            with Stage([contender], self.cores, self.folder, {contender.name: counter}) as stage:
                self.round(case, contender, stage, COUNTING_SECONDS)
            # All of the process's life and all rows that it kept: those in flight when wrk ends are many for a slow disk.
            rows += rows_kept(contender)
            found[contender.name] = counter.total() / rows
            say(f"{case.name}: {contender.title}: {found[contender.name]:.3f} syncs a row")
        return found

    def count_rows(self):
        """Each row that was acknowledged must be in the file that the server left behind."""
        found = {}
        for contender in self.contenders:
            if contender.database is None:
                continue
            kept = rows_kept(contender)
            acknowledged = self.acknowledged[contender.name]
            if kept < acknowledged:
                raise Trouble(f"{contender.title} acknowledged {acknowledged} rows and kept {kept}")
            found[contender.name] = {"acknowledged": acknowledged, "kept": kept}
        return found

    def imitate(self):
        """Gives nginx the body to return: what Mettle answers, else what Fastify does."""
        copies = [contender for contender in self.contenders if isinstance(contender, Nginx)]
        originals = [contender for contender in self.contenders if not isinstance(contender, Nginx)]
        with Stage(originals[:1], self.cores, self.folder) as stage:
            body = typical_body(originals[0], stage.of(originals[0])[1], self.shop)
        for copy in copies:
            copy.body = body
        return len(body.encode())
