"""Just enough HTTP/1.1 to send what a scenario says, byte for byte, and to read what comes back."""
import re
import socket
import time


class Closed(Exception):
    """The other end closed before a whole answer had come."""


class Reply:
    """One answer as it came."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def header(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Connection:
    """One TCP connection; not shared between threads."""

    def __init__(self, host, port, timeout):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.buffer = b""
        self.usable = True

    def close(self):
        self.socket.close()
        self.usable = False

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server may answer and close before it has read all; the answer says

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.usable = False
            raise Closed()
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def exactly(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def closes(self, within):
        """Whether the server closes the connection in that time without sending anything else."""
        if self.buffer:
            return False
        self.socket.settimeout(within)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except (TimeoutError, socket.timeout):
            return False
        finally:
            self.socket.settimeout(self.timeout)

    def reply(self, method="GET"):
        """The next final answer; interim ones (1xx) are passed over. Raises Closed."""
        while True:
            status, reason, headers = self.head()
            if status >= 200 or status == 101:
                break
        body = self.body(method, status, headers)
        found = Reply(status, reason, headers, body)
        if any("close" in value.lower() for value in found.header("connection")):
            self.usable = False
        return found

    def head(self):
        start = self.line()
        found = re.fullmatch(r"HTTP/1\.([01]) (\d{3})(?: (.*))?", start)
        if not found:
            raise ValueError(f"no status line: {start!r}")
        headers = []
        while True:
            line = self.line()
            if not line:
                return int(found.group(2)), found.group(3) or "", headers
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"no header line: {line!r}")
            headers.append((name, value.strip()))

    def body(self, method, status, headers):
        if method == "HEAD" or status in (204, 304) or status < 200:
            return b""
        named = {name.lower(): value for name, value in headers}
        if "chunked" in named.get("transfer-encoding", ""):
            parts = []
            while True:
                size = int(self.line().split(";")[0], 16)
                if size == 0:
                    while self.line():
                        pass
                    return b"".join(parts)
                parts.append(self.exactly(size))
                self.line()
        if "content-length" in named:
            return self.exactly(int(named["content-length"]))
        try:
            while True:
                self.more()
        except Closed:
            data, self.buffer = self.buffer, b""
            return data


def request_bytes(host, request_line, header_lines, body):
    """The bytes of a request; Host and Content-Length are added unless given or struck out (`!Host`)."""
    method, _, target = request_line.partition(" ")
    given = {line.split(":")[0].lstrip("!").lower() for line in header_lines}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {host}")
    lines += [line for line in header_lines if not line.startswith("!")]
    needs_length = body or method in ("POST", "PUT", "PATCH")
    if needs_length and not given & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8") + body


ESCAPE = re.compile(rb"\\(r|n|t|0|\\|x[0-9a-fA-F]{2})")


def unescape(text):
    r"""\r \n \t \0 \xHH \\ in a text, as bytes."""
    plain = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
    return ESCAPE.sub(lambda found: plain.get(found.group(1)) or bytes([int(found.group(1)[1:], 16)]), text.encode("utf-8"))


def raw_parts(lines):
    """The bytes and pauses of a raw step: ("send", bytes), ("pause", seconds) or ("end",)."""
    out = []
    for line in lines:
        pause = re.fullmatch(r"\.\.\. (\d+)ms", line.strip())
        many = re.fullmatch(r"<< (\d+) \* \"(.*)\"", line.strip())
        if pause:
            out.append(("pause", int(pause.group(1)) / 1000))
        elif line.strip() == "... end":
            out.append(("end",))
        elif many:
            out.append(("send", int(many.group(1)) * unescape(many.group(2))))
        else:
            out.append(("send", unescape(line)))
    return out


def send_raw(connection, lines):
    """Sends a raw step; returns the methods of the requests in it, in order."""
    sent = b""
    for part in raw_parts(lines):
        if part[0] == "send":
            connection.send(part[1])
            sent += part[1]
        elif part[0] == "pause":
            time.sleep(part[1])
        else:
            connection.socket.shutdown(socket.SHUT_WR)
    return [found.decode() for found in re.findall(rb"(?:^|\n)([A-Z]+) \S+ HTTP/1", sent)]
