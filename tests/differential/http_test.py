#!/usr/bin/env python3
"""Our HTTP/1.1 parser against h11, an independent and strict one, on generated and mutated streams of requests.

Proves that whatever ours takes, h11 takes as well, with the same method, target, headers, body and end of the message;
that ours never waits where h11 has a whole message; and that whatever h11 refuses, ours does not take. Where ours
refuses what h11 takes it is stricter: the reasons are counted, and must be among STRICTER. Where ours takes what h11
refuses is listed in LOOSER, and nothing else may.

    tests/differential/http_test.py --probe build/dev/http_probe [--seed N] [--streams N] [--case N]

A failure prints the seed and the number of the stream; --case N runs that one alone and shows it."""
import argparse
import collections
import json
import random
import re
import subprocess
import sys

try:
    import h11
except ImportError:  # another Python than Debian's
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        import h11
    except ImportError:
        print("NOT TESTED: no h11; make setup installs Debian's python3-h11", file=sys.stderr)
        sys.exit(77)

# Ours refuses, h11 takes; by our reason. Each is deliberate: two readers could understand the message differently, or
# it goes beyond a limit, or it asks for what this server does not do.
STRICTER = {
    "a line ends without a carriage return": "h11 ends lines at a bare LF",
    "a header is folded over several lines": "h11 unfolds",
    "a header value holds a control character": "h11 lets DEL and most controls pass",
    "a chunk extension holds a control character": "h11 lets anything stand there but CR LF",
    "a trailer is malformed": "bare LF, folding",
    "a trailer holds a control character": "as in headers",
    "the Content-Length header is repeated": "h11 takes equal ones",
    "the Content-Length header is not a number": "h11 takes `5, 5`",
    "Content-Length and Transfer-Encoding exclude each other": "h11 lets Transfer-Encoding win",
    "HTTP/1.0 has no Transfer-Encoding": "h11 decodes it",
    "the request target must begin with a slash": "authority form and what has no meaning",
    "the request target holds characters that must be percent-encoded": "a fragment",
    "the host of the request target is malformed": "h11 does not look",
    "the Host header is empty or malformed": "h11 does not look",
    "the Host header is missing": "h11 asks for it of HTTP/1.1 only, we of every later minor version, too",
    "the Host header and the request target disagree": "h11 does not look",
    "100-continue is the only expectation met here": "h11 leaves it to the application",
    "this server speaks HTTP/1.1 here": "h11 takes any version of the form N.N",
    "the method is not a name": "longer than 32 letters",
    "the body is larger than this server takes": "a limit",
    "a chunk size has too many digits": "h11 takes 20 digits",
    "a chunk size is malformed": "a bare LF, white space behind the size",
}
# Ours takes, h11 refuses.
LOOSER = {
    "an empty line before a request": "RFC 9112 section 2.2 has servers ignore one",
}

# Too rare to be asked of each run: about ten in a million streams.
# h11 unfolds; ours refuses the empty value before it sees that the next line belongs to it.
FOLDED_CODING = re.compile(rb"(?i)\r\ntransfer-encoding:[ \t]*\r\n[ \t]")
# RFC 9112 section 7.1.2: fields that frame a message mean nothing in its trailers. Ours passes over all trailers.
FRAMING_TRAILER = re.compile(rb"(?i)\r\n0+(;[^\r\n]*)?\r\n([^\r\n]+\r\n)*(transfer-encoding|content-length):")

METHODS = [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"get", b"M-SEARCH", b"X" * 33, b"CONNECT",
           b"G\x01T", b"(GET)", b"GE T", b""]
TARGETS = [b"/", b"/api/v1/products?price=gte.100&select=id,name", b"/a%20b", b"*", b"http://example.org/x?y",
           b"http://other.example/", b"https://example.org", b"example.org:443", b"/x#y", b"/\xc3\xa4", b"/a b", b"/a\tb",
           b"//x", b"/x\x7f", b"x", b"", b"http://"]
VERSIONS = [b"HTTP/1.1"] * 30 + [b"HTTP/1.0"] * 5 + [b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1 ", b"HTTP/11",
                                                   b"HTTP/1.", b"HTTP/1.10", b"HTTP", b""]
HOSTS = [b"example.org"] * 20 + [b"example.org:8080", b"[::1]:80", b"", b"a b", b"a/b", b"example.org, other", b"EXAMPLE.ORG",
                                 b"user@example.org", b"example.org:99999999"]
NAMES = [b"Accept", b"X-A", b"x_b", b"A!#$%&'*+-.^_`|~9", b"User-Agent", b"Cookie", b"Expect", b"Connection", b"TE", b"Trailer",
         b"Upgrade", b"Content-Type", b"Content-Length ", b" X", b"X\x0b", b"X(", b"X\xe4", b"", b"X Y"]
VALUES = [b"*/*", b"", b" ", b"\t a \t b \t", b"a, b", b"100-continue", b"200-ok", b"close", b"keep-alive", b"close, keep-alive",
          b"Keep-Alive, x", b"\xc3\xa4", b"\xff", b"a\x00b", b"a\x0bb", b"a\x7fb", b"a\rb", b"a\nb", b"\"q\\\"\"", b"x" * 200,
          b"a\x01", b"\x85", b"\xa0"]
LENGTHS = [b"%d", b"0%d", b"+%d", b"-%d", b"%d, %d", b"%d,%d", b" %d ", b"%d\t", b"0x%x", b"%d.0", b"%de0", b"", b"%d;", b"1%d", b"%d\x0b",
           b"99999999999999999999%d", b"\xd9\xa1"]
CODINGS = [b"chunked", b"Chunked", b" chunked ", b"chunked, chunked", b"gzip, chunked", b"identity", b"chunked;q=1", b"x-chunked",
           b"chunked,", b",chunked", b"\x0bchunked", b"\"chunked\"", b"", b"chun ked", b"chunked\t", b"gzip"]
SIZES = [b"%x", b"%X", b"0%x", b"00000%x", b"00000000000000000%x", b"%x ", b" %x", b"%x;a=b", b"%x;a=\"\r\n\"", b"%x ;a", b"0x%x", b"+%x", b"-%x", b"%x\t", b"%x;\x01",
         b"%x;\xc3\xa4", b"ffffffffffffffff%x", b"10000000000000000%x", b"1000%x", b"10000000%x", b"%x,", b"", b"g%x", b"%x;a\rb", b"%x;a\nb", b"%x;"]
ENDS = [b"\n", b"\r", b"\r\r\n", b"\n\r", b"", b"\r\n ", b"\r\n\t", b"\r\n\r\n", b" \r\n", b"\0\r\n", b"\x0b\r\n", b"\x0c\r\n"]
PIECES = [b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b":", b";", b",", b"0", b"5", b"\x0b", b"\xff", b"0\r\n\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n",
          b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: a\r\n", b"a", b"\x7f", b"\x80"]


class Streams:
    """Streams of one to four requests, mostly right, with faults of every kind."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def odd(self, usual, others, chance):
        """`usual`, or with a chance of one in `chance` one of the others."""
        return self.random.choice(others) if self.random.randrange(chance) == 0 else usual

    def end(self):
        return self.odd(b"\r\n", ENDS, 300)

    def body(self):
        return bytes(self.random.choices(b"ab\r\n0:\x00\xff", k=self.random.choice((0, 1, 2, 5, 17, 40))))

    def chunked(self):
        out = b""
        for _ in range(self.random.randrange(4)):
            data = self.body() or b"x"
            size = self.odd(b"%x", SIZES, 12)
            out += (size.replace(b"%x", b"%x" % len(data)).replace(b"%X", b"%X" % len(data))) + self.end() + data + self.end()
        out += self.odd(b"0", SIZES, 30).replace(b"%x", b"0").replace(b"%X", b"0") + self.end()
        for _ in range(self.odd(0, [1, 2], 8)):
            out += self.odd(b"X-T", NAMES, 4) + b":" + self.random.choice(VALUES) + self.end()
        return out + self.end()

    def request(self):
        choose = self.random.choice
        method = self.odd(choose(METHODS[:7]), METHODS, 20)
        target = self.odd(choose(TARGETS[:3]), TARGETS, 10)
        out = method + self.odd(b" ", [b"  ", b"\t", b""], 150) + target + self.odd(b" ", [b"  ", b"\t", b""], 150)
        out += self.odd(b"HTTP/1.1", VERSIONS, 4) + self.end()
        headers = []
        if self.random.randrange(40):
            headers.append((b"Host", self.odd(b"example.org", HOSTS, 8)))
        for _ in range(self.random.randrange(4)):
            headers.append((self.odd(choose(NAMES[:12]), NAMES, 20), self.odd(choose(VALUES[:6]), VALUES, 6)))
        body = b""
        framing = self.random.randrange(12)
        if framing < 4:
            body = self.body()
            length = self.odd(b"%d", LENGTHS, 8)
            headers.append((self.odd(b"Content-Length", [b"content-length", b"Content-Length "], 10),
                            length.replace(b"%d", b"%d" % len(body)).replace(b"%x", b"%x" % len(body))))
        if 3 <= framing < 8:
            body = self.chunked() if self.random.randrange(20) else body
            headers.append((self.odd(b"Transfer-Encoding", [b"transfer-encoding", b"Transfer_Encoding"], 10),
                            self.odd(b"chunked", CODINGS, 8)))
        if headers and self.random.randrange(30) == 0:
            headers.append(choose(headers))
        self.random.shuffle(headers)
        for name, value in headers:
            out += name + self.odd(b": ", [b":", b" : ", b":\t", b"", b"="], 15) + value + self.end()
        return out + self.end() + body

    def next(self):
        out = b"".join(self.odd(b"", [b"\r\n", b"\r\n\r\n", b"\n"], 60) + self.request()
                       for _ in range(1 + self.odd(0, [1, 2, 3], 3)))
        for _ in range(self.odd(0, [1, 2], 3)):
            at = self.random.randrange(len(out) + 1)
            out = out[:at] + self.random.choice(PIECES) + out[at + self.random.randrange(3):]
        return out[:self.random.randrange(len(out) + 1)] if self.random.randrange(25) == 0 else out


class Message:
    """What h11 makes of the bytes from the beginning of a message: a whole message, or `more`, or `refused`."""

    def __init__(self, data):
        self.state, self.why = "more", ""
        connection = h11.Connection(h11.SERVER)
        try:
            connection.receive_data(data)
            body = []
            while True:
                event = connection.next_event()
                kind = type(event)
                if kind is h11.Request:
                    self.request = event
                elif kind is h11.Data:
                    body.append(bytes(event.data))
                elif kind is h11.EndOfMessage:
                    self.state = "whole"
                    self.body = b"".join(body)
                    self.end = len(data) - len(connection.trailing_data[0])
                    self.keep_alive = connection.their_state is h11.DONE
                    self.asks_upgrade = connection.their_state is h11.MIGHT_SWITCH_PROTOCOL  # it waits for our word
                    return
                elif event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                else:
                    raise AssertionError(f"h11 says {event!r}")
        except h11.RemoteProtocolError as error:
            self.state, self.why = "refused", str(error)


def same(ours, theirs, end):
    """What differs between a message of ours and h11's; None where nothing does."""
    request = theirs.request
    if bytes.fromhex(ours["method"]) != request.method:
        return "method"
    if bytes.fromhex(ours["target"]) != request.target:
        return "target"
    flat = [bytes.fromhex(text) for text in ours["headers"]]
    mine = [(name.lower(), value) for name, value in zip(flat[::2], flat[1::2])]
    # h11 writes the framing headers anew.
    other = [(name, value) for name, value in request.headers]
    if [(n, v.lower() if n == b"transfer-encoding" else v) for n, v in mine] != other:
        return f"headers: ours {mine}, h11 {other}"
    if bytes.fromhex(ours["body"]) != theirs.body:
        return "body"
    if ours["end"] != end:
        return f"end of the message: ours {ours['end']}, h11 {end}"
    old_kept = ours["minor"] == 0 and ours["keep_alive"]  # h11 never keeps HTTP/1.0 open
    if ours["keep_alive"] != theirs.keep_alive and not old_kept and not theirs.asks_upgrade:
        return "whether the connection goes on"
    return None


def compare(stream, ours, counts):
    """None, or what is wrong."""
    if ours.get("split"):
        return "byte by byte ours comes to another result than at once"
    at = 0
    for message in ours["messages"]:
        skipped = 2 if stream.startswith(b"\r\n", at) else 0
        theirs = Message(stream[at + skipped:])
        if skipped:
            counts["looser: an empty line before a request"] += 1
        if theirs.state == "refused" and FRAMING_TRAILER.search(stream[at:message["end"]]):
            counts["looser: a framing field among the trailers"] += 1
            at = message["end"]
            continue
        if theirs.state != "whole":
            return f"ours takes a message where h11 says {theirs.state} {theirs.why}"
        fault = same(message, theirs, at + skipped + theirs.end)
        if fault:
            return fault
        counts["taken"] += 1
        at = message["end"]
    if ours["end"] == "closed" or at == len(stream):
        return None
    theirs = Message(stream[at:])
    if ours["end"] == "more":
        return "ours waits where h11 has a whole message" if theirs.state == "whole" else None
    if theirs.state != "whole":
        counts["refused by both" if theirs.state == "refused" else "refused while h11 waits"] += 1
        return None
    if ours["why"] == "the Transfer-Encoding header is malformed" and FOLDED_CODING.search(stream, at):
        counts["stricter: a Transfer-Encoding is folded"] += 1
        return None
    counts["stricter: " + ours["why"]] += 1
    return None if ours["why"] in STRICTER else f"ours refuses what h11 takes, for a reason not listed: {ours['why']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probe", required=True)
    parser.add_argument("--seed", type=int, default=20260401)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--case", type=int)
    options = parser.parse_args()
    generator = Streams(options.seed)
    streams = [generator.next() for _ in range(options.streams if options.case is None else options.case + 1)]
    if options.case is not None:
        streams = streams[options.case:options.case + 1]
        print(repr(streams[0]))
    framed = b"".join(b"%d\n%s" % (len(stream), stream) for stream in streams)
    answers = subprocess.run([options.probe], input=framed, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    if len(answers) != len(streams):
        sys.exit(f"the probe answered {len(answers)} of {len(streams)} streams")
    counts = collections.Counter()
    wrong = 0
    for number, (stream, answer) in enumerate(zip(streams, answers)):
        fault = compare(stream, json.loads(answer), counts)
        if options.case is not None:
            print(answer.decode())
        if fault is None:
            continue
        wrong += 1
        print(f"stream {number}: {fault}\n  {stream!r}\n  replay: tests/differential/http_test.py --probe {options.probe} "
              f"--seed {options.seed} --case {number}")
        if wrong == 10:
            break
    print(f"http: seed {options.seed}, {len(streams)} streams, {wrong} wrong")
    for name, count in sorted(counts.items()):
        print(f"  {count:8} {name}")
    if options.case is None and options.streams >= 100_000:
        unseen = [name for name in STRICTER if not counts["stricter: " + name]]
        unseen += [name for name in LOOSER if not counts["looser: " + name]]
        for name in unseen:
            print(f"no stream was an example of the exception: {name}")
        wrong += len(unseen)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
