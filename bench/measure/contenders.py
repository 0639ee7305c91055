"""Who is measured: each can be loaded with the shop once and then started as often as needed, on chosen cores."""
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import urllib.parse

from .machine import PEERS, ROOT, find_tool
from .process import Process, on_cores, run
from .trouble import Trouble

SHOP = ROOT / "examples" / "shop"
TABLES = ("categories", "products")
ROWS_A_COMMIT = 10_000


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)


def call(base, method, path, body=None, key=None):
    where = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(f"{method} {base}{path}: {error}") from error
    finally:
        connection.close()


class Shop:
    """The shop's data as examples/shop/seed.py writes it: one NDJSON file a table."""

    def __init__(self, folder, products):
        self.products = products
        self.files = {}
        for table in TABLES:
            self.files[table] = folder / f"{table}.ndjson"
            with open(self.files[table], "wb") as out:
                subprocess.run([sys.executable, SHOP / "seed.py", table, "--products", str(products)], stdout=out, check=True)

    def rows(self, table):
        with open(self.files[table], encoding="utf-8") as lines:
            yield from map(json.loads, lines)


class Contender:
    """Its `start` returns (process, URL); its key may write categories."""

    name = title = ""
    key = None
    database = None  # the SQLite file, to count its rows in the end
    serves = ("get", "post")

    def load(self, shop):
        raise NotImplementedError

    def command(self, cores):
        raise NotImplementedError

    def start(self, cores, folder, sync_count=None):
        command = on_cores(cores, self.command(cores))
        if sync_count is not None:
            command = sync_count.command(command)
        process = Process(self.name, command, folder, self.environment())
        try:
            return process, self.wait(process)
        except BaseException:
            process.stop(must_end_well=False)
            raise

    def wait(self, process):
        return process.wait_for_address()

    def environment(self):
        # Settings of whoever runs this must not change what is measured.
        return {name: value for name, value in os.environ.items() if not name.startswith(("METTLE_", "NODE_"))}

    def counters(self, _url):
        """What the server itself counts of its writes: {"rows": …, "commits": …}, or nothing."""
        return {}


class Mettle(Contender):
    """As it ships: durability, log and metrics are at their defaults; its log goes to a file."""

    name = "mettle"
    title = "Mettle"

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.data = folder / "mettle-data"
        self.database = self.data / "app.db"

    def command(self, cores):
        return [self.binary, "serve", SHOP / "mettle.yaml", "--data", self.data, "--listen", "127.0.0.1:0", "--threads",
                len(cores), "--log-format", "json"]

    def load(self, shop):
        process, url = self.start(sorted(os.sched_getaffinity(0))[:2], self.folder)
        try:
            # Beside the running server, as a user would.
            for table in TABLES:
                run([self.binary, "data", "load", SHOP / "mettle.yaml", table, shop.files[table], "--data", self.data,
                     "--batch", ROWS_A_COMMIT], env=self.environment())
            self.key = run([self.binary, "key", "create", SHOP / "mettle.yaml", "--data", self.data, "--role", "admin"],
                           env=self.environment()).strip()
        finally:
            process.stop(must_end_well=False)

    def counters(self, url):
        text = call(url, "GET", "/metrics").body.decode()
        commits = re.search(r"^mettle_sqlite_commit_seconds_count(?:{[^}]*})? (\S+)", text, re.M)
        units = re.search(r"^mettle_sqlite_write_units_total(?:{[^}]*})? (\S+)", text, re.M)
        if not commits or not units:
            raise Trouble("Mettle's /metrics lacks mettle_sqlite_commit_seconds or mettle_sqlite_write_units")
        return {"commits": float(commits.group(1)), "rows": float(units.group(1))}


class Fastify(Contender):
    name = "fastify"
    title = "Fastify + better-sqlite3"

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "fastify.db"

    def command(self, _cores):
        return [find_tool("node"), PEERS / "server.js", self.database, self.folder / "fastify.log"]

    def environment(self):
        return {**super().environment(), "NODE_ENV": "production"}

    def load(self, shop):
        for table in TABLES:
            with open(shop.files[table], "rb") as rows:
                run(["node", PEERS / "load.js", self.database, table], stdin=rows)
        self.key = run(["node", PEERS / "load.js", self.database, "key", "admin"]).strip()


NGINX_CONF = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log {folder}/nginx-access.log combined buffer=64k flush=1s;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port};
    default_type application/json;
    location / {{ return 200 '{body}'; }}
  }}
}}
"""


class Nginx(Contender):
    """The limit: it returns the same bytes to every request, without a database or a rule."""

    name = "nginx"
    title = "nginx `return 200`"
    serves = ("get",)

    def __init__(self, folder):
        self.folder, self.body, self.port = folder, "", 0

    def load(self, _shop):
        """It has no data; `body` is set once there is an answer to imitate."""

    def command(self, _cores):
        if re.search(r"[$'\\]", self.body):
            raise Trouble("nginx cannot return this body word for word")  # its syntax has no escape for $
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        conf = self.folder / "nginx.conf"
        # Its worker would else be another user, who may not enter our folder.
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(NGINX_CONF.format(folder=self.folder, port=self.port, user=user, body=self.body))
        return [find_tool("nginx"), "-p", self.folder, "-e", self.folder / "nginx-error.log", "-c", conf]

    def wait(self, process):
        url = f"http://127.0.0.1:{self.port}"

        def answers():
            # A connection alone says nothing: the socket listens before there is a worker.
            try:
                return call(url, "GET", "/").status == 200
            except Trouble:
                return False

        process.wait(answers)
        return url
