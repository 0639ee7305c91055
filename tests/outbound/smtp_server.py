"""A mail server that does as a test tells it: STARTTLS, sign-in, errors, silence. On aiosmtpd."""
import asyncio
import ssl
import sys
import threading

try:
    from aiosmtpd import smtp
except ImportError:  # another Python than Debian's
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        from aiosmtpd import smtp
    except ImportError:
        print("NOT TESTED: no aiosmtpd; make setup installs Debian's python3-aiosmtpd", file=sys.stderr)
        sys.exit(77)


class Server:
    """On a free port of 127.0.0.1, in a thread of its own. With a certificate: STARTTLS, and nothing before it; or TLS
    from the first byte. With a user: sign-in. `rcpt` and `data` are replies that are used up; then all is taken."""

    def __init__(self, certificate=None, user=None, smtps=False):
        self.certificate, self.user, self.smtps = certificate, user, smtps
        self.rcpt, self.data, self.hang = [], [], 0
        self.messages = []  # of those that were taken: (to, bytes, over TLS, who signed in)
        self.connections = self.recipients = 0
        self.passwords = []  # all that were ever tried
        self.loop = asyncio.new_event_loop()
        listening = threading.Event()
        threading.Thread(target=self.run, args=(listening,), daemon=True).start()
        listening.wait(30)

    def run(self, listening):
        asyncio.set_event_loop(self.loop)
        context = self.context() if self.smtps else None
        server = self.loop.run_until_complete(self.loop.create_server(self.connection, "127.0.0.1", 0, ssl=context))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self.loop.run_forever()

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        return context

    def connection(self):
        self.connections += 1
        more = {}
        if self.certificate and not self.smtps:
            more = {"tls_context": self.context(), "require_starttls": True}
        if self.user:
            more.update(authenticator=self.authenticate, auth_required=True, auth_require_tls=not self.smtps)
        return smtp.SMTP(self, enable_SMTPUTF8=True, loop=self.loop, hostname="localhost", **more)

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.passwords.append(data.password.decode())
        good = (data.login.decode(), data.password.decode()) == self.user
        return smtp.AuthResult(success=good, handled=False, auth_data=data.login.decode() if good else None)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        self.recipients += 1
        reply = self.rcpt.pop(0) if self.rcpt else "250 OK"
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        if self.hang > 0:
            self.hang -= 1
            await asyncio.sleep(3600)
        reply = self.data.pop(0) if self.data else "250 taken"
        if reply.startswith("2"):
            over_tls = self.smtps or session.ssl is not None
            self.messages.append((envelope.rcpt_tos, envelope.content, over_tls, session.auth_data))
        return reply
