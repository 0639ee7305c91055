#!/usr/bin/env python3
"""Programs of one's own around Mettle: handlers behind HTTP in Python and TypeScript, and C++ that embeds the library.

  programs_test.py handler-python --binary build/dev/mettle
  programs_test.py handler-typescript --binary build/dev/mettle
  programs_test.py embed --binary build/dev/embed_example
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77


def clean_environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("METTLE_")}
    return {**kept, **more}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def wait_for_port(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the program ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on {port}")


def post(port, command, body, key=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    connection.request("POST", f"/api/v1/commands/{command}", json.dumps(body), headers)
    response = connection.getresponse()
    text = response.read()
    return response.status, json.loads(text) if text else None


def count(port, table):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/api/v1/{table}?limit=1000")
    return len(json.loads(connection.getresponse().read())["items"])


def expect(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: expected {wanted!r}, found {found!r}")


def compiled_typescript(folder):
    compiler = ROOT / "tools/npm/node_modules/.bin/tsc"
    if not compiler.exists() or not shutil.which("node"):
        print("skipped: node and tools/npm are needed (make setup)")
        sys.exit(SKIPPED)
    source = pathlib.Path(folder, "handler.mts")
    shutil.copy(ROOT / "examples/handlers/handler.ts", source)
    # Without the types of Node at hand only what the compiler emits counts.
    subprocess.run([compiler, "--target", "es2022", "--module", "nodenext", "--noCheck", source], check=True)
    return ["node", str(source.with_suffix(".mjs"))]


def check_handler(binary, make_command):
    with tempfile.TemporaryDirectory() as folder:
        port, handler_port = free_port(), free_port()
        data = os.path.join(folder, "data")
        environment = clean_environment(HANDLER_URL=f"http://127.0.0.1:{handler_port}")
        file = ROOT / "examples/handlers/mettle.yaml"
        serve = [binary, "serve", file, "--data", data, "--listen", f"127.0.0.1:{port}"]
        key = subprocess.run([binary, "key", "create", file, "--data", data, "--role", "admin"], env=environment,
                             check=True, capture_output=True, text=True).stdout.strip()
        with running(serve, env=environment) as server:
            wait_for_port(port, server)
            secret = subprocess.run([binary, "secret", "show", "webhook", "--data", data], check=True, text=True,
                                    env=environment, capture_output=True).stdout.strip()
            expect(bool(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)), True, "the form of the secret")
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/api/v1/rooms", '{"code": "blue", "free": 9}',
                               {"Content-Type": "application/json", "Authorization": "Bearer " + key})
            room = json.loads(connection.getresponse().read())["id"]
            expect(post(port, "book", {"room_id": room, "guests": 2}, "early")[0], 502, "without a handler")

            more = {**environment, "PORT": str(handler_port), "WEBHOOK_SECRET": secret}
            with running(make_command(folder), env=more, stderr=subprocess.DEVNULL) as handler:
                wait_for_port(handler_port, handler)
                for _ in range(2):  # a retry books nothing twice
                    status, answer = post(port, "book", {"room_id": room, "guests": 2}, "k1")
                    expect((status, answer), (200, {"price": "70.00"}), "a booking")
                expect(post(port, "book", {"room_id": room, "guests": 2}, "early")[0], 200, "the retry of a failure")
                expect(count(port, "bookings"), 2, "bookings")
                status, answer = post(port, "book", {"room_id": room, "guests": 21})
                expect((status, answer["code"]), (422, "too_many_guests"), "the handler's problem")
            wrong = {**more, "WEBHOOK_SECRET": "whsec_" + "A" * 43 + "="}
            with running(make_command(folder), env=wrong, stderr=subprocess.DEVNULL) as handler:
                wait_for_port(handler_port, handler)
                expect(post(port, "book", {"room_id": room, "guests": 2})[0], 502, "a wrong signature")
            expect(count(port, "bookings"), 2, "bookings in the end")


def check_embed(binary):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = clean_environment(METTLE_LISTEN=f"127.0.0.1:{port}", METTLE_DATA=os.path.join(folder, "data"))
        with running([binary, ROOT / "examples/embed/mettle.yaml"], env=environment) as program:
            wait_for_port(port, program)
            expect(post(port, "open_zone", {"code": "DE", "per_kg": "1.20"})[0], 200, "a zone")
            for _ in range(2):
                expect(post(port, "quote", {"zone": "DE", "grams": 1500}, "k"), (200, {"cents": 630}), "a quote")
            expect(count(port, "quotes"), 1, "quotes")
            status, answer = post(port, "quote", {"zone": "FR", "grams": 1})
            expect((status, answer["code"], answer["errors"][0]["pointer"]), (404, "no_such_zone", "/zone"), "a refusal")
            expect(post(port, "quote", {"zone": "DE", "grams": 0})[0], 422, "input that the file does not allow")
        expect(program.returncode, 0, "the end of the program")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["handler-python", "handler-typescript", "embed"])
    parser.add_argument("--binary", required=True)
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)
    if arguments.what == "embed":
        check_embed(binary)
    elif arguments.what == "handler-python":
        check_handler(binary, lambda _: [sys.executable, str(ROOT / "examples/handlers/handler.py")])
    else:
        check_handler(binary, compiled_typescript)
    print("ok")


if __name__ == "__main__":
    main()
