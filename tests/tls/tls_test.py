#!/usr/bin/env python3
"""Holds TLS to its promises, with Python's ssl against the real binary.

  tests/tls/tls_test.py [--binary build/dev/mettle] [Test.name]

Versions, ciphers, protocols (ALPN), certificates by name (SNI), resumption, what is wrong with files at the start, a reload
under load without a request lost, HSTS, the redirect from plain HTTP, clients that never shake hands.
"""
import http.client
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import rig
from rig import Mettle, make_certificate, trusting


def folder_of(test):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-certs-"))
    test.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Handshakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-certs-"))
        cls.pairs = [make_certificate(cls.folder, "a", ["a.test", "127.0.0.1"]),
                     make_certificate(cls.folder, "b", ["b.test", "*.b.test"], kind="rsa")]
        cls.server = Mettle("--redirect-listen", "127.0.0.1:0", "--header-timeout", "1s", tls=cls.pairs)

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)
        assert code == 0, code

    def version_of(self, least, most, ciphers="DEFAULT:@SECLEVEL=0", name="a.test"):
        context = trusting()
        context.set_ciphers(ciphers)
        context.minimum_version, context.maximum_version = least, most
        with self.server.connect_tls(name, context=context) as wire:
            return wire.version(), wire.cipher()[0]

    def test_speaks_1_2_and_1_3_and_nothing_older(self):
        versions = ssl.TLSVersion
        self.assertEqual(self.version_of(versions.TLSv1_2, versions.TLSv1_2)[0], "TLSv1.2")
        self.assertEqual(self.version_of(versions.TLSv1_2, versions.TLSv1_3)[0], "TLSv1.3")
        for old in (versions.TLSv1, versions.TLSv1_1):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.version_of(old, old)

    def test_takes_only_ciphers_with_forward_secrecy_and_authentication(self):
        two = ssl.TLSVersion.TLSv1_2
        for name, weak in (("a.test", "ECDHE-ECDSA-AES128-SHA"), ("b.test", "ECDHE-RSA-AES256-SHA384"), ("b.test", "AES128-GCM-SHA256"),
                           ("b.test", "AES256-SHA"), ("b.test", "DHE-RSA-AES128-GCM-SHA256")):
            with self.assertRaises((ssl.SSLError, ConnectionError), msg=weak):
                self.version_of(two, two, f"{weak}:@SECLEVEL=0", name)
        for name, good in (("a.test", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("b.test", "ECDHE-RSA-CHACHA20-POLY1305")):
            self.assertEqual(self.version_of(two, two, good, name)[1], good)

    def test_gives_each_name_its_certificate_and_others_the_first(self):
        for name, pem in (("a.test", 0), ("b.test", 1), ("www.b.test", 1), ("A.TEST", 0)):
            with self.server.connect_tls(name, context=trusting(check=self.pairs[pem][0])):
                pass  # the handshake has verified it
        with self.server.connect_tls("deep.www.b.test") as wire:  # a star is one label
            seen = wire.getpeercert(binary_form=True)
        self.assertEqual(seen, ssl.PEM_cert_to_DER_cert(self.pairs[0][0].read_text()))

    def test_speaks_the_protocol_that_the_client_offers(self):
        for offer, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
            with self.server.connect_tls(alpn=offer) as wire:
                self.assertEqual(wire.selected_alpn_protocol(), chosen)
        with self.assertRaises(ssl.SSLError):
            self.server.connect_tls(alpn=["spdy/3"])

    def test_takes_up_a_session_again(self):
        context = trusting()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.server.connect_tls(context=context) as first:
            session = first.session
        with context.wrap_socket(self.server.connect(), server_hostname="a.test", session=session) as second:
            self.assertTrue(second.session_reused)

    def test_answers_requests_that_come_together_and_large_ones(self):
        large = "x" * 200_000
        body = f'{{"title": "one", "body": "{large}"}}'
        with self.server.connect_tls() as wire:
            wire.sendall(b"GET /livez HTTP/1.1\r\nHost: a.test\r\n\r\n" * 2
                         + b"GET /livez HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
            self.assertEqual(wire.makefile("rb").read().count(b"HTTP/1.1 200 OK"), 3)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=rig.PATIENCE_S)
        connection.sock = self.server.connect_tls()
        connection.request("POST", "/api/v1/notes", body, {"Content-Type": "application/json"})
        created = connection.getresponse()
        self.assertEqual((created.status, len(created.read()) > len(large)), (201, True))
        connection.request("GET", "/api/v1/notes", headers={"Accept-Encoding": "identity"})
        self.assertIn(large.encode(), connection.getresponse().read())
        connection.close()

    def test_answers_reach_a_slow_reader_whole(self):
        """More than the kernel's buffers hold, so that ciphertext waits in the server."""
        text = "y" * 2_000_000
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=rig.PATIENCE_S)
        connection.sock = self.server.connect_tls()
        connection.request("POST", "/api/v1/notes", f'{{"title": "slow", "body": "{text}"}}', {"Content-Type": "application/json"})
        path = connection.getresponse().headers["Location"]
        connection.close()
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(rig.PATIENCE_S)
        plain.connect(("127.0.0.1", self.server.port))
        with trusting().wrap_socket(plain, server_hostname="a.test") as wire:
            ask = f"GET {path} HTTP/1.1\r\nHost: a.test\r\n"
            wire.sendall((f"{ask}\r\n" * 5 + f"{ask}Connection: close\r\n\r\n").encode())
            self.assertEqual(wire.makefile("rb").read().count(text.encode()), 6)

    def test_says_that_a_client_speaks_http_in_clear(self):
        with self.server.connect() as wire:
            wire.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            self.assertTrue(wire.recv(4096).startswith(b"HTTP/1.1 400 "))

    def test_lets_go_of_a_client_that_never_shakes_hands(self):
        with self.server.connect() as silent, self.server.connect() as slow:
            slow.sendall(b"\x16\x03\x01\x02")
            self.assertEqual(silent.recv(1), b"")
            self.assertEqual(slow.recv(1), b"")
        self.assertEqual(self.server.get()[0], 200)

    def test_tells_browsers_to_come_back_by_tls(self):
        self.assertEqual(self.server.get()[1]["Strict-Transport-Security"], "max-age=31536000")
        self.assertEqual(self.server.get("/no/such")[1]["Strict-Transport-Security"], "max-age=31536000")
        with Mettle("--hsts", "1d", "--hsts-subdomains", "true", tls=self.pairs) as server:
            self.assertEqual(server.get()[1]["Strict-Transport-Security"], "max-age=86400; includeSubDomains")
        with Mettle("--hsts", "0s", tls=self.pairs) as server:
            self.assertIsNone(server.get()[1]["Strict-Transport-Security"])
        with Mettle() as server:
            self.assertIsNone(server.get()[1]["Strict-Transport-Security"])

    def redirect(self, target, host, method="GET"):
        with socket.create_connection(("127.0.0.1", self.server.redirect_port()), rig.PATIENCE_S) as wire:
            wire.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(wire)
            answer.begin()
            return answer.status, answer.headers["Location"], answer.headers["Strict-Transport-Security"]

    def test_sends_plain_http_on_to_its_own_names_only(self):
        port = self.server.port
        self.assertEqual(self.redirect("/api/v1/notes?limit=1", "a.test:80"), (308, f"https://a.test:{port}/api/v1/notes?limit=1", None))
        self.assertEqual(self.redirect("/x", "www.b.test", "POST"), (308, f"https://www.b.test:{port}/x", None))
        self.assertEqual(self.redirect("/", "127.0.0.1"), (308, f"https://127.0.0.1:{port}/", None))
        for target, host in (("/", "evil.test"), ("/", "evil.b.test.evil.test"), ("http://evil.test/x", "evil.test"), ("/", "127.0.0.2")):
            status, location, _ = self.redirect(target, host)
            self.assertEqual((status, location), (400, None), (target, host))
        self.assertEqual(self.redirect("//evil.test/x", "a.test")[1], f"https://a.test:{port}//evil.test/x")


class Files(unittest.TestCase):
    def start_fault(self, cert, key, *flags):
        server = Mettle(*flags, tls=[(cert, key)], wait=False)
        code = server.process.wait(rig.PATIENCE_S)
        log = server.log()
        server.stop()
        self.assertNotEqual(code, 0, log)
        return log

    def test_what_is_wrong_with_files_is_said_at_the_start(self):
        folder = folder_of(self)
        cert, key = make_certificate(folder, "good", ["a.test"])
        other_key = make_certificate(folder, "other", ["a.test"])[1]
        expired = make_certificate(folder, "expired", ["a.test"], began="2020-01-01 00:00:00")
        early = make_certificate(folder, "early", ["a.test"], began="2034-01-01 00:00:00")
        locked = make_certificate(folder, "locked", ["a.test"], key_words=("-passout", "pass:secret"))
        (folder / "none.pem").write_text("no certificate\n")
        cut = cert.read_text() + "-----BEGIN CERTIFICATE-----\nMIIB\n"
        (folder / "cut.pem").write_text(cut)
        for pair, said in (((folder / "absent.pem", key), "cannot be read: No such file"),
                           ((folder / "none.pem", key), "holds no certificate in PEM"),
                           ((folder / "cut.pem", key), "a certificate behind the first cannot be read"),
                           ((cert, other_key), "is not the key of the certificate in"),
                           ((cert, folder / "none.pem"), "holds no private key in PEM"),
                           (expired, "the certificate expired on Fri, 31 Jan 2020"),
                           (early, "the certificate is valid from Sun, 01 Jan 2034"),
                           (locked, "the key has a pass phrase")):
            log = self.start_fault(*pair)
            self.assertIn(said, log)
            self.assertNotIn("listening", log)

    def test_settings_that_do_not_fit_together_are_said(self):
        cert, _ = make_certificate(folder_of(self), "a", ["a.test"])
        for words, said in ((["--tls-cert", str(cert)], "tls_cert names 1 files and tls_key 0"),
                            (["--redirect-listen", "127.0.0.1:0"], "there is no tls_cert")):
            done = subprocess.run([rig.options.binary, "config", *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)

    def test_the_settings_file_names_several(self):
        folder = folder_of(self)
        a, b = make_certificate(folder, "a", ["a.test"]), make_certificate(folder, "b", ["b.test"])
        (folder / "server.yaml").write_text(f"tls_cert: [{a[0]}, {b[0]}]\ntls_key: [{a[1]}, {b[1]}]\n")
        with Mettle("--config", str(folder / "server.yaml")) as server:
            server.tls = True
            with server.connect_tls("b.test", context=trusting(check=b[0])):
                pass


class Reload(unittest.TestCase):
    def replace(self, new, old):
        """As certbot does: each file whole, one after the other."""
        for source, target in zip(new, old):
            shutil.copy(source, f"{target}.new")
            os.replace(f"{target}.new", target)

    def seen(self, server):
        with server.connect_tls() as wire:
            return wire.getpeercert(binary_form=True)

    def wait_for(self, server, pem):
        wanted, until = ssl.PEM_cert_to_DER_cert(pem.read_text()), time.monotonic() + rig.PATIENCE_S
        while self.seen(server) != wanted:
            self.assertLess(time.monotonic(), until, server.log())
            time.sleep(0.05)

    def test_new_files_are_taken_under_load_without_a_request_lost(self):
        folder = folder_of(self)
        pair = make_certificate(folder, "now", ["a.test"])
        next_pair = make_certificate(folder, "next", ["a.test"])
        other = make_certificate(folder, "other", ["a.test"])
        with Mettle(tls=[pair]) as server:
            stop, faults, counts = threading.Event(), [], {"kept": 0, "new": 0}

            def ask(kind):
                connection = None
                while not stop.is_set():
                    try:
                        if connection is None or kind == "new":
                            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=rig.PATIENCE_S)
                            connection.sock = server.connect_tls()
                        connection.request("GET", "/api/v1/notes")
                        answer = connection.getresponse()
                        answer.read()
                        if answer.status != 200:
                            faults.append(answer.status)
                        counts[kind] += 1
                        if kind == "new":
                            connection.close()
                    except (OSError, http.client.HTTPException) as error:
                        faults.append(f"{kind}: {error!r}")
                        connection = None

            threads = [threading.Thread(target=ask, args=(kind,)) for kind in ("kept", "kept", "new")]
            for thread in threads:
                thread.start()
            self.replace(next_pair, pair)
            self.wait_for(server, next_pair[0])
            self.replace(other, pair)
            server.hang_up()  # asks at once
            self.wait_for(server, other[0])
            before = dict(counts)
            while min(counts[kind] - before[kind] for kind in counts) < 5 and not faults:
                time.sleep(0.01)
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(faults, [])
            self.assertEqual(server.stop(), 0)

    def test_bad_new_files_are_logged_and_the_old_ones_stay(self):
        folder = folder_of(self)
        pair = make_certificate(folder, "now", ["a.test"])
        other = make_certificate(folder, "other", ["a.test"])
        with Mettle(tls=[pair]) as server:
            before = self.seen(server)
            shutil.copy(other[1], pair[1])  # a key of another certificate
            server.hang_up()
            server.wait_log(r"the certificates cannot be used: the ones before stay.*is not the key of")
            self.assertEqual(self.seen(server), before)
            shutil.copy(other[0], pair[0])
            self.wait_for(server, other[0])


if __name__ == "__main__":
    rig.main()
