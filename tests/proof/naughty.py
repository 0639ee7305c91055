"""Texts that programs stumble over, made here by category; `texts()` gives (category, text), each text once.

What may not be stored is apart: `refused()` gives (what, JSON token, the status that it must get).
"""
import random
import unicodedata

INJECTIONS = {
    "SQL": ["' OR '1'='1", "'; DROP TABLE notes; --", "x' UNION SELECT name FROM sqlite_master --", "\\'", "''", '"',
            '"";', "/* */", "--",
            "a'||(SELECT 1)||'b", "1; ATTACH 'x' AS y", "?1", ":text", "@p", "$1", "%s", "CASE WHEN 1 THEN 1 END",
            "NULL", "rowid"],
    "rules": ["true || true", "row.text == row.text", "{auth.id}", "=now", "='x'", "=auth.id", "${HOME}", "{{x}}",
              "$o.id", "$$", "size(x)"],
    "HTML": ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title>", "&amp;", "&#0;", "<!--", "]]>",
    "<svg/onload=1>",
             "javascript:alert(1)", "' onfocus='x"],
    "shell": ["$(id)", "`id`", "; id", "| id", "&& id", "> /etc/passwd", "~", "*", "!!", "\\", "\\\\", "-rf", "--help"],
    "templates": ["{{7*7}}", "<%= 7*7 %>", "#{7*7}", "${7*7}", "{%x%}", "%n%n%n", "%x%s%p", "{0}", "{}"],
    "spreadsheets": ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1"],
    "paths": ["../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "file:///etc/passwd", ".", "..", "a/b", "a//b",
              "%2e%2e%2f", "%00",
              "con", "nul", "~root"],
    "wire": ["a&b=c", "a=b", "a+b", "a b", "%41", "%", "%zz", "#x", "?x", "a,b", "a.b", "(a)", "(", ")", "in.(a)",
             "eq.1", "not.eq.1", "*",
             "is.null", "a:b", "->>x", "a\"b\"c", "\\\"", "a\\,b", "W/\"1\"", "a;b", "chunked",
             "HTTP/1.1 200 OK\r\nX: y"],
    "CSV": ["a,b", "a\"b", "\"", "\"\"", "a\nb", "a\r\nb", ",", "\n", "\r", "\r\n", ";", "\t", " a", "a ", "\"a\nb\""],
    "numbers": ["0", "-0", "1", "-1", "007", "1e5", "1E400", "0x10", "0b1", "1_000", "1,000", "NaN", "Infinity",
                "-Infinity", "inf", "1.0", "1.",
                ".5", "9007199254740993", "9223372036854775808", "99999999999999999999999", "٣", "½", "²", "1/0"],
    "words": ["null", "Null", "true", "false", "True", "undefined", "none", "None", "nil", "yes", "no", "on", "off",
              "y", "n", "[]", "{}",
              "[object Object]", "NaT", "id", "version", "2026-02-30", "00000000-0000-0000-0000-000000000000"],
}
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🏳️‍🌈", "🇩🇪", "🇩", "1️⃣", "👨🏿‍🚀", "❤️", "❤︎", "\U0001f468\u200d", "\u200d\U0001f468",
         "🧑🏻‍🤝‍🧑🏿"]
SCRIPTS = ["שלום", "مرحبا", "‏abc‎", "\u202eabc\u202c", "\u2066abc\u2069", "\u200f", "ﷺ", "नमस्ते", "ไทย", "中文字",
           "日本語テスト", "한국어", "Ωmega", "ß", "ẞ", "İ",
           "ı", "ﬁ", "Ǆ", "straße", "Ã©", "ї", "𝔘𝔫𝔦", "Å", "A\u030a", "\u212b", "e\u0301", "é", "\u1100\u1161", "가",
           "ſ", "K"]
MANY_MARKS = "Z" + "".join(chr(0x300 + i % 0x70) for i in range(200))


def planes():
    """The first and last code points of each plane and block where readers go wrong, noncharacters too."""
    edges = [0x7F, 0x80, 0x9F, 0xA0, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xF8FF, 0xFDD0, 0xFDEF, 0xFEFF,
             0xFFF0, 0xFFFC, 0xFFFD,
             0xFFFE, 0xFFFF]
    for plane in range(1, 17):
        edges += [plane << 16, (plane << 16) + 1, (plane << 16) + 0xFFFD, (plane << 16) + 0xFFFE,
                  (plane << 16) + 0xFFFF]
    return [chr(point) for point in edges]


def spaces():
    kinds = [chr(point) for point in range(0x3001) if unicodedata.category(chr(point)) in ("Zs", "Zl", "Zp")]
    return kinds + ["\t", "\n", "\x0b", "\x0c", "\x85", "\u200b", "\u2060", "\ufeff", "   ", "\n\n", "a\u00a0b"]


def generated(seed, count):
    """Code points by chance, short and long."""
    dice = random.Random(seed)
    pools = [range(1, 0x20), range(0x20, 0x7F), range(0x80, 0x800), range(0x800, 0xD800), range(0xE000, 0x10000),
             range(0x10000, 0x110000),
             [ord(c) for c in "\"\\/',;:%&=+(){}[]<>$`|*?\r\n\t "], range(0x300, 0x370), [0x200B, 0x200D, 0x202E,
             0xFE0F, 0xFEFF, 0xFFFE]]
    return ["".join(chr(dice.choice(dice.choice(pools))) for _ in range(dice.choice((1, 2, 3, 8,
                                                                                     40)))) for _ in range(count)]


def texts(seed=1, count=200):
    made = [("empty", "")]
    made += [("control", chr(point)) for point in range(1, 0x20)] + [("control", f"a{chr(point)}b") for point in (1, 8,
    0x1B, 0x1F, 0x7F)]
    made += [(name, text) for name, all_of in INJECTIONS.items() for text in all_of]
    made += [("emoji", text) for text in EMOJI] + [("script", text) for text in SCRIPTS] + [("marks", MANY_MARKS)]
    made += [("plane", text) for text in planes()] + [("space", text) for text in spaces()]
    made += [("long", "x" * 65_536), ("long", "€" * 30_000), ("long", "\\\"" * 9_000), ("long", "😀" * 9_000)]
    made += [("escape", text) for text in ("\\u0000", "\\x00", "\\0", "\\ud800", "\\n", "&#x0;", "%u0000",
                                           "=?utf-8?B?eA==?=")]
    made += [(f"generated, seed {seed}", text) for text in generated(seed, count)]
    seen = set()
    return [(name, text) for name, text in made if not (text in seen or seen.add(text))]


def refused():
    """(what, the JSON string as it stands in the body, status)"""
    return [("NUL", b'"a\\u0000b"', 422), ("a high surrogate alone", b'"\\ud800"', 400), ("a low one", b'"\\udc00x"',
    400),
            ("the wrong way round", b'"\\udc00\\ud800"', 400), ("a high one before text", b'"\\ud83dx"', 400),
            ("a raw NUL", b'"\0"', 400),
            ("a raw control", b'"\x01"', 400), ("a raw line break", b'"a\nb"', 400), ("overlong /", b'"\xc0\xaf"', 400),
            ("overlong NUL", b'"\xc0\x80"', 400), ("a surrogate in UTF-8", b'"\xed\xa0\x80"', 400), ("beyond Unicode",
            b'"\xf4\x90\x80\x80"', 400),
            ("cut off", b'"\xe2\x82"', 400), ("a lone tail", b'"\x80"', 400), ("Latin 1", b'"\xe9"', 400), ("UTF-16",
            '"é"'.encode("utf-16"), 400),
            ("a bad escape", b'"\\x41"', 400), ("half an escape", b'"\\u12"', 400)]
