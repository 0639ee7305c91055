"""Who is measured: each can be loaded with the shop once and then started as often as needed, on chosen cores."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from .ask import call
from .machine import PEERS, ROOT, find_tool
from .process import Process, on_cores, run
from .trouble import Trouble

SHOP = ROOT / "examples" / "shop"
TABLES = ("users", "categories", "products", "orders")
ROWS_A_COMMIT = 10_000
STOCK = 1_000_000  # of each product, so that no order of a run finds it sold out
PARENT = "01900000-0000-7000-8000-000100000001"  # the user with CHILDREN orders
CUSTOMER = "01900000-0000-7000-8000-000100000002"  # who places orders
CHILDREN = 100_000


class Shop:
    """The shop's data, one NDJSON file a table: what examples/shop/seed.py writes, with more stock, and one user's many orders."""

    def __init__(self, folder, products):
        self.products, self.files = products, {table: folder / f"{table}.ndjson" for table in TABLES}
        for table in ("users", "categories", "products"):
            with open(self.files[table], "wb") as out:
                subprocess.run([sys.executable, SHOP / "seed.py", table, "--products", str(products)], stdout=out, check=True)
        text = self.files["products"].read_text()
        self.files["products"].write_text(re.sub(r'"stock":\d+', f'"stock":{STOCK}', text))
        with open(self.files["orders"], "w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in map(_order, range(1, CHILDREN + 1)))

    def rows(self, table):
        with open(self.files[table], encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _order(number):
    placed = f"2025-01-{1 + number // 86400:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return {"id": f"01900000-0000-7000-8000-0004{number:08x}", "user_id": PARENT, "state": "pending",
            "total": f"{number % 1000}.00", "placed_at": placed}


class Contender:
    """Its `start` returns (process, URL)."""

    name = title = ""
    keys = {}  # role: key; the customer's is CUSTOMER's
    database = None  # the SQLite file, to count its rows in the end
    list_path = ""  # of 20 products, for a category and a least price
    loaded = False

    def prepare(self, shop):
        if not self.loaded:
            self.load(shop)
            self.loaded = True

    def load(self, shop):
        raise NotImplementedError

    def command(self, cores):
        raise NotImplementedError

    def start(self, cores, folder, calls=None, more=()):
        """`calls` counts what it calls; `more` are options of its command line."""
        command = on_cores(cores, [*self.command(cores), *more])
        process = Process(self.name, command, folder, {**self.environment(), **(calls.environment() if calls else {})})
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

    def commits(self, _url):
        """What the server itself counts of its writes: {"rows": …, "commits": …}, or nothing."""
        return {}


class Mettle(Contender):
    """As it ships: durability, log and metrics are at their defaults; its log goes to a file."""

    name = "mettle"
    title = "Mettle"

    app_file = SHOP / "mettle.yaml"
    list_path = ("/api/v1/products?category_id=eq.%s&price=gte.%d&order=price"
                 "&select=id,sku,name,price,stock,category(id,name)&limit=20")

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.data = folder / f"{self.name}-data"
        self.database = self.data / "app.db"

    def command(self, cores):
        return [self.binary, "serve", self.app_file, "--data", self.data, "--listen", "127.0.0.1:0", "--threads", len(cores),
                "--log-format", "json"]

    def tool(self, *words):
        return run([self.binary, *words], env=self.environment())

    def load(self, shop):
        for table in TABLES:
            self.load_table(table, shop.files[table])
        for role, user in (("admin", None), ("clerk", None), ("customer", CUSTOMER)):
            self.keys = {**self.keys, role: self.tool("key", "create", self.app_file, "--data", self.data, "--role", role,
                                                      *(("--user", user) if user else ())).strip()}

    def load_table(self, table, path):
        self.tool("data", "load", self.app_file, table, path, "--data", self.data, "--batch", ROWS_A_COMMIT)

    def commits(self, url):
        text = call(url, "GET", "/metrics").body.decode()
        commits = re.search(r"^mettle_sqlite_commit_seconds_count(?:{[^}]*})? (\S+)", text, re.M)
        units = re.search(r"^mettle_sqlite_write_units_total(?:{[^}]*})? (\S+)", text, re.M)
        if not commits or not units:
            raise Trouble("Mettle's /metrics lacks mettle_sqlite_commit_seconds or mettle_sqlite_write_units")
        return {"commits": float(commits.group(1)), "rows": float(units.group(1))}


class RuledMettle(Mettle):
    """The same shop, but for what may be read of products: a rule of two comparisons that each row is held to."""

    name = "mettle_rule"
    title = "Mettle, with a rule of two comparisons"
    RULE = "row.stock >= 0 && row.version >= 1"

    def __init__(self, binary, folder):
        super().__init__(binary, folder)
        self.app_file = folder / "ruled.yaml"

    def load(self, shop):
        text = (SHOP / "mettle.yaml").read_text()
        head, products = text.split("\n  products:\n", 1)
        ruled = products.replace('access: {read: "true"', f'access: {{read: "{self.RULE}"', 1)
        if ruled == products:
            raise Trouble(f"{SHOP}/mettle.yaml has no products with `read: \"true\"` to put a rule in the place of")
        self.app_file.write_text(f"{head}\n  products:\n{ruled}".replace("static: ", "# static: "))
        for table in ("users", "categories", "products"):
            self.load_table(table, shop.files[table])


class Fastify(Contender):
    name = "fastify"
    title = "Fastify + better-sqlite3"
    list_path = "/api/v1/products?category_id=%s&price=%d"

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
        for role, user in (("admin", None), ("clerk", None), ("customer", CUSTOMER)):
            made = run(["node", PEERS / "load.js", self.database, "key", role, *((user,) if user else ())])
            self.keys = {**self.keys, role: made.strip()}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(url, path):
    """Whether it does: a connection alone says nothing, for the socket may listen before anybody takes from it."""
    try:
        return call(url, "GET", path).status == 200
    except Trouble:
        return False


class JsonServer(Contender):
    """The ready-made peer: json-server 0.17 as its README says to start it. It keeps all in memory and has no durable writes."""

    name = "json_server"
    title = "json-server"

    def __init__(self, folder):
        self.folder, self.port = folder, 0

    def load(self, shop):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        made = {"created_at": now, "updated_at": now, "version": 1}
        products = [{**row, "description": row.get("description"), **made} for row in shop.rows("products")]
        (self.folder / "json-server.json").write_text(json.dumps({"products": products}))
        (self.folder / "json-server-routes.json").write_text('{"/api/v1/*": "/$1"}')

    def command(self, _cores):
        self.port = free_port()
        return [find_tool("node"), PEERS / "node_modules/json-server/lib/cli/bin.js", self.folder / "json-server.json", "--routes",
                self.folder / "json-server-routes.json", "--host", "127.0.0.1", "--port", self.port]

    def environment(self):
        return {**super().environment(), "NODE_ENV": "production"}

    def wait(self, process):
        url = f"http://127.0.0.1:{self.port}"
        process.may_end_with = -signal.SIGTERM  # it has no handler
        process.wait(lambda: answers(url, "/api/v1/products/01900000-0000-7000-8000-000300000001"))
        return url


NGINX_CONF = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log {folder}/nginx-access.log combined;
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

    def __init__(self, folder):
        self.folder, self.body, self.port = folder, "", 0

    def load(self, _shop):
        """It has no data; `body` is set once there is an answer to imitate."""

    def command(self, _cores):
        if re.search(r"[$'\\]", self.body):
            raise Trouble("nginx cannot return this body word for word")  # its syntax has no escape for $
        self.port = free_port()
        conf = self.folder / "nginx.conf"
        # Its worker would else be another user, who may not enter our folder.
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(NGINX_CONF.format(folder=self.folder, port=self.port, user=user, body=self.body))
        return [find_tool("nginx"), "-p", self.folder, "-e", self.folder / "nginx-error.log", "-c", conf]

    def wait(self, process):
        url = f"http://127.0.0.1:{self.port}"
        process.wait(lambda: answers(url, "/"))
        return url
