"""Servers that run beside each other, and what all cases share."""
import sqlite3

from .arithmetic import quantile
from .contenders import Fastify, JsonServer, Mettle, Nginx, RuledMettle
from .native import Native
from .trouble import Trouble, say


class Stage:
    """Servers on the cores that a case asks for; all but the one whose turn it is idle."""

    def __init__(self, contenders, cores, folder, calls=None):
        self.contenders, self.cores, self.folder = contenders, cores, folder
        self.calls, self.running = calls or {}, {}

    def __enter__(self):
        try:
            for contender in self.contenders:
                self.running[contender.name] = contender.start(self.cores, self.folder, self.calls.get(contender.name))
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


class Bench:
    """One run: where, with whom, how long; and the rows that each contender said it kept, held against its file in the end."""

    def __init__(self, mettle, folder, cores, shop, probe, rounds, seconds):
        self.folder, self.cores, self.shop, self.probe = folder, cores, shop, probe
        self.rounds, self.seconds, self.native = rounds, seconds, Native(folder)
        everybody = (Mettle(mettle, folder), RuledMettle(mettle, folder), Nginx(folder), Fastify(folder), JsonServer(folder))
        self.everybody = {contender.name: contender for contender in everybody}
        self.acknowledged, self.at_first = {}, {}

    def contender(self, name):
        """Loaded when it is first asked for."""
        contender = self.everybody[name]
        if not contender.loaded:
            say(f"loading {contender.title}")
            contender.prepare(self.shop)
        return contender

    def stage(self, contenders, apart, calls=None):
        return Stage(contenders, self.cores[:1] if apart else self.cores, self.folder, calls)

    def load_cores(self, apart):
        return self.cores[1:] if apart else self.cores

    def numbers(self):
        return range(1, self.rounds + 1)

    def note_rows(self, contender, table, rows):
        key = (contender.name, table)
        self.acknowledged[key] = self.acknowledged.get(key, 0) + rows

    def expect_rows(self, contender, table):
        """To be called while its server is stopped, before rows of this table are first written."""
        if (contender.name, table) not in self.at_first:
            self.at_first[contender.name, table] = _rows_of(contender, table)

    def count_rows(self):
        """Each row that was acknowledged must be in the file that the server left behind."""
        found = []
        for (name, table), acknowledged in self.acknowledged.items():
            contender = self.everybody[name]
            kept = _rows_of(contender, table) - self.at_first[name, table]
            if kept < acknowledged:
                raise Trouble(f"{contender.title} acknowledged {acknowledged} rows of {table} and kept {kept}")
            found.append({"contender": name, "table": table, "acknowledged": acknowledged, "kept": kept})
        return found


def _rows_of(contender, table):
    database = sqlite3.connect(contender.database)
    try:
        return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        database.close()


def sync_median_us(probe, count=50):
    """Of this disk, now."""
    return quantile(probe.sample(count), 0.5) * 1e6
