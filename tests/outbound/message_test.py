#!/usr/bin/env python3
"""Proves that another reader of mail, Python's e-mail package, finds in our mails what was put into them.

Subjects, names, texts and HTML from a list of naughty texts and from seeded random ones are rendered by the server's own
code (probe.cc) and parsed with the strict policy: no defect, every part the same, no header that was not meant.

    tests/outbound/message_test.py --probe build/dev/outbound_probe [--seed 7] [--count 300]
"""
import argparse
import base64
import email
import email.policy
import random
import sys

from rig import Probe, check, run_cases

NAUGHTY = [
    "plain", "", " ", "ä ö ü ß", "例え", "👨‍👩‍👧 family", "e\u0301 combined", "\u202etxet", "\ufeffbom", "a\u2028b\u2029c", "\u0085next",
    "x" * 3000, "ä例😀" * 400, ".", "..", ".\n.\n", "a\n.b\n..c\n", "From me\nFrom you\n", "=3D =\n=", "=?UTF-8?Q?a?=", "--=_x--",
    "tab\tand  spaces  \n \t\nend", "a\n\n\n\nb", "{{app}} ${x} %n", "<b>&amp;</b>", "quote \" back \\ (comment) <a@b>",
    "y" * 75 + "=", "z" * 76 + "\n", "a" * 998, "'; DROP TABLE users; --",
]
INJECTIONS = ["x\r\nBcc: eve@evil.example", "x\nBcc: eve@evil.example", "x\rBcc: eve@evil.example", "x\r\n\r\nbody",
              "x\r\n Bcc: eve@evil.example", "x\u2028Bcc: eve@evil.example", "x\u0085Bcc: eve@evil.example", "x\x00Bcc: e@e"]
HEADERS = {"from", "to", "subject", "date", "message-id", "mime-version", "auto-submitted", "content-type",
           "content-transfer-encoding"}


def same(text):
    """Line ends are CR LF on the way, and the last one is there or not."""
    return text.replace("\r\n", "\n").rstrip("\n")


def parse(probe, **letter):
    answer = probe.ask(**{"from": "Shop <no-reply@shop.example>", "to": "ann@example.com", **letter})
    check("message" in answer, f"{letter} was refused: {answer}")
    data = base64.b64decode(answer["message"])
    for line in data.split(b"\r\n"):
        check(len(line) <= 76 and b"\n" not in line and b"\r" not in line, f"a line that is none: {line!r}")
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    check(not message.defects, f"{message.defects} in {data!r}")
    check({name.lower() for name in message.keys()} <= HEADERS, f"{message.keys()} in {data!r}")
    return message


def bodies(message):
    parts = list(message.walk())
    for part in parts:
        check(not part.defects, f"{part.defects}")
    return {part.get_content_type(): part.get_content() for part in parts if not part.is_multipart()}


def headers_case(probe, texts):
    for text in texts:
        message = parse(probe, subject=text, text="t")
        # White space at a fold is one space to who unfolds; the letters must all be there.
        check("".join(str(message["subject"]).split()) == "".join(same(text).split()) or any(ord(c) < 32 for c in text),
              f"{message['subject']!r} is not {text!r}")
        check(message["to"].addresses[0].addr_spec == "ann@example.com", str(message["to"]))
        check(message["from"].addresses[0].addr_spec == "no-reply@shop.example", str(message["from"]))
        check(message["message-id"] == "<019ab000-0000-7000-8000-000000000001@shop.example>", str(message["message-id"]))
        check(message["date"].datetime.isoformat() == "2026-01-01T00:00:00+00:00", str(message["date"]))


def bodies_case(probe, texts):
    for text in texts:
        html = f"<p>{text}</p>"
        message = parse(probe, subject="s", text=text, html=html)
        check(message.get_content_type() == "multipart/alternative", message.get_content_type())
        found = bodies(message)
        check(same(found["text/plain"]) == same(text), f"{found['text/plain']!r} is not {text!r}")
        check(same(found["text/html"]) == same(html), f"{found['text/html']!r} is not {html!r}")
        alone = bodies(parse(probe, subject="s", text=text))
        check(list(alone) == ["text/plain"] and same(alone["text/plain"]) == same(text), f"{alone} is not {text!r}")


def injection_case(probe):
    for evil in INJECTIONS:
        message = parse(probe, subject=evil, text=evil, html=evil)
        check("bcc" not in message and len(message.get_all("subject")) == 1, f"{evil!r} became a header")
        refused = probe.ask(**{"from": "a@b.example", "to": "ann@example.com" + evil[1:], "subject": "s", "text": "t"})
        check("error" in refused, f"an address with {evil!r} was taken")
        refused = probe.ask(**{"from": f"{evil} <a@b.example>", "to": "ann@example.com", "subject": "s", "text": "t"})
        check("error" in refused or "\u2028" in evil, f"a sender with {evil!r} was taken")


def names_case(probe):
    for name in ["Shop", "The Éclair Shop", "Shop, Inc.", "a \"b\" c", "例え", "back\\slash", "n" * 200, "Ä" * 200]:
        message = parse(probe, **{"from": f"{name} <no-reply@shop.example>"}, subject="s", text="t")
        sender = message["from"].addresses[0]
        check(sender.display_name.replace(" ", "") == name.replace(" ", ""), f"{sender.display_name!r} is not {name!r}")


def random_text(dice):
    letters = ["a", " ", "\n", "=", ".", "ß", "例", "😀", "\t", "-", "?", "\"", "<", "&", "x" * 40]
    return "".join(dice.choice(letters) for _ in range(dice.randrange(200)))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--probe", required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--count", type=int, default=300)
    args = options.parse_args()
    dice = random.Random(args.seed)
    texts = NAUGHTY + [random_text(dice) for _ in range(args.count)]
    probe = Probe(args.probe)
    code = run_cases([
        (f"headers are read back (seed {args.seed})", lambda: headers_case(probe, texts)),
        (f"texts are read back (seed {args.seed})", lambda: bodies_case(probe, texts)),
        ("nothing becomes a header", lambda: injection_case(probe)),
        ("senders' names are read back", lambda: names_case(probe)),
    ])
    probe.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
