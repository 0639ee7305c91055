"""What the figures were taken on: the header of the table, and the machine's own fdatasync."""
import datetime
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import time

from .trouble import Trouble

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "bench" / "peers"


def find_tool(name):
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if path is None:
        raise Trouble(f"{name} is not installed; run `make setup`")
    return path


def check_tools():
    for name in ("wrk", "nginx", "node", "taskset", "clang-19"):
        find_tool(name)
    if not (PEERS / "node_modules/better-sqlite3/build/Release/better_sqlite3.node").exists():
        raise Trouble("better-sqlite3 is not compiled; run `make setup`")


def two_cores():
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Trouble("needs two cores: one for the server, one for the load")
    return cores[:2]


class SyncProbe:
    """How long this folder's disk takes to make 4 KiB durable, as a write-ahead log does: written over, in order."""

    BLOCK, BLOCKS = 4096, 1024

    def __init__(self, folder):
        self.file = os.open(pathlib.Path(folder) / "sync-probe", os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(self.file, b"\0" * self.BLOCK * self.BLOCKS)
        os.fsync(self.file)
        self.next_block, self.seconds = 0, []

    def sample(self, count=50):
        """The seconds that each took."""
        block, begun_at = b"x" * self.BLOCK, len(self.seconds)
        for _ in range(count):
            os.pwrite(self.file, block, self.next_block * self.BLOCK)
            self.next_block = (self.next_block + 1) % self.BLOCKS
            begun = time.perf_counter()
            os.fdatasync(self.file)
            self.seconds.append(time.perf_counter() - begun)
        return self.seconds[begun_at:]

    def close(self):
        os.close(self.file)

    def figures(self):
        ordered = sorted(self.seconds)
        return {"samples": len(ordered), "min_us": ordered[0] * 1e6, "median_us": statistics.median(ordered) * 1e6,
                "p99_us": ordered[int(len(ordered) * 0.99)] * 1e6, "max_us": ordered[-1] * 1e6}


class CpuClock:
    """What share of the machine's time was stolen by its host, since this was made."""

    def __init__(self):
        self.begun = self._read()

    @staticmethod
    def _read():
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[7]

    def stolen(self):
        total, steal = (now - then for now, then in zip(self._read(), self.begun))
        return steal / total if total else 0.0


def file_system(folder):
    """(kind, device) of the mount that holds the folder."""
    folder, best = str(pathlib.Path(folder).resolve()), ("", "?", "?")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        if (folder + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
            best = (point, kind, device)
    return best[1:]


def first_line(command):
    """What a tool says of its version, on whichever stream."""
    try:
        done = subprocess.run(command, text=True, capture_output=True, check=False)
    except OSError:
        return "not installed"
    return (done.stdout + done.stderr).strip().split("\n")[0]


def versions(mettle):
    modules = {name: (PEERS / "node_modules" / name / "package.json").read_text() for name in ("fastify", "better-sqlite3", "json-server")}
    modules = {name: re.search(r'"version":\s*"([^"]+)"', text).group(1) for name, text in modules.items()}
    inside = first_line(["node", "-p", f"new (require('{PEERS}/node_modules/better-sqlite3'))(':memory:')"
                         ".prepare('SELECT sqlite_version()').pluck().get()"])
    wrk = re.search(r"wrk \S*?([\d.]+)", first_line(["wrk", "-v"]))
    return {"mettle": f"{first_line([str(mettle), '--version'])}, {build_kind(mettle)}, commit {commit()}",
            "nginx": first_line([find_tool("nginx"), "-v"]).rpartition("/")[2],
            "fastify": f"{modules['fastify']} on Node {first_line(['node', '--version']).lstrip('v')}",
            "better_sqlite3": f"{modules['better-sqlite3']} with SQLite {inside}",
            "json_server": modules["json-server"], "wrk": wrk.group(1) if wrk else "unknown"}


def build_kind(mettle):
    """From the CMake cache beside the binary, if it still lies there: a debug build must not pass for a release."""
    cache = pathlib.Path(mettle).resolve().parent / "CMakeCache.txt"
    if not cache.exists():
        return "build unknown"
    values = dict(re.findall(r"^(CMAKE_BUILD_TYPE|METTLE_SANITIZE|METTLE_PROFILE):\w+=(.+)$", cache.read_text(), re.M))
    profile = {None: "not optimised by a profile", "GENERATE": "COUNTING A PROFILE"}.get(values.get("METTLE_PROFILE"),
                                                                                       "optimised by a profile (decision 0009)")
    return " ".join(filter(None, (values.get("CMAKE_BUILD_TYPE", "build unknown"), values.get("METTLE_SANITIZE"), profile)))


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"], text=True,
                          capture_output=True, check=False)
    return done.stdout.strip() or "unknown"


def describe(folder):
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    kind, _ = file_system(folder)
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(int(memory.group(1)) / 2**20, 1), "kernel": platform.release(), "file_system": kind,
            "load_before": round(os.getloadavg()[0], 2),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")}
