#!/usr/bin/env python3
"""Proves that mails leave the outbox for a real SMTP server: over TLS or not at all, signed in, again after errors that
pass, never again after those that stay, and at least once whenever the server is killed.

    tests/outbound/smtp_test.py --binary build/dev/mettle [-k kill] [--kills 5]

Needs aiosmtpd (python3-aiosmtpd) and openssl.
"""
import argparse
import collections
import email
import email.policy
import pathlib
import random
import socket
import sys
import tempfile

from rig import Mettle, check, eventually, make_certificate, run_cases
from smtp_server import Server

USER = ("shop", "correct horse")


class Cases:
    def __init__(self, binary, folder, kills, seed):
        self.binary, self.kills, self.seed = binary, kills, seed
        self.certificate = make_certificate(folder)
        self.foreign = make_certificate(folder, "elsewhere.example", "192.0.2.1")

    def settings(self, port, *more, scheme="smtp", ca=None):
        return ["--smtp-url", f"{scheme}://127.0.0.1:{port}", "--mail-from", "Der Laden <no-reply@shop.example>",
                "--public-url", "https://shop.example", "--smtp-ca", str(ca or self.certificate[0]), *more]

    def mettle(self, port, *more, signs_in=True, **settings):
        options = self.settings(port, *more, **settings)
        environment = {}
        if signs_in:
            options += ["--smtp-user", USER[0]]
            environment["METTLE_SMTP_PASSWORD"] = USER[1]
        # The folder is made without a mail server's settings, so that mails can wait in it before the real start.
        made = Mettle(self.binary, options, environment)
        made.start()
        made.stop()
        return made

    def send(self, mettle, to="ann@example.com"):
        return mettle.run("mail", "test", to).strip()

    def state(self, mettle, mail):
        return next(each for each in mettle.mails() if each["id"] == mail)

    def until_state(self, mettle, mail, state, seconds=30):
        return eventually(seconds, lambda: (s := self.state(mettle, mail))["state"] == state and s, f"the mail is {state}")

    def until_problem(self, mettle, mail, part):
        def look():
            found = self.state(mettle, mail)
            return part in (found["problem"] or "") and found
        return eventually(30, look, f"the mail's problem holds {part!r}")

    def starttls(self):
        server = Server(self.certificate, USER)
        mettle = self.mettle(server.port)
        mail = self.send(mettle)
        mettle.start()
        self.until_state(mettle, mail, "sent")
        to, data, over_tls, who = server.messages[0]
        check(to == ["ann@example.com"] and over_tls and who == USER[0], f"{to} {over_tls} {who}")
        message = email.message_from_bytes(data, policy=email.policy.SMTP)
        check(not message.defects, f"{message.defects}")
        check(str(message["from"]) == "Der Laden <no-reply@shop.example>", str(message["from"]))
        check(message["message-id"] == f"<{mail}@shop.example>", str(message["message-id"]))
        check([p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"], str(message))
        check("proof that mails arrive" in message.get_body(("plain",)).get_content(), str(message))
        mettle.close()

    def smtps(self):
        server = Server(self.certificate, USER, smtps=True)
        mettle = self.mettle(server.port, scheme="smtps")
        mail = self.send(mettle)
        mettle.start()
        self.until_state(mettle, mail, "sent")
        check(server.messages[0][2:] == (True, USER[0]), str(server.messages))
        mettle.close()

    def no_tls(self):
        """A server, or somebody on the way, that hides STARTTLS gets neither the mail nor the password."""
        server = Server(user=None)
        mettle = self.mettle(server.port)
        mail = self.send(mettle)
        mettle.start()
        self.until_problem(mettle, mail, "SSL")
        check(server.connections > 0 and not server.messages and not server.passwords, str(vars(server)))
        mettle.close()
        mettle = self.mettle(server.port, "--smtp-tls", "off", signs_in=False)
        mail = self.send(mettle)
        mettle.start()
        self.until_state(mettle, mail, "sent")
        check(server.messages[0][2] is False, str(server.messages))
        mettle.close()

    def untrusted(self):
        for certificate, ca in ((self.certificate, self.foreign[0]), (self.foreign, self.foreign[0])):
            server = Server(certificate, USER)
            mettle = self.mettle(server.port, ca=ca)
            mail = self.send(mettle)
            mettle.start()
            self.until_problem(mettle, mail, "SSL")
            check(self.state(mettle, mail)["state"] == "waiting", "a fault of the settings was held against the mail")
            check(not server.messages and not server.passwords, "a stranger was given something")
            mettle.close()

    def wrong_password(self):
        server = Server(self.certificate, (USER[0], "another"))
        mettle = self.mettle(server.port)
        mail = self.send(mettle)
        mettle.start()
        self.until_problem(mettle, mail, "535")
        check(self.state(mettle, mail)["state"] == "waiting", "a fault of the settings was held against the mail")
        server.user = USER
        self.until_state(mettle, mail, "sent")
        mettle.close()

    def passing_errors(self):
        for where in ("rcpt", "data"):
            server = Server(self.certificate, USER)
            setattr(server, where, ["451 4.3.0 the disk is full"])
            mettle = self.mettle(server.port)
            mail = self.send(mettle)
            mettle.start()
            check("451" in self.until_problem(mettle, mail, "451")["problem"], "")
            found = self.until_state(mettle, mail, "sent")
            check(found["tries"] == 2, f"{found}")
            mettle.close()

    def lasting_errors(self):
        for where in ("rcpt", "data"):
            server = Server(self.certificate, USER)
            setattr(server, where, ["550 5.1.1 nobody of that name\x01"])
            mettle = self.mettle(server.port)
            mail = self.send(mettle)
            mettle.start()
            found = self.until_state(mettle, mail, "failed")
            check(found["tries"] == 1 and "550 5.1.1 nobody" in found["problem"], f"{found}")
            check("mail was given up" in mettle.log(), "nothing in the log")
            mettle.run("mail", "retry", mail)
            self.until_state(mettle, mail, "sent")
            mettle.close()

    def hangs(self):
        """One that gets no answer holds up neither another nor the server's end, and is sent after the next start."""
        server = Server(self.certificate, USER)
        server.hang = 1
        mettle = self.mettle(server.port)
        first, second = self.send(mettle), self.send(mettle)
        mettle.start()
        eventually(30, lambda: len(server.messages) == 1, "one of two is sent")
        mettle.stop()
        check(sorted(m["state"] for m in mettle.mails()) == ["sending", "sent"], f"{mettle.mails()}")
        mettle.start()
        for mail in (first, second):
            self.until_state(mettle, mail, "sent")
        mettle.close()

    def silent(self):
        """A port where nobody greets: the server starts, answers and ends all the same."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            mettle = self.mettle(listener.getsockname()[1])
            self.send(mettle)
            mettle.start()
            listener.settimeout(30)
            connection, _ = listener.accept()
            with connection, socket.create_connection(("127.0.0.1", mettle.port)) as asked:
                asked.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                check(b" 200 " in asked.recv(1000), "the server does not answer")
                mettle.close()

    def killed_between(self):
        """Killed after the mail server took the mail and before that was written down: it goes out again, as the same."""
        server = Server(self.certificate, USER)
        mettle = self.mettle(server.port)
        mail = self.send(mettle)
        mettle.launch(METTLE_FAIL="mail.before_mark:crash")
        mettle.process.wait(30)
        check(len(server.messages) == 1 and self.state(mettle, mail)["state"] == "sending", "it was not killed in between")
        mettle.start()
        self.until_state(mettle, mail, "sent")
        ids = [email.message_from_bytes(data)["message-id"] for _, data, _, _ in server.messages]
        check(ids == [f"<{mail}@shop.example>"] * 2, f"{ids}")
        mettle.close()

    def killed_anywhere(self):
        dice = random.Random(self.seed)
        server = Server(self.certificate, USER)
        mettle = self.mettle(server.port)
        mails = []
        for _ in range(self.kills):
            mails += [self.send(mettle, f"p{len(mails)}@example.com") for _ in range(4)]
            # Counted before the start: they are quick, and may all be there when it listens.
            goal = len(server.messages) + dice.randrange(1, 4)
            mettle.launch()
            eventually(30, lambda: len(server.messages) >= goal, "mails arrive")
            mettle.kill()
        mettle.start()
        for mail in mails:
            self.until_state(mettle, mail, "sent")
        got = collections.Counter(email.message_from_bytes(data)["message-id"][1:37] for _, data, _, _ in server.messages)
        check(set(got) == set(mails), f"lost with seed {self.seed}: {set(mails) - set(got)}")
        check(max(got.values()) <= 1 + self.kills, f"{got}")
        mettle.close()

    def beyond_ascii(self):
        server = Server(self.certificate, USER)
        mettle = self.mettle(server.port)
        mail = self.send(mettle, "josé@example.com")
        mettle.start()
        self.until_state(mettle, mail, "sent")
        to, data, _, _ = server.messages[0]
        check(to == ["josé@example.com"] and "To: josé@example.com".encode() in data, f"{to} {data}")
        mettle.close()

    def secrets(self):
        server = Server(self.certificate, USER)
        mettle = self.mettle(server.port)
        refused = Mettle(self.binary, ["--smtp-url", "smtp://a.example"])
        check("smtp_url needs mail_from" in refused.fails(), "it starts without knowing who mails are from")
        refused.close()
        shown = mettle.run("config", *self.settings(server.port), "--smtp-user", USER[0])
        check("***" in shown and USER[1] not in shown, shown)
        mail = self.send(mettle)
        mettle.start()
        self.until_state(mettle, mail, "sent")
        check(USER[1] not in mettle.log() and "ann@" not in mettle.log(), "the log tells")
        check("--smtp-password" not in mettle.run("serve", "--help"), "the password is an option of the command line")
        mettle.close()

    def development(self):
        """Without a mail server: a file in DATA/mail, readable by its owner alone."""
        mettle = Mettle(self.binary)
        mettle.start()
        mail = self.send(mettle)
        self.until_state(mettle, mail, "sent")
        file = mettle.path / "data" / "mail" / f"{mail}.eml"
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.SMTP)
        check(not message.defects and str(message["to"]) == "ann@example.com", str(message))
        check(file.stat().st_mode & 0o077 == 0, oct(file.stat().st_mode))
        mettle.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", required=True)
    options.add_argument("-k", dest="only", default="", help="only cases whose name holds this")
    options.add_argument("--kills", type=int, default=3)
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = Cases(args.binary, pathlib.Path(folder), args.kills, args.seed)
        table = [
            ("STARTTLS, sign-in, and the mail as it was meant", cases.starttls),
            ("TLS from the first byte", cases.smtps),
            ("no TLS: no mail, no password; unless told so", cases.no_tls),
            ("a certificate that is not trusted, or of another host", cases.untrusted),
            ("a wrong password is not the mail's fault", cases.wrong_password),
            ("an error that passes: again, after a pause", cases.passing_errors),
            ("an error that stays: given up, until told to retry", cases.lasting_errors),
            ("a server that hangs in the middle", cases.hangs),
            ("a server that never greets", cases.silent),
            ("kill -9 between sending and writing it down", cases.killed_between),
            ("kill -9 anywhere: no mail is lost", cases.killed_anywhere),
            ("an address beyond ASCII", cases.beyond_ascii),
            ("the password is shown nowhere", cases.secrets),
            ("without a mail server: a file", cases.development),
        ]
        return run_cases([case for case in table if args.only in case[0]], at_once=4)


if __name__ == "__main__":
    sys.exit(main())
