"""What the tests in this folder rest on: the real binary with an app of its own in a temporary folder, asked over HTTP."""
import argparse
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from scenario.server import Server  # noqa: E402

SKIPPED = 77
PASSWORD = "correct horse battery"
options = argparse.Namespace(binary=str(ROOT / "build/dev/mettle"))


def environment(**more):
    """The caller's, without Mettle's own variables."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}, **more}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class App:
    """A running server; a context manager. `text` is the app file."""

    def __init__(self, text, flags="", **env):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-proof-"))
        self.file = self.folder / "mettle.yaml"
        self.file.write_text(text, encoding="utf-8")
        self.server = Server(options.binary, str(self.file), str(self.folder), flags, environment(**env))
        self.connection = None

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, kind, *_):
        self.close()
        try:
            self.server.kill() if kind else self.server.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self):
        return str(self.folder / "data")

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def ask(self, method, path, body=None, token=None, headers=None, want=None):
        """`body`: bytes as they are, anything else as JSON. The connection stays open from one to the next."""
        head = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode("utf-8", "surrogatepass")
        if body is not None:
            head.setdefault("Content-Type", "application/json")
        if token:
            head["Authorization"] = f"Bearer {token}"
        for last in (False, True):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=60)
            try:
                self.connection.request(method, path, body, head)
                answer = self.connection.getresponse()
                done = Answer(answer.status, answer.headers, answer.read())
                break
            except (http.client.HTTPException, OSError):
                self.close()  # the server may end an idle or a refused connection
                if last:
                    raise
        if want is not None and done.status != want:
            raise AssertionError(f"{method} {path}: {done.status} instead of {want}: {done.body[:600]!r}")
        return done

    def run(self, *words, want=0, stdin=None):
        """A command of the binary; (stdout, stderr) as bytes."""
        done = subprocess.run([options.binary, *map(str, words)], cwd=self.folder, env=self.server.env, input=stdin,
                              capture_output=True, timeout=120, check=False)
        if want is not None and done.returncode != want:
            raise AssertionError(f"mettle {' '.join(map(str, words))} ended with {done.returncode}, not {want}: "
                                 f"{done.stdout[-600:]!r} {done.stderr[-600:]!r}")
        return done.stdout, done.stderr

    def key(self, role, *more):
        return self.run("key", "create", self.file, "--data", self.data, "--role", role, *more)[0].decode().strip()

    def person(self, name):
        """Registers NAME@example.com and gives its access token."""
        body = {"email": f"{name}@example.com", "password": PASSWORD}
        return self.ask("POST", "/auth/register", body, want=201).json["access_token"]


def main(doc):
    """Runs the tests of the calling file."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--binary", default=options.binary)
    found, rest = parser.parse_known_args()
    options.binary = os.path.abspath(found.binary)
    unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2)
