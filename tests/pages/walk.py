#!/usr/bin/env python3
"""Walks lists by their cursors, in every order, and compares what comes with the list in one piece.

  tests/pages/walk.py --binary build/dev/mettle

For each order (asc, desc, mixed, nulls first and last, json paths, every type of column, groups) and several page sizes: the
pages one after the other are the unpaged list, no row twice, none left out, the last page has no cursor; and the order itself
is what sorting the rows here gives. With ids that are numbers and ids that are UUIDs.
"""
import argparse
import base64
import functools
import itertools
import json
import pathlib
import random
import shutil
import sys
import tempfile
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from scenario import wire  # noqa: E402
from scenario.server import Server, environment  # noqa: E402

COLUMNS = """\
      a: {type: text, optional: true}
      n: {type: int}
      f: {type: float, optional: true}
      d: {type: decimal, precision: 6, scale: 2, optional: true}
      b: {type: bool, optional: true}
      day: {type: date, optional: true}
      at: {type: timestamp, optional: true}
      u: {type: uuid, optional: true}
      e: {type: enum, values: [x, y], default: y}
      raw: {type: bytes, optional: true}
      j: {type: json, optional: true}
"""
APP = "mettle: 1\napp: walk\ntables:\n" + "".join(
    f"  {name}:\n    {ids}columns:\n{COLUMNS}    aggregates: true\n    indexes: [[n], [a, n]]\n"
    "    access: {read: \"true\", write: \"true\"}\n" for name, ids in (("numbered", "id: int\n    "), ("named", "")))
ROWS = 60
SEED = 20260101


def rows():
    """The same rows at each run, with many equal values and nulls in every column that may have them."""
    pick = random.Random(SEED)
    for _ in range(ROWS):
        row = {"a": pick.choice([None, "", "A", "a", "b", "ä", "Z", "zz", "😀"]), "n": pick.choice([-1, 0, 1, 2 ** 62]),
               "f": pick.choice([None, -0.5, 0, 1e300, 2.5]), "d": pick.choice([None, "-1.50", "0.00", "10.00", "9.99"]),
               "b": pick.choice([None, True, False]), "day": pick.choice([None, "2020-01-01", "0001-01-01", "2026-12-31"]),
               "at": pick.choice([None, "2026-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z"]),
               "u": pick.choice([None, "0190abcd-0000-7000-8000-000000000000", "ffffffff-0000-7000-8000-000000000000"]),
               "e": pick.choice(["x", "y"]), "raw": pick.choice([None, "AA==", "AAE=", "/w=="]),
               "j": pick.choice([None, {"k": "v"}, {"k": "w"}, {"k": 5}, {"other": 1}])}
        yield {name: value for name, value in row.items() if value is not None}


ORDERS = ["", "id.desc", "n", "n.desc", "a", "a.desc", "a.asc.nullsfirst", "a.desc.nullslast", "a,n.desc", "a.desc,n", "b,a.desc,n",
          "d.desc", "d.asc.nullsfirst,f.desc", "f", "f.desc.nullslast", "day.desc,at", "at,u", "u.desc", "raw", "e.desc,n,a",
          "j->>k", "j->>k.desc,n", "a,n,id.desc", "b.desc.nullslast,day.asc.nullsfirst,d"]
GROUPS = ["a", "e,n", "b,day", "j->>k"]


class Api:
    """Reads lists from the server, one connection."""

    def __init__(self, server):
        self.server, self.connection = server, wire.Connection(server.host, server.port, 60)

    def send(self, method, target, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        headers = ["Content-Type: application/json"] if data else []
        host = f"{self.server.host}:{self.server.port}"
        self.connection.send(wire.request_bytes(host, f"{method} {target}", headers, data))
        reply = self.connection.reply(method)
        if reply.status not in (200, 201):
            raise SystemExit(f"{method} {target}: {reply.status} {reply.body.decode()}")
        return json.loads(reply.body)

    def list(self, table, **query):
        text = urllib.parse.urlencode({name: value for name, value in query.items() if value}, safe=",>*()")
        return self.send("GET", f"/api/v1/{table}?{text}")

    def walk(self, table, limit, **query):
        """All pages one after the other, and how many there were."""
        items, pages, cursor = [], 0, None
        while True:
            page = self.list(table, limit=limit, cursor=cursor, **query)
            items += page["items"]
            pages += 1
            cursor = page["next_cursor"]
            if cursor is None:
                return items, pages
            if pages > 3 * ROWS:
                return items, pages


def value_of(row, path):
    if "->>" not in path:
        return row[path]
    column, member = path.split("->>")
    value = (row[column] or {}).get(member)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def comparable(path, value):
    """A value so that Python orders it as the API does: text by code point, decimals as numbers, bytes as bytes."""
    if path == "d":
        return float(value)
    if path == "raw":
        return base64.b64decode(value)
    return value


def sorted_here(items, order):
    """The rows in the order that is asked for, by our own sorting: nulls last ascending, first descending, the id last."""
    keys = []
    for entry in filter(None, order.split(",")):
        path, *words = entry.split(".")
        descending = "desc" in words
        nulls_first = "nullsfirst" in words or (descending and "nullslast" not in words)
        keys.append((path, descending, nulls_first))
    if not any(path == "id" for path, _, _ in keys):
        keys.append(("id", keys[-1][1] if keys else False, False))

    def compare(one, other):
        for path, descending, nulls_first in keys:
            left, right = value_of(one, path), value_of(other, path)
            if left is None or right is None:
                if (left is None) != (right is None):
                    return -1 if (left is None) == nulls_first else 1
                continue
            left, right = comparable(path, left), comparable(path, right)
            if left != right:
                return (-1 if left < right else 1) * (-1 if descending else 1)
        return 0
    return sorted(items, key=functools.cmp_to_key(compare))


def check(api, table, order, limits):
    """What is wrong with the pages of this order, or None."""
    whole = api.list(table, order=order, limit=1000)
    if len(whole["items"]) != ROWS or whole["next_cursor"] is not None:
        return f"{table} order={order}: expected {ROWS} rows in one page, got {len(whole['items'])}"
    if whole["items"] != sorted_here(whole["items"], order):
        return f"{table} order={order}: the rows are not in that order"
    for limit in limits:
        items, pages = api.walk(table, limit, order=order)
        if items != whole["items"]:
            return f"{table} order={order} limit={limit}: the pages are not the list: {len(items)} rows instead of {ROWS}"
        if pages != -(-ROWS // limit):
            return f"{table} order={order} limit={limit}: {pages} pages"
    return None


def check_groups(api, table, group):
    """What is wrong with the pages of groups, or None."""
    select = f"{group},count(),n.max()"
    whole = api.list(table, select=select, limit=1000, count="exact")
    if sum(item["count"] for item in whole["items"]) != ROWS or whole["total"] != len(whole["items"]):
        return f"{table} select={select}: the groups do not hold the {ROWS} rows, or the total is not theirs"
    for limit in (1, 2, 3):
        items, _ = api.walk(table, limit, select=select)
        if items != whole["items"]:
            return f"{table} select={select} limit={limit}: the pages are not the list"
    return None


def run(server):
    api = Api(server)
    wrong = []
    for table in ("numbered", "named"):
        api.send("POST", f"/api/v1/{table}", list(rows()))
        wrong += [check(api, table, order, (1, 7, 20, ROWS)) for order in ORDERS]
        wrong += [check_groups(api, table, group) for group in GROUPS]
        # Mixed keys of two columns each, with the columns that may be null.
        for one, other in itertools.permutations(["a", "d", "b", "day"], 2):
            wrong.append(check(api, table, f"{one}.desc,{other}", (3,)))
            wrong.append(check(api, table, f"{one}.asc.nullsfirst,{other}.desc.nullslast", (11,)))
    return [line for line in wrong if line], len(wrong)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/dev/mettle"))
    options = parser.parse_args(argv)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-walk-"))
    app = folder / "mettle.yaml"
    app.write_text(APP, encoding="utf-8")
    server = Server(str(pathlib.Path(options.binary).resolve()), str(app), folder, "", environment(folder, {}))
    try:
        server.start()
        wrong, walked = run(server)
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for line in wrong:
        print(f"not ok {line}")
    print(f"{walked} orders walked, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
