"""What a scenario expects of an answer, and whether the answer is that.

An expectation is JSON with gaps: `<uuid>` and its like stand for any value of that kind, `...` for further elements,
`{{name}}` for a value known by then, `{{name:=kind}}` for one to be remembered. Objects match by subset, `{= …}`
exactly; arrays exactly. Mismatches are reported as "where: expected …, got …", all of them at once.
"""
import json
import re

KINDS = {
    "any": r"[\s\S]*",
    "text": r"[\s\S]+",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "int": r"-?\d+",
    "number": r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    "decimal": r"-?\d+(?:\.\d+)?",
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d:\d\d(?:\.\d+)?",
    "hex": r"[0-9a-f]+",
    "word": r"\w+",
    "token": r"[A-Za-z0-9_.~-]+",
}
GAP = re.compile(r"\{\{\s*(\w+)\s*(?::=\s*(\w+)\s*)?\}\}|<(\w+)>")


class Fault(Exception):
    """The scenario itself is wrong: a name that nothing set, a kind that does not exist, JSON that does not parse."""


def fill(text, names):
    """Replaces each {{name}} by what it stands for."""
    def one(found):
        name = found.group(1)
        if name not in names:
            raise Fault(f"nothing has set {{{{{name}}}}} yet; known are {', '.join(sorted(names)) or 'none'}")
        value = names[name]
        return value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", one, text)


def pattern(text, names):
    """The regular expression and captured names for a text with gaps; literal text matches itself."""
    out, captured, at = [], [], 0
    for found in GAP.finditer(text):
        out.append(re.escape(text[at:found.start()]))
        at = found.end()
        name, kind, matcher = found.groups()
        if matcher is not None:
            out.append(KINDS[matcher] if matcher in KINDS else re.escape(found.group()))
        elif kind is None:
            out.append(re.escape(fill(found.group(), names)))
        else:
            if kind not in KINDS:
                raise Fault(f"unknown kind {kind} in {found.group()}; there are {', '.join(KINDS)}")
            captured.append(name)
            out.append(f"({KINDS[kind]})")
    out.append(re.escape(text[at:]))
    return "".join(out), captured


def match_text(expected, actual, names):
    """Whether a header's value or a string is what was expected; remembers what it captured."""
    if expected == "*":
        return True
    if len(expected) > 2 and expected.startswith("/") and expected.endswith("/") and expected[1] in "^.*([\\":
        return re.search(fill(expected[1:-1], names), actual) is not None
    if expected.startswith("~ "):
        return fill(expected[2:], names) in actual
    regex, captured = pattern(expected, names)
    found = re.fullmatch(regex, actual)
    if found is None:
        return False
    names.update(zip(captured, found.groups()))
    return True


class Gap:
    """`<kind>` or `{{name:=kind}}` standing where a whole value stands."""

    def __init__(self, kind, name=None):
        if kind not in KINDS and kind not in ("bool", "null", "object", "array", "string"):
            raise Fault(f"unknown kind <{kind}>; there are {', '.join(KINDS)}, bool, null, object, array, string")
        self.kind, self.name = kind, name

    def __repr__(self):
        return f"<{self.kind}>"

    def accepts(self, value):
        shapes = {"any": True, "bool": isinstance(value, bool), "null": value is None,
                  "object": isinstance(value, dict), "array": isinstance(value, list),
                  "string": isinstance(value, str)}
        if self.kind in shapes:
            return shapes[self.kind]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if self.kind == "int":
            return number and isinstance(value, int)
        if self.kind == "number":
            return number
        return isinstance(value, str) and re.fullmatch(KINDS[self.kind], value) is not None


class More:
    """`...`: any number of elements, also none."""

    def __repr__(self):
        return "..."


class Exact(dict):
    """`{= …}`: these members and no others."""


class Reader:
    """Reads JSON with gaps. Numbers keep their text apart: 1 and 1.0 differ as they would on the wire."""

    def __init__(self, text, names):
        self.text, self.at, self.names = text, 0, names

    def fail(self, what):
        line = self.text.count("\n", 0, self.at) + 1
        raise Fault(f"expected JSON does not parse, line {line}: {what} at {self.text[self.at:self.at + 20]!r}")

    def space(self):
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def take(self, token):
        self.space()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def document(self):
        value = self.value()
        self.space()
        if self.at != len(self.text):
            self.fail("text after the end")
        return value

    def value(self):
        self.space()
        found = GAP.match(self.text, self.at)
        if found:
            self.at = found.end()
            name, kind, matcher = found.groups()
            if matcher or kind:
                return Gap(matcher or kind, name)
            if name not in self.names:
                fill(found.group(), self.names)
            return self.names[name]
        if self.take("..."):
            return More()
        if self.take("{="):
            return Exact(self.members())
        if self.take("{"):
            return self.members()
        if self.take("["):
            return self.elements()
        try:
            value, self.at = json.JSONDecoder().raw_decode(self.text, self.at)
        except ValueError:
            self.fail("no value")
        return value

    def members(self):
        out = {}
        while not self.take("}"):
            if self.take("..."):
                self.take(",")
                continue
            self.space()
            try:
                key, self.at = json.JSONDecoder().raw_decode(self.text, self.at)
            except ValueError:
                self.fail("no member name")
            if not isinstance(key, str) or not self.take(":"):
                self.fail("a member is \"name\": value")
            if self.take("<absent>"):
                out[key] = Absent()
            else:
                out[key] = self.value()
            if not self.take(",") and not self.text[self.at:].lstrip().startswith("}"):
                self.fail("no , or }")
        return out

    def elements(self):
        out = []
        while not self.take("]"):
            out.append(self.value())
            if not self.take(",") and not self.text[self.at:].lstrip().startswith("]"):
                self.fail("no , or ]")
        return out


class Absent:
    """`<absent>`: no such member."""

    def __repr__(self):
        return "<absent>"


def shown(value):
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = repr(value)
    return text if len(text) <= 300 else text[:300] + "…"


def compare(expected, actual, names, where=""):
    """The list of mismatches; captures go to `names`."""
    if isinstance(expected, Gap):
        if not expected.accepts(actual):
            return [f"{where or '/'}: expected {expected}, got {shown(actual)}"]
        if expected.name:
            names[expected.name] = actual
        return []
    if isinstance(expected, dict):
        return compare_object(expected, actual, names, where)
    if isinstance(expected, list):
        return compare_array(expected, actual, names, where)
    if isinstance(expected, str):
        if isinstance(actual, str) and match_text(expected, actual, names):
            return []
    elif type(expected) is type(actual) and expected == actual:
        return []
    return [f"{where or '/'}: expected {shown(expected)}, got {shown(actual)}"]


def compare_object(expected, actual, names, where):
    if not isinstance(actual, dict):
        return [f"{where or '/'}: expected an object, got {shown(actual)}"]
    out = []
    for key, wanted in expected.items():
        if isinstance(wanted, Absent):
            if key in actual:
                out.append(f"{where}/{key}: expected no such member, got {shown(actual[key])}")
        elif key not in actual:
            out.append(f"{where}/{key}: expected {shown(wanted)}, got no such member")
        else:
            out += compare(wanted, actual[key], names, f"{where}/{key}")
    if isinstance(expected, Exact):
        for key in actual.keys() - expected.keys():
            out.append(f"{where}/{key}: expected no further member, got {shown(actual[key])}")
    return out


def compare_array(expected, actual, names, where):
    if not isinstance(actual, list):
        return [f"{where or '/'}: expected an array, got {shown(actual)}"]
    gaps = [i for i, item in enumerate(expected) if isinstance(item, More)]
    if len(gaps) > 1:
        return compare_scattered(expected, actual, names, where)
    if not gaps:
        if len(expected) != len(actual):
            return [f"{where or '/'}: expected {len(expected)} elements, got {len(actual)}: {shown(actual)}"]
        pairs = list(zip(expected, actual, range(len(actual))))
    else:
        head, tail = expected[:gaps[0]], expected[gaps[0] + 1:]
        if len(actual) < len(head) + len(tail):
            return [f"{where or '/'}: expected at least {len(head) + len(tail)} elements, got {len(actual)}"]
        start = len(actual) - len(tail)
        pairs = list(zip(head, actual, range(len(head)))) + list(zip(tail, actual[start:], range(start, len(actual))))
    return [line for wanted, got, i in pairs for line in compare(wanted, got, names, f"{where}/{i}")]


def compare_scattered(expected, actual, names, where):
    """Several `...`: each expected element in order, anything between."""
    at = 0
    for wanted in (item for item in expected if not isinstance(item, More)):
        while at < len(actual):
            trial = dict(names)
            if not compare(wanted, actual[at], trial, where):
                names.update(trial)
                break
            at += 1
        else:
            return [f"{where or '/'}: expected {shown(wanted)} among the elements, got {shown(actual)}"]
        at += 1
    return []


def compare_body(lines, body, names, content_type=""):
    """Mismatches between an expected body (its lines as written) and the bytes that came."""
    text = "\n".join(lines).strip("\n")
    actual = body.decode("utf-8", "replace")
    if not text.strip():
        return []
    first = text.lstrip()[0]
    if text.strip() == "(empty)":
        return [] if not body else [f"body: expected none, got {len(body)} bytes: {actual[:200]!r}"]
    if lines[0].strip() == "exactly":
        wanted = fill("\n".join(lines[1:]).rstrip("\n"), names)
        return [] if actual.rstrip("\n") == wanted else [f"body: expected exactly {wanted!r}, got {actual!r}"]
    saved = re.fullmatch(r"save body as (\w+)", text.strip())
    if saved:
        names[saved.group(1)] = actual
        return []
    if first in "{[\"<" and "json" in content_type or first in "{[":
        expected = Reader(text, names).document()
        try:
            value = json.loads(actual)
        except ValueError:
            return [f"body: expected JSON, got {actual[:300]!r}"]
        return compare(expected, value, names)
    out = []
    plain = [line for line in lines if line.strip()]
    if all(line.startswith(("~ ", "! ")) for line in plain):
        for line in plain:
            if (fill(line[2:], names) in actual) != line.startswith("~ "):
                found = "not found in" if line.startswith("~ ") else "found in"
                out.append(f"body: {line[2:]!r} {found} {actual[:600]!r}")
        return out
    regex, captured = pattern(text, names)
    found = re.fullmatch(regex, actual.rstrip("\n"))
    if found is None:
        return [f"body: expected {text!r}, got {actual[:600]!r}"]
    names.update(zip(captured, found.groups()))
    return []
