"""An HTTP server that answers from a script and remembers what it was asked: stands for the app's own services.

A script line is `METHOD /path ANSWER [then ANSWER]…`, an answer `STATUS [wait=2s] [Name=value]… [body]`. The last answer
repeats. What no line names is answered by 404.
"""
import http.server
import re
import threading
import time

from .match import Fault


class Recorded:
    """One request as it came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


def parse_answer(text):
    status, _, rest = text.strip().partition(" ")
    if not re.fullmatch(r"\d{3}", status):
        raise Fault(f"stub: {text!r} does not begin with a status")
    wait, headers = 0.0, []
    while True:
        found = re.match(r"\s*([A-Za-z-]+)=(\"[^\"]*\"|\S+)(?:\s+|$)", rest)
        if not found:
            break
        value = found.group(2).strip('"')
        if found.group(1) == "wait":
            wait = float(value.rstrip("s"))
        else:
            headers.append((found.group(1), value))
        rest = rest[found.end():]
    return int(status), wait, headers, rest.strip().encode("utf-8")


class Stub:
    """Listens on a free port of the loopback from construction to close()."""

    def __init__(self, script):
        self.answers, self.requests, self.seen, self.lock = {}, [], 0, threading.Lock()
        for line in script:
            method, path, answers = (line.strip().split(None, 2) + ["", "", ""])[:3]
            if not answers:
                raise Fault(f"stub: {line!r} is not METHOD /path STATUS …")
            self.answers[(method, path)] = [parse_answer(part) for part in answers.split(" then ")]
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, wait, headers, content = stub.next(Recorded(self.command, self.path, list(self.headers.items()), body))
                time.sleep(wait)
                try:
                    self.send_response(status)
                    if not any(name.lower() == "content-type" for name, _ in headers):
                        self.send_header("Content-Type", "application/json")
                    for name, value in headers:
                        self.send_header(name, value)
                    content = content.replace(b"{{stub}}", stub.url.encode())  # a service that names its own address
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True  # the caller gave up, as a timeout test wants

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def next(self, request):
        with self.lock:
            self.requests.append(request)
            answers = self.answers.get((request.method, request.path.split("?")[0]))
            if not answers:
                return 404, 0.0, [], b'{"title":"the stub has no such answer"}'
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def take(self, within):
        """The oldest request not taken yet, or None when none comes in that time."""
        until = time.monotonic() + within
        while True:
            with self.lock:
                if self.seen < len(self.requests):
                    self.seen += 1
                    return self.requests[self.seen - 1]
            if time.monotonic() >= until:
                return None
            time.sleep(0.02)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
