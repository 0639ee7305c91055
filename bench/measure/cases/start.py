"""How long from the start of the process to its first answer, with the shop's data in its folder."""
import os
import subprocess
import time

from ..contenders import answers, free_port
from ..process import on_cores
from ..trouble import Trouble, say
from .shape import each

STARTS = 3  # in each round
PRODUCT = "/api/v1/products/01900000-0000-7000-8000-000300000001"
LIMIT_SECONDS = 30


class Start:
    name = "start"
    title = "cold start to the first answer (a product by its id)"

    def run(self, bench):
        contenders = [bench.contender(name) for name in ("mettle", "fastify")]
        rounds = {contender.name: [] for contender in contenders}
        for number in bench.numbers():
            for contender in contenders:
                figures = {"warm_ms": min(self.start(bench, contender, False) for _ in range(STARTS)),
                           "cold_ms": self.start(bench, contender, True)}
                rounds[contender.name].append(figures)
                say(f"{self.name}: round {number} of {bench.rounds}, {contender.title}: {figures['warm_ms']:.0f} ms, "
                    f"from the disk {figures['cold_ms']:.0f} ms")
        return {"name": self.name, "contenders": [{"name": contender.name, "title": contender.title,
                                                   "rounds": rounds[contender.name]} for contender in contenders]}

    @staticmethod
    def start(bench, contender, from_disk):
        if from_disk:
            forget(contender.database)
            if hasattr(contender, "binary"):
                forget(contender.binary)
        port = free_port()
        command = [str(part) for part in on_cores(bench.cores, contender.command(bench.cores))]
        environment = {**contender.environment(), "PORT": str(port)}
        command = [part.replace("127.0.0.1:0", f"127.0.0.1:{port}") for part in command]
        url = f"http://127.0.0.1:{port}"
        with open(bench.folder / "start.out", "wb") as out:
            begun = time.perf_counter()
            child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
            try:
                while not answers(url, PRODUCT):
                    if child.poll() is not None or time.perf_counter() - begun > LIMIT_SECONDS:
                        raise Trouble(f"{contender.title} did not answer: {(bench.folder / 'start.out').read_text()[-1000:]}")
                    time.sleep(0.0005)
                return (time.perf_counter() - begun) * 1000
            finally:
                child.terminate()
                child.wait()

    @staticmethod
    def where():
        return ("from exec to the last byte; the best of three with all files in the page cache, and one after the database and the "
                "binary were dropped from it; both cores")

    @staticmethod
    def table(found):
        columns = ["", "ms min / median / max", "ms from the disk, min / median / max"]
        return columns, [[one["title"], each(one["rounds"], "warm_ms"), each(one["rounds"], "cold_ms")] for one in found["contenders"]]


def forget(path):
    """Takes a file's pages out of the page cache; those that are dirty or mapped stay."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)


CASE = Start()
