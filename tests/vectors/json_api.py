#!/usr/bin/env python3
"""Sends each file of the JSON test vectors to a running server as the value of a json column.

  tests/vectors/json_api.py --binary build/dev/mettle

What begins with y_ must be taken and come back minified, what begins with n_ must be refused with 400 and the byte offset;
the y_ files with a duplicate key are refused, too, for that is what the server promises. The vectors are not part of the
repository: METTLE_JSON_VECTORS names their folder. Without them the test is skipped (77).
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from scenario import wire  # noqa: E402
from scenario.server import Server, environment  # noqa: E402

SKIPPED = 77
APP = """\
mettle: 1
app: vectors
tables:
  documents:
    columns: {content: {type: json}}
    access: {read: "true", write: "true"}
"""
HEAD = b'{"content":'
REFUSED_THOUGH_VALID = "y_object_duplicated_key"


def minified(text):
    """A JSON text without white space between its tokens, everything else as it was."""
    out, in_string, escaped = [], False, False
    for char in text:
        if in_string:
            out.append(char)
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char not in " \t\r\n":
            out.append(char)
            in_string = char == '"'
    return "".join(out)


class Api:
    """One connection to the server, opened again where the server has closed it."""

    def __init__(self, server):
        self.server, self.connection = server, None

    def send(self, method, target, body=b""):
        if self.connection is None or not self.connection.usable:
            self.connection = wire.Connection(self.server.host, self.server.port, 30)
        host = f"{self.server.host}:{self.server.port}"
        headers = ["Content-Type: application/json"] if body else []
        self.connection.send(wire.request_bytes(host, f"{method} {target}", headers, body))
        return self.connection.reply(method)


def check_taken(api, text):
    """What is wrong with the answers to a valid text, or None."""
    reply = api.send("POST", "/api/v1/documents", HEAD + text + b"}")
    if reply.status != 201:
        return f"must be taken, got {reply.status} {reply.body[:300]!r}"
    wanted = minified(text.decode("utf-8"))
    for what, body in (("created", reply.body), ("read", api.send("GET", reply.header("location")[0]).body)):
        if f'"content":{wanted}' not in body.decode("utf-8"):
            return f"{what}: expected {wanted[:200]!r} in {body[:300]!r}"
    return None


def check_refused(api, text):
    """What is wrong with the answer to a text that is none, or None."""
    sent = HEAD + text + b"}"
    reply = api.send("POST", "/api/v1/documents", sent)
    if reply.status != 400:
        return f"must be refused, got {reply.status} {reply.body[:300]!r}"
    problem = json.loads(reply.body)
    if problem.get("code") != "malformed_json":
        return f"expected the code malformed_json, got {problem.get('code')}"
    offset = problem.get("offset")
    if not isinstance(offset, int) or not 0 <= offset <= len(sent):
        return f"expected an offset from 0 to {len(sent)}, got {offset}"
    return None


def run(api, files):
    wrong, taken, refused = [], 0, 0
    for path in files:
        text = path.read_bytes()
        if path.name.startswith("y_") and not path.name.startswith(REFUSED_THOUGH_VALID):
            fault, taken = check_taken(api, text), taken + 1
        else:
            fault, refused = check_refused(api, text), refused + 1
        if fault:
            wrong.append(f"{path.name}: {fault}")
    count = json.loads(api.send("GET", "/api/v1/documents?count=exact&limit=1").body)["total"]
    if not wrong and count != taken:
        wrong.append(f"{taken} texts were taken, but {count} rows are there")
    return wrong, taken, refused


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/dev/mettle"))
    options = parser.parse_args(argv)
    vectors = pathlib.Path(os.environ.get("METTLE_JSON_VECTORS", ROOT / "../shared/vectors/json")).resolve()
    files = sorted(path for path in vectors.glob("*.json") if path.name[:2] in ("y_", "n_"))
    if not files:
        print(f"NOT TESTED: there are no JSON test files in {vectors}; set METTLE_JSON_VECTORS to their folder")
        return SKIPPED
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-vectors-"))
    app = folder / "mettle.yaml"
    app.write_text(APP, encoding="utf-8")
    server = Server(str(pathlib.Path(options.binary).resolve()), str(app), folder, "", environment(folder, {}))
    try:
        server.start()
        wrong, taken, refused = run(Api(server), files)
        server.stop()
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    for line in wrong:
        print(f"not ok {line}")
    print(f"{taken} texts sent that must be taken, {refused} that must be refused, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
