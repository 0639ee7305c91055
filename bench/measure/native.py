"""The two small C programs of bench/native: `offer`, which sends requests at a rate, and the counter of calls."""
import os
import struct

from .machine import ROOT, find_tool
from .process import run

SOURCES = ROOT / "bench" / "native"
FLAGS = ("-O2", "-std=gnu17", "-Wall", "-Wextra", "-Werror")


class Native:
    """Compiled into a folder when first asked for."""

    def __init__(self, folder):
        self.folder = folder

    def _made(self, name, source, *flags):
        path = self.folder / name
        if not path.exists():
            run([find_tool("clang-19"), *FLAGS, *flags, "-o", path, SOURCES / source])
        return path

    @property
    def offer(self):
        return self._made("offer", "offer.c")

    def calls(self, name, allocations=False):
        """Counts the syncs of one process and, where asked, its allocations; each of these then costs some nanoseconds more."""
        more = () if allocations else ("-DSYNCS_ONLY",)
        library = self._made("allocations.so" if allocations else "syncs.so", "count_calls.c", "-shared", "-fPIC", *more)
        return Calls(library, self.folder / f"{name}.calls")


class Calls:
    FORMAT = "=4Q"

    def __init__(self, library, path):
        self.library, self.path = library, path
        path.write_bytes(bytes(struct.calcsize(self.FORMAT)))

    def environment(self):
        return {"LD_PRELOAD": os.fspath(self.library), "BENCH_CALLS": os.fspath(self.path)}

    def read(self):
        allocations, asked, frees, syncs = struct.unpack(self.FORMAT, self.path.read_bytes())
        return {"allocations": allocations, "bytes": asked, "frees": frees, "syncs": syncs}
