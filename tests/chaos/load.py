"""Clients of the chaos app (mettle.yaml) that remember what was acknowledged, and the checks of what must be there then."""
import collections
import json
import random
import socket
import sqlite3
import threading
import time

from rig import Broken

BATCH = 5
PAGE = 1000

Answer = collections.namedtuple("Answer", "status body headers")


class Client:
    """One keep-alive connection that bears the key. call() gives None when the connection broke before the answer came; the
    next call makes a new connection."""

    def __init__(self, host, port, key, timeout=60):
        self.address, self.key, self.timeout, self.socket, self.pending = (host, port), key, timeout, None, b""

    def call(self, method, path, body=None, headers=()):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", **dict(headers)}
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address[0]}:{self.address[1]}"]
        if body is not None:
            kind = "merge-patch+json" if method == "PATCH" else "json"
            lines += [f"Content-Type: application/{kind}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            if self.socket is None:
                self.socket, self.pending = socket.create_connection(self.address, self.timeout), b""
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
            return self.read_answer(method)
        except (OSError, ValueError):
            self.close()
            return None

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise OSError("closed")
        self.pending += got

    def read_answer(self, method):
        while b"\r\n\r\n" not in self.pending:
            self.more()
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        status = int(status_line.split(" ", 2)[1])
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if method == "HEAD" or status in (204, 304) else int(headers.get("content-length", "0"))
        while len(self.pending) < length:
            self.more()
        body, self.pending = self.pending[:length], self.pending[length:]
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, body, headers)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def client_of(rig, timeout=60):
    return Client(rig.server.host, rig.server.port, rig.key, timeout)


def problem_code(answer):
    """The code of a problem document; an error that is none is a fault."""
    if answer.headers.get("content-type") != "application/problem+json":
        raise Broken(f"{answer.status} with {answer.headers.get('content-type')}, not a problem: {answer.body[:300]!r}")
    problem = json.loads(answer.body)
    if problem.get("status") != answer.status or not problem.get("code"):
        raise Broken(f"{answer.status} with the problem {answer.body[:300]!r}")
    return problem["code"]


class Ledger:
    """What the writers sent and what the server acknowledged; shared by the writers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = collections.defaultdict(set)  # table -> markers
        self.acked = collections.defaultdict(set)
        self.groups = {}  # group -> acknowledged?
        self.keyed = {}  # key -> Keyed
        self.requests = self.refused = self.replays = 0

    def note(self, table, marker, acked=False):
        with self.lock:
            (self.acked if acked else self.sent)[table].add(marker)

    def acked_rows(self):
        return sum(len(markers) for markers in self.acked.values())


class Keyed:
    """One request with an Idempotency-Key and the first answer it got."""

    def __init__(self, path, table, marker):
        self.path, self.table, self.marker, self.answer = path, table, marker, None

    def body(self):
        return {"marker": self.marker}


class Writer(threading.Thread):
    """Writes until the connection breaks (or, with `stays`, until told to stop); its choices come from its own generator."""

    def __init__(self, name, client, ledger, chance, stays=False, statuses_shed=(503,),
                 pause=0.0, kinds=("row", "row", "batch", "keyed_row", "keyed_command")):
        super().__init__(daemon=True)
        self.prefix, self.client, self.ledger, self.chance = name, client, ledger, chance
        self.fault, self.stopping, self.stays, self.statuses_shed = None, False, stays, statuses_shed
        self.pause = pause  # between its requests, where its share of the processor is not the point
        self.kinds = [getattr(self, kind) for kind in kinds]

    def run(self):
        number = 0
        try:
            while not self.stopping:
                number += 1
                marker = f"{self.prefix}-{number}"
                if not self.chance.choice(self.kinds)(marker):
                    if not self.stays:
                        return
                    time.sleep(0.01)  # the server is away
                if self.pause:
                    time.sleep(self.pause)
        except Broken as error:
            self.fault = error
        finally:
            self.client.close()

    def answered(self, answer, marker, statuses):
        """Whether it was acknowledged; an answer that is neither success nor shedding is a fault."""
        if answer is None:
            return False
        self.ledger.requests += 1
        if answer.status in statuses:
            return True
        if answer.status in self.statuses_shed:
            self.ledger.refused += 1
            problem_code(answer)
            return False
        raise Broken(f"{marker}: answered {answer.status}: {answer.body[:500]!r}")

    def row(self, marker):
        self.ledger.note("marks", marker)
        answer = self.client.call("POST", "/api/v1/marks", {"marker": marker})
        if self.answered(answer, marker, (201,)):
            self.ledger.note("marks", marker, acked=True)
        return answer is not None

    def batch(self, group):
        markers = [f"{group}.{i}" for i in range(BATCH)]
        self.ledger.groups[group] = False
        for marker in markers:
            self.ledger.note("marks", marker)
        operations = [{"method": "POST", "path": "/marks", "body": {"marker": marker, "grouping": group}} for marker in markers]
        answer = self.client.call("POST", "/api/v1/batch", {"operations": operations})
        if self.answered(answer, group, (200,)):
            self.ledger.groups[group] = True
            for marker in markers:
                self.ledger.note("marks", marker, acked=True)
        return answer is not None

    def keyed_row(self, marker):
        return self.keyed(Keyed("/api/v1/effects", "effects", marker))

    def keyed_command(self, marker):
        self.ledger.note("marks", marker)
        return self.keyed(Keyed("/api/v1/commands/record", "effects", marker))

    def keyed(self, request):
        self.ledger.note("effects", request.marker)
        self.ledger.keyed[request.marker] = request
        answer = send_keyed(self.client, request)
        if self.answered(answer, request.marker, (200, 201)):
            settle(self.ledger, request, answer)
        return answer is not None


def send_keyed(client, request):
    return client.call("POST", request.path, request.body(), {"Idempotency-Key": request.marker})


def settle(ledger, request, answer):
    """Remembers the first answer of a key, or compares a later one with it."""
    got = (answer.status, answer.body)
    if request.answer is None:
        request.answer = got
        ledger.note("effects", request.marker, acked=True)
        if "commands" in request.path:
            ledger.note("marks", request.marker, acked=True)
    elif request.answer != got:
        raise Broken(f"Idempotency-Key {request.marker}: first {request.answer!r}, then {got!r}")


def start_writers(rig, ledger, chance, count, name, **options):
    writers = [Writer(f"{name}-w{w}", client_of(rig), ledger, random.Random(chance.random()), **options) for w in range(count)]
    for writer in writers:
        writer.start()
    return writers


def join_writers(writers):
    for writer in writers:
        writer.stopping = True
    for writer in writers:
        writer.join(90)
        if writer.is_alive():
            raise Broken("a writer hangs")
        if writer.fault:
            raise writer.fault


def repeat_keys(client, ledger, chance, where, sample=20):
    """What had no answer is sent again; of what had one, a sample: the old answers must come back."""
    open_ = [request for request in ledger.keyed.values() if request.answer is None]
    done = [request for request in ledger.keyed.values() if request.answer is not None]
    for request in open_ + chance.sample(done, min(len(done), sample)) + open_:
        answer = send_keyed(client, request)
        if answer is None or answer.status not in (200, 201):
            raise Broken(f"{where}: repeat of key {request.marker} got {answer and answer[:2]!r}")
        settle(ledger, request, answer)
        ledger.replays += 1


def read_all(client, table, shape=""):
    """Every row of a table through the API."""
    rows, cursor = [], None
    while True:
        path = f"/api/v1/{table}?limit={PAGE}{shape}" + (f"&cursor={cursor}" if cursor else "")
        answer = client.call("GET", path)
        if answer is None or answer.status != 200:
            raise Broken(f"GET {path}: {answer and answer[:2]!r}")
        page = json.loads(answer.body)
        rows += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


def check_rows(client, ledger, tables=("marks", "effects")):
    """Each acknowledged row is there, each batch whole or not at all, nothing is there twice or unsent."""
    rows = {table: read_all(client, table) for table in tables}
    for table in tables:
        check_table(ledger, table, rows[table])
    per_group = collections.Counter(row["grouping"] for row in rows["marks"] if row.get("grouping"))
    for group, acked in ledger.groups.items():
        if per_group[group] not in ((BATCH,) if acked else (0, BATCH)):
            raise Broken(f"batch {group} ({'acknowledged' if acked else 'in flight'}) has {per_group[group]} of {BATCH} rows")


def check_table(ledger, table, rows):
    found = collections.Counter(row["marker"] for row in rows)
    lost = ledger.acked[table] - found.keys()
    if lost:
        raise Broken(f"{table}: {len(lost)} acknowledged rows are lost: {sorted(lost)[:10]}")
    strange = found.keys() - ledger.sent[table]
    if strange:
        raise Broken(f"{table}: rows that nobody sent: {sorted(strange)[:10]}")
    twice = [marker for marker, count in found.items() if count > 1]
    if twice:
        raise Broken(f"{table}: one request, several effects: {sorted(twice)[:10]}")


def check_sound(rig):
    """SQLite's own integrity_check, while no server runs."""
    database = sqlite3.connect(f"file:{rig.data}/app.db?mode=ro", uri=True)
    try:
        found = database.execute("PRAGMA integrity_check").fetchall()
    finally:
        database.close()
    if found != [("ok",)]:
        raise Broken(f"integrity_check: {found[:20]}")
