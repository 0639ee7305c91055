#!/usr/bin/env python3
"""Proves that outgoing calls stay bounded and outside: rows C3 and P16 of our threat list.

Hostile servers (endless, slow, compressed, broken answers) cannot hold a call or fill the memory; and no address, name,
redirect or answer of a name server leads a call into the network behind the server. For the names the test runs itself
again in a network of its own (unshare), with a name server that says one thing and then another, and "public" and private
addresses that all answer: a call that goes where it may not is seen by who listens there.

    tests/outbound/http_test.py --probe build/dev/outbound_probe [-k C3]
"""
import argparse
import gzip
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

from rig import Probe, check, make_certificate, run_cases

PUBLIC, PUBLIC_6 = "93.184.216.34", "2606:2800:220:1::34"
INSIDE = ["127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.5.6", "192.168.7.8", "100.64.0.9", "169.254.169.254"]


class Listener:
    """Answers each connection by a function of the socket; counts them by the address that was asked."""

    def __init__(self, answer, host="127.0.0.1", family=socket.AF_INET, port=0):
        self.socket = socket.create_server((host, port), family=family, backlog=64, dualstack_ipv6=host == "::")
        self.port = self.socket.getsockname()[1]
        self.answer, self.reached = answer, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            self.reached.append(connection.getsockname()[0])
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                connection.recv(65536)
                self.answer(connection)
        except OSError:
            pass  # the other end left, as it should

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"


def says(*parts):
    def answer(connection):
        for part in parts:
            connection.sendall(part)
    return answer


def endless(head, part, pause=0.0):
    def answer(connection):
        connection.sendall(head)
        while True:
            connection.sendall(part)
            time.sleep(pause)
    return answer


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
FINE = says(OK + b"Content-Length: 2\r\n\r\nok")


def bounded_case(probe):
    """Whatever comes, the call ends, with what was allowed or an error that says why."""
    hostile = {
        "headers": (endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 1000 + b"\r\n"), "larger"),
        "interim answers": (endless(b"", b"HTTP/1.1 103 Early Hints\r\nX: " + b"y" * 1000 + b"\r\n\r\n"), "larger"),
        "body": (endless(OK + b"\r\n", b"z" * 65536), "larger"),
        "chunks": (endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10\r\n" + b"z" * 16 + b"\r\n"), "larger"),
        "a length beyond all": (endless(OK + b"Content-Length: 99999999999\r\n\r\n", b"z" * 65536), "larger"),
        "drops": (endless(OK + b"Content-Length: 100000\r\n\r\n", b"z", 0.05), "timeout"),
        "nothing": (lambda connection: time.sleep(3600), "timeout"),
        "half a body": (says(OK + b"Content-Length: 100\r\n\r\nhalf"), "failed"),
        "no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "failed"),
        "a chunk of no length": (says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "failed"),
        "a length below zero": (says(OK + b"Content-Length: -1\r\n\r\nx"), ""),
    }
    for name, (answer, word) in hostile.items():
        listener = Listener(answer)
        got = probe.ask(url=listener.url(), reach=["loopback"], timeout_ms=1000, answer_bytes_max=10_000)
        check("error" in got and word in got["detail"], f"endless {name}: {got}")
    listener = Listener(FINE)
    check(probe.ask(url=listener.url(), reach=["loopback"])["body"] == "ok", "a good answer is refused")


def bomb_case(probe):
    """No coding is asked for, and none is undone: a body is as large as what came."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    asked = []

    def answer(connection):
        connection.sendall(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)
    listener = Listener(answer)
    got = probe.ask(url=listener.url(), reach=["loopback"], answer_bytes_max=1_000_000)
    check(got.get("bytes") == len(bomb) < 1_000_000, f"{got} {asked}")


def redirect_case(probe):
    secret = Listener(FINE)
    for status in (301, 302, 303, 307, 308):
        listener = Listener(says(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                 % (status, secret.url().encode())))
        got = probe.ask(url=listener.url(), reach=["loopback"])
        check(got.get("status") == status, f"{got}")
    check(not secret.reached, "a redirect was followed")


def written_case(probe):
    """Every way to write an address of the inside."""
    listener = Listener(FINE, host="::", family=socket.AF_INET6)  # and IPv4, mapped
    port = listener.port
    hosts = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0",
             "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
             "[2002:7f00:1::]", "[2002:7f00:0001::1]", "localhost", "LOCALHOST", "localhost.", "%6c%6f%63alhost", "127.0.0.1.",
             "user@127.0.0.1", "example.com@127.0.0.1", "①②⑦.⓪.⓪.①"]
    urls = [f"http://{host}:{port}/" for host in hosts]
    urls += [f"http://127.0.0.1:{port}#@example.com/", f"http://127.0.0.1:{port}?@example.com/",
             f"http:127.0.0.1:{port}/", f"http:///127.0.0.1:{port}/", f"http:\\\\127.0.0.1:{port}/",
             f"file:///etc/passwd", f"gopher://127.0.0.1:{port}/_x", f"dict://127.0.0.1:{port}/x", f"ftp://127.0.0.1:{port}/",
             f"http://127.0.0.1:{port}/\r\nX: y"]
    for url in urls:
        got = probe.ask(url=url, timeout_ms=3000)
        check("error" in got, f"{url} was answered: {got}")
    check(not listener.reached, f"somebody got through: {listener.reached}")
    check(probe.ask(url=f"http://127.1:{port}/", reach=["loopback"]).get("body") == "ok", "the control does not work")


def certificate_case(probe):
    """Nobody whom we trust vouches for it: nothing is sent, and it is not asked again."""
    heard = []

    def answer(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        with context.wrap_socket(connection, server_side=True) as inside:
            heard.append(inside.recv(65536))
    with tempfile.TemporaryDirectory() as folder:
        pair = make_certificate(pathlib.Path(folder))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            accepted = []

            def serve():
                while True:
                    try:
                        connection, _ = listener.accept()
                        accepted.append(1)
                        answer(connection)
                    except OSError:
                        if listener.fileno() < 0:
                            return
            threading.Thread(target=serve, daemon=True).start()
            url = f"https://localhost:{listener.getsockname()[1]}/"
            got = probe.ask(url=url, reach=["loopback"], tries=5)
            check("not trusted" in got.get("detail", "") and len(accepted) == 1, f"{got} {accepted}")
    check(not any(heard), f"it was told {heard}")


class Names(threading.Thread):
    """A name server of one network: name → lists of addresses, one list a question, the last one repeated."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.answers, self.asked = {}, {}

    def run(self):
        while True:
            question, client = self.socket.recvfrom(4096)
            self.socket.sendto(self.reply(question), client)

    def reply(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        kind = struct.unpack("!H", question[at + 1:at + 3])[0]
        key = (".".join(labels), kind)
        turns = self.answers.get(key, [[]])
        turn = self.asked.get(key, 0)
        self.asked[key] = turn + 1
        family = socket.AF_INET if kind == 1 else socket.AF_INET6
        data = [socket.inet_pton(family, address) for address in turns[min(turn, len(turns) - 1)]]
        reply = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(data), 0, 0) + question[12:at + 5]
        for address in data:
            reply += struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(address)) + address
        return reply

    def set(self, name, *turns, kind=1):
        self.answers[(name, kind)] = turns
        self.asked.pop((name, kind), None)


class Network:
    def __init__(self, probe_path):
        self.probe_path = probe_path
        self.names = Names()
        self.names.start()
        self.v4 = Listener(FINE, host="0.0.0.0", port=8000)
        self.v6 = Listener(FINE, host=PUBLIC_6, family=socket.AF_INET6, port=8000)
        self.v6_loopback = Listener(FINE, host="::1", family=socket.AF_INET6, port=8000)

    def ask(self, name, probe=None, **more):
        """By a new process, which remembers no name; gives the answer and who was reached."""
        before = len(self.v4.reached), len(self.v6.reached), len(self.v6_loopback.reached)
        mine = probe or Probe(self.probe_path)
        got = mine.ask(url=f"http://{name}:8000/", timeout_ms=3000, **more)
        if probe is None:
            mine.close()
        reached = (self.v4.reached[before[0]:] + self.v6.reached[before[1]:] + self.v6_loopback.reached[before[2]:])
        return got, reached

    def public_case(self):
        self.names.set("shop.example", [PUBLIC])
        got, reached = self.ask("shop.example")
        check(got.get("body") == "ok" and reached == [PUBLIC], f"{got} {reached}")
        self.names.set("six.example", [PUBLIC_6], kind=28)
        got, reached = self.ask("six.example")
        check(got.get("body") == "ok" and reached == [PUBLIC_6], f"{got} {reached}")

    def inside_case(self):
        for address in INSIDE:
            self.names.set("evil.example", [address])
            got, reached = self.ask("evil.example")
            check("may not reach" in got.get("detail", "") and not reached, f"{address}: {got} {reached}")
            got, reached = self.ask("evil.example", reach=["loopback", "private_networks", "link_local"])
            check(got.get("body") == "ok" and reached == [address], f"the control, {address}: {got} {reached}")
        self.names.set("evil.example", [])
        for address in ["::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::7f00:1", "2002:7f00:1::", "fd00::1", "fe80::1"]:
            self.names.set("evil.example", [address], kind=28)
            got, reached = self.ask("evil.example")
            check("error" in got and not reached, f"{address}: {got} {reached}")

    def rebinding_case(self):
        """Good when it is looked at, another when it is called: what counts is where the call connects."""
        self.names.set("rebind.example", [PUBLIC], ["127.0.0.1"])
        got, reached = self.ask("rebind.example")
        check(got.get("body") == "ok" and reached == [PUBLIC], f"{got} {reached}")
        got, reached = self.ask("rebind.example")
        check("may not reach" in got.get("detail", "") and not reached, f"{got} {reached}")
        # In one process, with its memory of names and its connections.
        probe = Probe(self.probe_path)
        self.names.set("again.example", [PUBLIC], ["169.254.169.254"])
        for _ in range(5):
            got, reached = self.ask("again.example", probe)
            check(set(reached) <= {PUBLIC}, f"{got} {reached}")
        probe.close()

    def two_answers_case(self):
        """An answer with both: the inner one is passed over, whatever their order."""
        for answers in (["127.0.0.1", PUBLIC], [PUBLIC, "127.0.0.1"], ["10.1.2.3", "169.254.169.254", PUBLIC]):
            self.names.set("both.example", answers)
            got, reached = self.ask("both.example")
            check(set(reached) <= {PUBLIC}, f"{answers}: {got} {reached}")
        self.names.set("mixed.example", [PUBLIC])
        self.names.set("mixed.example", ["::1"], kind=28)
        got, reached = self.ask("mixed.example")
        check(set(reached) <= {PUBLIC}, f"{got} {reached}")

    def retries_case(self):
        """A refused address is not tried again, and not counted against the name."""
        self.names.set("retry.example", ["127.0.0.1"])
        probe = Probe(self.probe_path)
        for _ in range(10):
            got, reached = self.ask("retry.example", probe, tries=5)
            check("may not reach" in got.get("detail", "") and not reached, f"{got} {reached}")
        probe.close()


def set_up_network():
    """In the namespace: addresses that answer, a name server that is ours."""
    def run(*words):
        subprocess.run(words, check=True, capture_output=True)
    run("ip", "link", "set", "lo", "up")
    for address in [PUBLIC, *INSIDE[2:]]:
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    run("ip", "address", "add", f"{PUBLIC_6}/128", "dev", "lo", "nodad")
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:2 attempts:1\n"),
                       ("nsswitch.conf", "hosts: dns\n")):
        path = f"/tmp/.outbound.{os.getpid()}.{name}"
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        run("mount", "--bind", path, f"/etc/{name}")
        os.unlink(path)


def network_cases(args):
    set_up_network()
    network = Network(args.probe)
    return [
        ("C3 the public internet is in reach", network.public_case),
        ("C3 P16 a name of an inner address is refused", network.inside_case),
        ("C3 P16 a name that is rebound", network.rebinding_case),
        ("C3 P16 a name with an inner and an outer address", network.two_answers_case),
        ("P16 what is out of reach is not tried again", network.retries_case),
    ]


def plain_cases(probe):
    return [
        ("P16 endless, slow and broken answers", lambda: bounded_case(probe)),
        ("P16 a bomb stays as small as it came", lambda: bomb_case(probe)),
        ("P16 a certificate that nobody vouches for", lambda: certificate_case(probe)),
        ("C3 P16 redirects are not followed", lambda: redirect_case(probe)),
        ("C3 P16 every way to write an inner address", lambda: written_case(probe)),
    ]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--probe", required=True)
    options.add_argument("-k", dest="only", default="", help="only cases whose name holds this")
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.inside:
        return run_cases([case for case in network_cases(args) if args.only in case[0]])
    probe = Probe(args.probe)
    code = run_cases([case for case in plain_cases(probe) if args.only in case[0]])
    probe.close()
    unshare = ["unshare", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*unshare, "ip", "link"], capture_output=True, check=False).returncode != 0:
        print("NOT TESTED: names, for want of a network of its own (unshare)", file=sys.stderr)
        return code or 77
    inside = [*unshare, sys.executable, __file__, "--probe", os.path.abspath(args.probe), "--inside", "-k", args.only]
    return subprocess.run(inside, check=False).returncode or code


if __name__ == "__main__":
    sys.exit(main())
