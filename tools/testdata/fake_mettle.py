#!/usr/bin/env python3
"""Stands for the real binary in the tests of the scenario runner and of the kill -9 harness.

A tiny durable store with the same wire contract where those tests touch it: rows, If-Match-free writes, batches, and
Idempotency-Key. `FAKE_FAULT` plants a fault that the harness must find: lost_ack, half_batch, double_effect, bad_exit.
"""
import http.server
import json
import os
import signal
import sqlite3
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid

FAULT = os.environ.get("FAKE_FAULT", "")
LOCK = threading.RLock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=None, headers=(), content_type="application/json"):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if data:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def db(self):
        return self.server.store

    def insert(self, table, marker, grouping):
        row = {"id": str(uuid.uuid4()), "marker": marker, "grouping": grouping}
        self.db().execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (row["id"], marker, grouping))
        return row

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        with LOCK:
            if url.path == "/livez":
                return self.reply(200, {"ok": True})
            if url.path == "/text":
                return self.reply(200, b"plain text\n", content_type="text/plain")
            if url.path == "/soon":
                self.server.hits += 1
                return self.reply(200, {"ready": self.server.hits >= 3})
            if url.path == "/calls":
                urllib.request.urlopen(urllib.request.Request(os.environ["APP_URL"] + "/quote", b'{"a": 1}',
                                                              {"webhook-id": "m1"}, method="POST"), timeout=5).read()
                return self.reply(204)
            if url.path in ("/api/v1/marks", "/api/v1/effects"):
                table = url.path.rsplit("/", 1)[1]
                after, limit = query.get("cursor", ""), int(query.get("limit", "20"))
                rows = self.db().execute(f"SELECT id, marker, grouping FROM {table} WHERE id > ? ORDER BY id LIMIT ?",
                                         (after, limit)).fetchall()
                items = [dict(zip(("id", "marker", "grouping"), row)) for row in rows]
                return self.reply(200, {"items": items, "next_cursor": items[-1]["id"] if len(items) == limit else None})
        return self.reply(404, {"code": "not_found", "title": "Not found"}, content_type="application/problem+json")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") not in ("Bearer mtl_fake_clerk", "Bearer mtl_fake_writer"):
            return self.reply(401, {"code": "unauthenticated"}, content_type="application/problem+json")
        with LOCK:
            key = self.headers.get("Idempotency-Key")
            kept = key and self.db().execute("SELECT status, body FROM replies WHERE key = ?", (key,)).fetchone()
            if kept and FAULT != "double_effect":
                return self.reply(kept[0], kept[1], [("Idempotent-Replayed", "true")])
            self.db().execute("BEGIN")
            status, answer = self.write(json.loads(body))
            text = json.dumps(answer).encode()
            if key:
                self.db().execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", (key, status, text))
            if FAULT == "lost_ack" and not key:
                self.reply(status, text)
                self.server.delayed += 1
                if self.server.delayed % 3:
                    return self.db().execute("COMMIT")
                return self.db().execute("ROLLBACK")
            self.db().execute("COMMIT")
            headers = [("Location", f"/api/v1/marks/{answer['id']}"), ("ETag", '"1-abc"')] if "id" in answer else []
            return self.reply(status, text, headers)

    def write(self, body):
        if self.path == "/api/v1/batch":
            results = []
            for operation in body["operations"]:
                row = self.insert("marks", operation["body"]["marker"], operation["body"].get("grouping"))
                results.append({"status": 201, "headers": {}, "body": row})
                if FAULT == "half_batch":
                    time.sleep(0.005)  # so that a kill finds the gap
                    self.db().execute("COMMIT")
                    self.db().execute("BEGIN")
            return 200, {"results": results}
        if self.path == "/api/v1/commands/record":
            self.insert("marks", body["marker"], None)
            return 200, self.insert("effects", body["marker"], None)
        return 201, self.insert(self.path.rsplit("/", 1)[1], body["marker"], body.get("grouping"))


def serve(arguments):
    options = dict(zip(arguments[1::2], arguments[2::2]))
    host, port = options["--listen"].rsplit(":", 1)
    os.makedirs(options["--data"], exist_ok=True)
    store = sqlite3.connect(options["--data"] + "/app.db", check_same_thread=False, isolation_level=None)
    store.executescript("CREATE TABLE IF NOT EXISTS marks (id TEXT PRIMARY KEY, marker TEXT, grouping TEXT);"
                        "CREATE TABLE IF NOT EXISTS effects (id TEXT PRIMARY KEY, marker TEXT, grouping TEXT);"
                        "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, status INT, body BLOB);")
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    server.daemon_threads = True
    server.store, server.hits, server.delayed = store, 0, 0
    code = 3 if FAULT == "bad_exit" else 0
    signal.signal(signal.SIGTERM, lambda *_: os._exit(code))
    print(f"listening on http://{host}:{server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever()


def main(arguments):
    if arguments[:1] == ["serve"]:
        return serve(arguments[1:])
    if arguments[:2] == ["key", "create"]:
        print("mtl_fake_" + arguments[arguments.index("--role") + 1])
        return 0
    if arguments[:1] == ["check"]:
        print(json.dumps({"faults": [{"line": 3, "found": "tabels"}]}))
        print("1 fault", file=sys.stderr)
        return 1
    print(f"unknown command {arguments}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
