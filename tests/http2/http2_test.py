#!/usr/bin/env python3
"""Holds HTTP/2 to its promises against the real binary: python3-h2 and nghttp as good clients, raw frames as hostile ones.

  tests/http2/http2_test.py [--binary build/dev/mettle] [Test.name]

A hostile connection (rapid reset, resets that it provokes from us, header bombs, CONTINUATION without end, PING and SETTINGS
floods, windows that never open, bodies that never end) is ended with GOAWAY or its streams are reset, the server's memory
stays within MEMORY_KIB of what it was, and a good client beside it is answered throughout.
"""
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tls"))
sys.path.append("/usr/lib/python3/dist-packages")  # where Debian puts h2, for a Python from elsewhere

import rig  # noqa: E402
from rig import Mettle, make_certificate  # noqa: E402

try:
    import h2.config
    import h2.connection
    import h2.errors
    import h2.events
    import h2.exceptions
    import h2.settings
except ImportError:
    print("skipped: python3-h2 is not installed (tools/setup.sh does it)", file=sys.stderr)
    sys.exit(rig.SKIPPED)

MEMORY_KIB = 24 * 1024
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ENHANCE_YOUR_CALM = 11


class Good:
    """A client that keeps to the rules: h2 over one connection."""

    def __init__(self, wire, scheme="http", authority="a.test"):
        self.wire, self.scheme, self.authority = wire, scheme, authority
        wire.settimeout(rig.PATIENCE_S)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.answers, self.resets, self.goaway = {}, {}, None
        self.flush()

    def flush(self):
        self.wire.sendall(self.h2.data_to_send())

    def ask(self, method, path, body=None, headers=()):
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", self.scheme), (":authority", self.authority), (":path", path), *headers]
        self.h2.send_headers(stream, fields, end_stream=body is None)
        self.answers[stream] = {"status": 0, "headers": {}, "body": b"", "done": False}
        self.flush()
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body))
            if room == 0:
                self.pump()
                continue
            self.h2.send_data(stream, body[:room], end_stream=room == len(body))
            body = body[room:]
            self.flush()
        return stream

    def pump(self):
        data = self.wire.recv(65536)
        if not data:
            raise ConnectionError("the server closed")
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                headers = dict(event.headers)
                self.answers[event.stream_id].update(status=int(headers.pop(":status")), headers=headers)
            elif isinstance(event, h2.events.DataReceived):
                self.answers[event.stream_id]["body"] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.answers[event.stream_id]["done"] = True
            elif isinstance(event, h2.events.StreamReset):
                self.resets[event.stream_id] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event.error_code
        self.flush()

    def wait(self, stream):
        while not self.answers[stream]["done"]:
            if stream in self.resets:
                raise ConnectionError(f"stream {stream} was reset: {self.resets[stream]}")
            self.pump()
        return self.answers[stream]

    def get(self, path, **more):
        return self.wait(self.ask("GET", path, **more))


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value, index=False):
    """HPACK: a literal, as it is."""
    def text(part):
        size, out = len(part), b""
        if size < 127:
            return bytes([size]) + part
        size -= 127
        while size >= 128:
            out += bytes([size % 128 + 128])
            size //= 128
        return b"\x7f" + out + bytes([size]) + part
    return (b"\x40" if index else b"\x00") + text(name) + text(value)


def head(method=b"GET", path=b"/livez", more=b""):
    return field(b":method", method) + field(b":scheme", b"http") + field(b":authority", b"a.test") + field(b":path", path) + more


def get(stream, more=b"", path=b"/livez"):
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, head(path=path, more=more))


class Hostile:
    """A client that sends what it likes; reads frames."""

    def __init__(self, server, settings=b""):
        self.wire, self.received, self.frames = server.connect(), b"", []
        self.wire.settimeout(rig.PATIENCE_S)
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def send(self, data):
        """Whether the server still takes it; reads beside, so that nobody waits for us."""
        view = memoryview(data)
        self.wire.setblocking(False)
        until = time.monotonic() + rig.PATIENCE_S
        try:
            while view and time.monotonic() < until:
                try:
                    view = view[self.wire.send(view):]
                except BlockingIOError:
                    time.sleep(0.001)
                try:
                    self.received += self.wire.recv(1 << 20)
                except BlockingIOError:
                    pass
            return not view
        except OSError:
            return False
        finally:
            self.wire.settimeout(rig.PATIENCE_S)

    def take_frames(self):
        while len(self.received) >= 9:
            size = int.from_bytes(self.received[:3], "big")
            if len(self.received) < 9 + size:
                break
            self.frames.append((self.received[3], int.from_bytes(self.received[5:9], "big"), self.received[9:9 + size]))
            self.received = self.received[9 + size:]
        return self.frames

    def wait_for(self, kind, stream=None):
        while True:
            for found in self.take_frames():
                if found[0] == kind and stream in (None, found[1]):
                    return found
            data = self.wire.recv(65536)
            if not data:
                raise AssertionError(f"no frame {kind}: {self.frames}")
            self.received += data

    def farewell(self):
        """The code of GOAWAY (None: there was none) once the server has closed."""
        try:
            while data := self.wire.recv(65536):
                self.received += data
        except ConnectionError:
            pass
        finally:
            self.wire.close()
        codes = [int.from_bytes(payload[4:8], "big") for kind, _, payload in self.take_frames() if kind == GOAWAY]
        return codes[-1] if codes else None


class GoodClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-certs-"))
        pair = make_certificate(cls.folder, "a", ["a.test"])
        cls.server, cls.secure = Mettle("--http2-streams-max", "50"), Mettle(tls=[pair])

    @classmethod
    def tearDownClass(cls):
        codes = cls.server.stop(), cls.secure.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert codes == (0, 0), codes

    def clients(self):
        wire = self.secure.connect_tls(alpn=["h2"])
        self.assertEqual(wire.selected_alpn_protocol(), "h2")
        return Good(self.server.connect()), Good(wire, "https")

    def test_the_api_works_in_clear_and_over_tls(self):
        for client in self.clients():
            made = client.wait(client.ask("POST", "/api/v1/notes", b'{"title": "one"}', [("content-type", "application/json")]))
            self.assertEqual(made["status"], 201)
            read = client.get(made["headers"]["location"])
            self.assertEqual((read["status"], b'"one"' in read["body"]), (200, True))
            self.assertEqual(read["headers"]["etag"], made["headers"]["etag"])
            self.assertEqual("strict-transport-security" in read["headers"], client.scheme == "https")
            again = client.get(made["headers"]["location"], headers=[("if-none-match", read["headers"]["etag"])])
            self.assertEqual((again["status"], again["body"]), (304, b""))
            self.assertEqual(client.wait(client.ask("HEAD", "/api/v1/notes"))["body"], b"")
            self.assertEqual(client.get("/no/such")["status"], 404)
            self.assertEqual(client.wait(client.ask("DELETE", made["headers"]["location"]))["status"], 204)
            client.wire.close()

    def test_many_requests_run_at_once(self):
        for client in self.clients():
            client.pump()  # the server's settings
            for _ in range(20):
                streams = [client.ask("GET", "/livez") for _ in range(40)]
                for stream in streams:
                    self.assertEqual(client.wait(stream)["status"], 200)
            client.wire.close()

    def test_large_bodies_go_both_ways(self):
        text = "x" * 3_000_000
        for client in self.clients():
            made = client.wait(client.ask("POST", "/api/v1/notes", f'{{"title": "big", "body": "{text}"}}'.encode(),
                                          [("content-type", "application/json")]))
            self.assertEqual(made["status"], 201)
            self.assertIn(text.encode(), client.get(made["headers"]["location"])["body"])
            self.assertEqual(client.wait(client.ask("DELETE", made["headers"]["location"]))["status"], 204)
            client.wire.close()

    def test_bodies_beyond_the_bound_are_refused_and_the_connection_goes_on(self):
        for client in self.clients():
            stream = client.ask("POST", "/api/v1/notes", headers=[("content-type", "application/json"), ("content-length", "9000000")],
                                body=b"")
            self.assertEqual(client.wait(stream)["status"], 413)
            self.assertEqual(client.get("/livez")["status"], 200)
            client.wire.close()

    def test_nghttp_and_curl_speak_it_too(self):
        url = f"http://127.0.0.1:{self.server.port}/livez"
        done = subprocess.run(["nghttp", "-v", url], capture_output=True, text=True, timeout=rig.PATIENCE_S, check=True)
        self.assertIn(":status: 200", done.stdout)
        done = subprocess.run(["curl", "-sSk", "--http2", "-w", "%{http_version} %{http_code}", "-o", "/dev/null",
                               f"https://127.0.0.1:{self.secure.port}/livez"], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "2 200")

    def test_requests_under_way_are_answered_when_the_server_stops(self):
        with Mettle() as server:
            client = Good(server.connect())
            self.assertEqual(client.get("/livez")["status"], 200)
            server.process.terminate()
            while client.goaway is None:
                client.pump()
            self.assertEqual(client.goaway, 0)
            self.assertEqual(server.process.wait(rig.PATIENCE_S), 0)


class HostileClients(unittest.TestCase):
    def setUp(self):
        self.server = Mettle("--header-timeout", "1s", "--body-timeout", "1s", "--write-timeout", "1s")
        self.good = Good(self.server.connect(), authority="127.0.0.1")  # who may see the metrics
        for _ in range(200):  # what a process takes at first is not the attack's
            self.good.get("/livez")
        self.before = self.server.status_kib()

    def tearDown(self):
        self.assertEqual(self.good.get("/livez")["status"], 200)
        self.good.wire.close()
        if not rig.options.sanitized:
            self.assertLess(self.server.status_kib("VmHWM") - self.before, MEMORY_KIB)
        self.assertEqual(self.server.stop(), 0)

    def test_rapid_reset(self):
        attacker = Hostile(self.server)
        flood = b"".join(get(stream) + frame(RST_STREAM, 0, stream, b"\0\0\0\x08") for stream in range(1, 40_000, 2))
        attacker.send(flood)
        self.assertEqual(attacker.farewell(), ENHANCE_YOUR_CALM)

    def test_resets_that_the_client_provokes(self):
        attacker = Hostile(self.server)
        flood = b"".join(frame(HEADERS, END_HEADERS, stream, head(b"POST", b"/api/v1/notes")) + frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff")
                         for stream in range(1, 40_000, 2))
        attacker.send(flood)
        self.assertEqual(attacker.farewell(), ENHANCE_YOUR_CALM)

    def test_continuation_without_end(self):
        for part in (b"", field(b"x", b"y"), field(b"x", b"y" * 8000)):
            attacker = Hostile(self.server)
            attacker.send(frame(HEADERS, END_STREAM, 1, head()) + frame(CONTINUATION, 0, 1, part) * 10_000)
            self.assertIsNotNone(attacker.farewell())

    def test_a_head_that_stops_half_way(self):
        attackers = [Hostile(self.server) for _ in range(3)]
        attackers[0].send(frame(HEADERS, END_STREAM, 1, head()))
        attackers[1].send(get(1)[:20])
        attackers[2].wire.sendall(b"\0\0")
        for attacker in attackers:
            self.assertEqual(attacker.farewell(), 0)

    def test_header_bombs(self):
        attacker = Hostile(self.server)
        bomb = field(b"x", b"y" * 4000, index=True) + b"\xbe" * 12_000
        attacker.send(b"".join(get(stream, bomb) for stream in range(1, 100, 2)))
        self.assertEqual(attacker.farewell(), ENHANCE_YOUR_CALM)

    def test_a_head_over_the_limit_is_refused_and_the_connection_goes_on(self):
        client = Good(self.server.connect())
        client.pump()
        self.assertEqual(client.h2.remote_settings.max_header_list_size, 16 * 1024)
        client.h2.remote_settings.max_header_list_size = 1 << 20
        self.assertEqual(client.get("/livez", headers=[("x", "y" * 17_000)])["status"], 431)
        self.assertEqual(client.get("/livez")["status"], 200)

    def test_floods_of_frames_that_ask_for_nothing(self):
        for noise in (frame(PING, 0, 0, b"12345678"), frame(SETTINGS, 0, 0), frame(PRIORITY, 0, 5, b"\0\0\0\0\1"), frame(0xbe, 0, 0, b"x")):
            attacker = Hostile(self.server)
            attacker.send(noise * 50_000)
            self.assertEqual(attacker.farewell(), ENHANCE_YOUR_CALM, noise)
        attacker = Hostile(self.server)
        attacker.send(frame(HEADERS, END_HEADERS, 1, head(b"POST", b"/api/v1/notes")) + frame(DATA, 0, 1) * 50_000)
        self.assertEqual(attacker.farewell(), ENHANCE_YOUR_CALM)

    def test_answers_that_are_never_taken(self):
        """No window, or nothing read at all: the streams are reset, or the connection ends."""
        made = self.good.wait(self.good.ask("POST", "/api/v1/notes", b'{"title": "t", "body": "%s"}' % (b"z" * 100_000),
                                            [("content-type", "application/json")]))
        path = made["headers"]["location"].encode()
        stalled = Hostile(self.server, struct.pack(">HI", 4, 0))
        stalled.send(b"".join(get(stream, path=path) for stream in range(1, 100, 2)))
        for stream in range(1, 100, 2):
            stalled.wait_for(RST_STREAM, stream)
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", self.server.port))
        deaf.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 30)) + frame(WINDOW_UPDATE, 0, 0, b"\x3f\xff\xff\xff")
                     + b"".join(get(stream, path=path) for stream in range(1, 150, 2)))
        until = time.monotonic() + rig.PATIENCE_S
        while b"mettle_http_connections 2" not in self.open_connections():
            self.assertLess(time.monotonic(), until, self.open_connections())
            time.sleep(0.1)
        deaf.close()
        stalled.wire.close()

    def open_connections(self):
        body = self.good.get("/metrics")["body"]
        return b"\n".join(line for line in body.split(b"\n") if line.startswith(b"mettle_http_connections"))

    def test_bodies_that_never_end(self):
        attacker = Hostile(self.server)
        streams = range(1, 100, 2)
        attacker.send(b"".join(frame(HEADERS, END_HEADERS, stream, head(b"POST", b"/api/v1/notes")) + frame(DATA, 0, stream, b"[")
                               for stream in streams))
        for stream in streams:
            attacker.wait_for(HEADERS, stream)  # 408
            attacker.wait_for(RST_STREAM, stream)
        attacker.wire.close()

    def test_a_hundred_large_bodies_at_once(self):
        """Each as far as its window lets it: few are let beyond their first."""
        attackers = [Hostile(self.server) for _ in range(2)]
        for attacker in attackers:
            for stream in range(1, 100, 2):
                attacker.send(frame(HEADERS, END_HEADERS, stream, head(b"POST", b"/api/v1/notes")) + frame(DATA, 0, stream, b" " * 16_384) * 3)
        for attacker in attackers:
            attacker.wait_for(SETTINGS)
            attacker.wire.close()

    def test_what_is_no_http_2(self):
        for words in (PREFACE + b"GET / HTTP/1.1\r\n\r\n" * 10, PREFACE[:-6] + b"XX\r\n\r\n", PREFACE + b"\xff" * 1000):
            wire = self.server.connect()
            wire.sendall(words)
            try:
                while wire.recv(4096):
                    pass
            except ConnectionError:
                pass
            wire.close()


if __name__ == "__main__":
    if shutil.which("nghttp") is None:
        print("skipped: nghttp is not installed (tools/setup.sh does it)", file=sys.stderr)
        sys.exit(rig.SKIPPED)
    rig.main()
