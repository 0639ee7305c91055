#!/usr/bin/env python3
"""Tests of the scenario runner: against testdata/fake_mettle.py, and of its parts."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from scenario import match, parse, wire  # noqa: E402
from scenario.run import Run  # noqa: E402

FAKE = HERE / "testdata/fake_mettle.py"
HEAD = "# T\napp:\n  mettle: 1\n  app: t\nkey clerk: --role clerk\n\n"
GOOD = HEAD + """### creates
POST /api/v1/marks
Authorization: Bearer {{clerk}}
Content-Type: application/json

{"marker": "a"}

HTTP 201
Location: /api/v1/marks/{{id:=uuid}}
ETag: *
!X-Secret
{"ignored": "this is no header line"}
"""


def outcome(text, name="t.http", extra=()):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        path.write_text(text, encoding="utf-8")
        for other, content in extra:
            (pathlib.Path(folder) / other).write_text(content, encoding="utf-8")
        try:
            scenario = parse.read(path)
        except match.Fault as error:
            return str(error)
        return Run(scenario, FAKE).execute()


class Scenarios(unittest.TestCase):
    def passes(self, steps, head=HEAD):
        self.assertIsNone(outcome(head + steps))

    def fails(self, steps, *words, head=HEAD):
        wrong = outcome(head + steps)
        self.assertIsNotNone(wrong)
        for word in words:
            self.assertIn(word, wrong)

    def test_request_with_captures_and_subset(self):
        self.passes("""### creates
POST /api/v1/marks
Authorization: Bearer {{clerk}}
Content-Type: application/json

{"marker": "a"}

HTTP 201
Location: /api/v1/marks/{{id:=uuid}}
ETag: /^"\\d-/
!X-Secret

{"id": "{{id}}", "marker": <text>, ...}

### lists
GET /api/v1/marks

HTTP 200

{"items": [{"id": {{id}}}], "next_cursor": null, "total": <absent>}
""")

    def test_every_mismatch_is_named(self):
        self.fails("""### lists
GET /api/v1/marks

HTTP 201
X-Nothing: *

{"items": [1], "more": true}
""", "expected 201, got 200", "X-Nothing", "/items: expected 1 elements, got 0", "/more", "lists", "t.http:8")

    def test_header_without_blank_line_before_body_is_a_fault(self):
        self.fails(GOOD.split("\n\n", 1)[1], "is no expected header", "a blank line")

    def test_refused_without_key(self):
        self.passes("### no key\nPOST /api/v1/marks\n\n{}\n\nHTTP 401\nContent-Type: application/problem+json\n\n"
                    '{"code": "unauthenticated"}\n')

    def test_text_bodies(self):
        self.passes("### a\nGET /text\n\nHTTP 200\n\nplain text\n\n### b\nGET /text\n\nHTTP 200\n\n~ plain\n! rich\n"
                    "\n### c\nHEAD /text\n\nHTTP 200\n\n(empty)\n\n### d\nGET /text\n\nHTTP 200\n\nexactly\nplain text\n")
        self.fails("### a\nGET /text\n\nHTTP 200\n\nother text\n", "body: expected")
        self.fails("### a\nGET /text\n\nHTTP 200\n\n! plain\n", "'plain' found in")

    def test_raw_pipelined_and_close(self):
        self.passes("### two at once\nraw\nGET /livez HTTP/1.1\\r\\n\nHost: x\\r\\n\\r\\n\nGET /nowhere HTTP/1.1\\r\\n\n"
                    "... 20ms\nHost: x\\r\\nConnection: close\\r\\n\\r\\n\n\nHTTP 200\n\n{\"ok\": true}\n\nHTTP 404\n\nclosed\n")
        self.fails("### one\nraw\nGET /livez HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n\n\nHTTP 200\n\nHTTP 200\n",
                   "closed before answer 2 of 2")

    def test_parallel_counts_statuses(self):
        step = ('### ten\nparallel 10\nPOST /api/v1/marks\nAuthorization: Bearer {{clerk}}\n\n{"marker": "p{{n}}"}\n\n'
                "statuses: %s\n\nHTTP 201\n\n{\"marker\": \"p<int>\"}\n")
        self.passes(step % "201x10")
        self.fails(step % "201x9 409x1", "expected statuses 201x9 409x1, got 201x10")

    def test_eventually_and_repeat(self):
        self.passes("### soon\neventually 5s\nGET /soon\n\nHTTP 200\n\n{\"ready\": true}\n")
        self.fails("### not yet\nGET /soon\n\nHTTP 200\n\n{\"ready\": true}\n", "/ready: expected true, got false")

    def test_kill_and_restart_keep_the_data(self):
        steps = GOOD.split("\n\n", 1)[1].replace('{"ignored": "this is no header line"}\n', "")
        self.passes(steps + "\n### dies\nkill -9\n\n### again\nstart\n\n### still there\nGET /api/v1/marks\n\nHTTP 200\n\n"
                    '{"items": [{"id": "{{id}}"}, ...]}\n\n### anew\nrestart\n\n### and there\nGET /livez\n\nHTTP 200\n')
        self.fails("### dies\nkill -9\n\n### asks\nGET /livez\n\nHTTP 200\n", "`start` is missing")

    def test_commands(self):
        self.passes("### check\n$ mettle check {{app}} --json\nexit 1\n! secret\nstderr ~ 1 fault\njson\n"
                    '{"faults": [{"line": <int>, "found": "tabels"}]}\n')
        self.fails("### check\n$ mettle check {{app}}\n", "exit: expected 0, got 1", "1 fault")

    def test_stub_records(self):
        head = HEAD.replace("key clerk", "stub:\n  POST /quote 503 then 200 X-A=b {\"ok\": true}\nenv APP_URL: {{stub}}\nkey clerk")
        steps = "### calls\n%sGET /calls\n\nHTTP 204\n\n### it came\nstub got\nPOST /quote\nwebhook-id: m1\n\n{\"a\": 1}\n"
        self.passes("### none\nstub got nothing\n\n" + steps % "", head=head.replace("503 then ", ""))
        self.fails(steps.replace("{\"a\": 1}", "{\"a\": 2}") % "", "/a: expected 2, got 1", head=head.replace("503 then ", ""))

    def test_write_and_log(self):
        self.passes("### writes\nwrite a/b.txt\n  hello\n    more\n\n### reads\n$ cat a/b.txt\n~ hello\n~   more\n\n"
                    "### starts\nGET /livez\n\nHTTP 200\n\n### logs\nlog ~ listening on\nlog ! password\n")
        self.fails("### leaves\nwrite ../x\n  a\n", "outside the scenario's folder")

    def test_large_body(self):
        self.passes('### large\nPOST /api/v1/marks\nAuthorization: Bearer {{clerk}}\n\n<< {"marker": "\n<< 100000 * "ab"\n<< "}\n\n'
                    "HTTP 201\n")

    def test_bad_end_of_the_server_fails(self):
        self.fails("### a\nGET /livez\n\nHTTP 200\n", "ended with 3 after SIGTERM",
                   head=HEAD.replace("key clerk", "env FAKE_FAULT: bad_exit\nkey clerk"))

    def test_faults_of_the_file_are_told(self):
        self.fails("### a\nFETCH\n", "is no request line")
        self.fails("### a\nGET /\n", "nothing is expected")
        self.fails("### a\nGET /{{nope}}\n\nHTTP 200\n", "nothing has set {{nope}}")
        self.fails("### a\nGET /livez\n\nHTTP 200\n\n{\"a\" 1}\n", "does not parse")
        self.assertIn("is none of app:", outcome("ap: x\n### a\nGET /\n\nHTTP 200\n"))
        self.assertIn("no step", outcome("# T\n"))

    def test_page(self):
        page = ("# Guide\n\n<!-- scenario:\nkey clerk: --role clerk\n-->\n```yaml mettle\nmettle: 1\napp: t\n```\n## It lives\n"
                "```http\nGET /livez\n\nHTTP %s\n```\n```http no-run\nGET /\n```\n```console run\n$ cat mettle.yaml\nmettle: 1\n```\n")
        self.assertIsNone(outcome(page % 200, "p.md"))
        self.assertIn("It lives", outcome(page % 201, "p.md"))
        self.assertIn("must say what comes back", outcome("```http\nGET /\n```\n", "p.md"))

    def test_readme_of_an_example(self):
        page = ("# Shop\n```sh\nmettle serve\n```\n```sh\nCLERK=$(mettle key create mettle.yaml --data data --role clerk)\n"
                "cat seed.txt\ncurl -s http://127.0.0.1:8080/livez >/dev/null\n#   so   much\n```\n"
                "```http\nPOST /api/v1/marks\nAuthorization: Bearer $CLERK\n\n{\"marker\": \"$o.id\"}\n\nHTTP/1.1 201 Created\n\n"
                "{\"marker\": \"$o.id\"}\n```\n")
        app = ("mettle.yaml", "mettle: 1\n")
        self.assertIsNone(outcome(page, "README.md", [app, ("seed.txt", "so much\n")]))
        self.assertIn("so   much", outcome(page, "README.md", [app, ("seed.txt", "so little\n")]))
        self.assertIn("exit: expected 0", outcome(page, "README.md", [app]))

    def test_command_line(self):
        def run(*arguments):
            return subprocess.run([sys.executable, HERE / "scenarios.py", "--binary", FAKE, *arguments], capture_output=True,
                                  text=True, check=False)
        with tempfile.TemporaryDirectory() as folder:
            good, bad = pathlib.Path(folder) / "g.http", pathlib.Path(folder) / "b.http"
            good.write_text(HEAD + "### a\nGET /livez\n\nHTTP 200\n", encoding="utf-8")
            bad.write_text(HEAD + "### a\nGET /livez\n\nHTTP 500\n", encoding="utf-8")
            self.assertEqual(run(good).returncode, 0)
            done = run("-j2", good, bad)
            self.assertEqual(done.returncode, 1)
            self.assertIn("1 passed, 1 failed", done.stdout)
        self.assertEqual(run("--binary", "/nowhere", "x").returncode, 2)


class Matching(unittest.TestCase):
    def diff(self, expected, actual, names=None):
        names = {} if names is None else names
        return match.compare(match.Reader(expected, names).document(), actual, names)

    def test_arrays(self):
        self.assertFalse(self.diff("[1, ..., 9]", [1, 5, 9]))
        self.assertFalse(self.diff("[..., 2, ..., 4, ...]", [1, 2, 3, 4]))
        self.assertTrue(self.diff("[..., 4, ..., 2, ...]", [1, 2, 3, 4]))
        self.assertTrue(self.diff("[1, 2]", [1, 2, 3]))
        self.assertFalse(self.diff("[]", []))

    def test_exact_objects(self):
        self.assertTrue(self.diff('{= "a": 1}', {"a": 1, "b": 2}))
        self.assertFalse(self.diff('{= "a": 1}', {"a": 1}))

    def test_types_are_not_mixed(self):
        self.assertTrue(self.diff("1", True))
        self.assertTrue(self.diff("1", 1.0))
        self.assertTrue(self.diff('"1"', 1))
        self.assertTrue(self.diff("<int>", "1"))
        self.assertFalse(self.diff("<decimal>", "1.50"))
        self.assertTrue(self.diff("<decimal>", 1.5))
        self.assertFalse(self.diff('"<timestamp>"', "2026-01-01T00:00:00.000000Z"))
        self.assertTrue(self.diff("<timestamp>", "2026-01-01T00:00:00Z"))

    def test_captures_whole_values(self):
        names = {}
        self.assertFalse(self.diff('{"n": {{n:=int}}, "s": "a-{{s:=word}}"}', {"n": 7, "s": "a-b"}, names))
        self.assertEqual(names, {"n": 7, "s": "b"})
        self.assertFalse(self.diff('[{{n}}, "{{n}}"]', [7, "7"], names))

    def test_unescape(self):
        self.assertEqual(wire.unescape(r"a\r\n\x41\\\0"), b"a\r\nA\\\0")


if __name__ == "__main__":
    unittest.main()
