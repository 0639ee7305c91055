"""What the tests of TLS and HTTP/2 rest on: a server in a temporary folder, certificates made on the spot, raw clients."""
import argparse
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 40  # what must happen has happened by then, also on a loaded machine
SKIPPED = 77
APP = """mettle: 1
app: wire
tables:
  notes:
    columns:
      title: {type: text}
      body: {type: text, optional: true}
    access: {read: "true", write: "true"}
"""
options = argparse.Namespace(binary=str(ROOT / "build/dev/mettle"), sanitized=False)


def make_certificate(folder, name, names, kind="ec", began=None, days=30, key_words=()):
    """NAME.pem and NAME.key for the DNS names (or addresses) in `folder`; `began`: a date for faketime."""
    alternatives = ",".join(("IP:" if re.fullmatch(r"[\d.]+|.*:.*", each) else "DNS:") + each for each in names)
    key = folder / f"{name}.key"
    generate = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-newkey", "rsa:2048"]
    command = ["openssl", "req", "-x509", *generate, *(key_words or ("-nodes",)), "-keyout", key, "-out", folder / f"{name}.pem",
               "-days", str(days), "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}"]
    command = [*(["faketime", began] if began else []), *map(str, command)]
    for attempt in range(5):  # faketime itself fails now and then, where several run
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return folder / f"{name}.pem", key
        if not began or attempt == 4:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")
    return None


class Mettle:
    """A running `mettle serve` on free ports; its log is read from the file."""

    def __init__(self, *flags, tls=(), wait=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-wire-"))
        (self.folder / "mettle.yaml").write_text(APP)
        self.log_path = self.folder / "log"
        pairs = [word for cert, key in tls for word in ("--tls-cert", str(cert), "--tls-key", str(key))]
        command = [options.binary, "serve", "mettle.yaml", "--listen", "127.0.0.1:0", "--log-requests", "false", "--overload-delay",
                   "5s", *pairs, *flags]
        env = {name: value for name, value in os.environ.items() if not name.startswith("METTLE_")}
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=subprocess.DEVNULL, stderr=log)
        self.tls, self.port = bool(tls), 0
        if wait:
            self.port = int(self.wait_log(r"listening on https?://[\d.]+:(\d+)").group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_log(self, pattern):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if found := re.search(pattern, self.log()):
                return found
            if self.process.poll() is not None and not re.search(pattern, self.log()):
                break
            time.sleep(0.02)
        raise AssertionError(f"the log never had {pattern!r}:\n{self.log()}")

    def redirect_port(self):
        return int(self.wait_log(r"redirecting from http://[\d.]+:(\d+)").group(1))

    def status_kib(self, name="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise AssertionError(f"/proc has no {name}")

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        """The exit code after SIGTERM."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"SIGTERM did not end it:\n{self.log()}") from None
        code = self.process.returncode
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def connect_tls(self, name="a.test", alpn=(), context=None):
        context = context or trusting(alpn)
        return context.wrap_socket(self.connect(), server_hostname=name)

    def get(self, path="/livez", name="a.test", context=None, headers=None):
        """(status, headers, body) over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.sock = self.connect_tls(name, context=context) if self.tls else self.connect()
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def trusting(alpn=(), check=None):
    """A client's context that takes any certificate, or only the one in the file `check`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if check:
        context.load_verify_locations(str(check))
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def main():
    """unittest with --binary; 77 where a program is missing."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__.split("\n")[0])
    parser.add_argument("--binary", default=options.binary)
    parser.add_argument("--sanitized", action="store_true", help="the binary holds freed memory back: no bound on it")
    given, rest = parser.parse_known_args()
    options.sanitized = given.sanitized
    options.binary = str(pathlib.Path(given.binary).resolve())
    missing = [program for program in ("openssl", "faketime") if shutil.which(program) is None]
    if missing or not pathlib.Path(options.binary).is_file():
        print(f"skipped: missing: {' '.join(missing) or options.binary}", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *rest])
