#!/usr/bin/env python3
"""Proves that coverage.py names an untaken branch as such, and counts that cannot be right (a profile that was cut short,
increments that threads lost) as what they are, by compiling a program of four lines and writing its counts by hand."""
import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import coverage  # noqa: E402

# asked: counters 0 (called), 1 (`empty` was false), 2 (`known` was true); how often `empty` was true is 0 less 1.
SOURCE = """bool asked(bool empty, bool known) {
  return !empty && known;
}
int main() { return asked(false, true) + asked(false, false) + asked(true, true) - 1; }
"""
FLAGS = ["-O0", "-fprofile-instr-generate", "-fcoverage-mapping"]


class Coverage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name).resolve()
        source = cls.root / "src/rules/tiny.cc"
        source.parent.mkdir(parents=True)
        source.write_text(SOURCE, encoding="utf-8")
        cls.build = cls.root / "build"
        cls.build.mkdir()
        subprocess.run(["clang++-19", *FLAGS, "-o", cls.build / "tiny_test", source], check=True)
        cls.whole = cls.root / "whole.profraw"
        subprocess.run([cls.build / "tiny_test"], env={"LLVM_PROFILE_FILE": str(cls.whole)}, check=True)
        done = subprocess.run(["llvm-profdata-19", "merge", "-text", "-o", "-", cls.whole], capture_output=True, text=True, check=True)
        cls.text = done.stdout

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.profiles = pathlib.Path(folder.name)
        for name, value in (("ROOT", self.root), ("EVERY_BRANCH", ["src/rules/*"])):
            patch = unittest.mock.patch.object(coverage, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def counted(self, asked):
        """The whole profile with these counters of `asked`."""
        head, _, tail = self.text.partition("_Z5askedbb\n")
        lines = tail.split("\n")
        values = lines.index("# Counter Values:") + 1
        self.assertEqual(lines[values:values + 3], ["3", "2", "1"], "the program ran otherwise than this test thinks")
        lines[values:values + 3] = [str(count) for count in asked]
        (self.profiles / "counted.profraw").write_text(head + "_Z5askedbb\n" + "\n".join(lines), encoding="utf-8")

    def run_tool(self):
        """Its exit code, and all that it said."""
        said = io.StringIO()
        arguments = ["coverage.py", str(self.build), "--profiles", str(self.profiles)]
        with unittest.mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(said), \
                contextlib.redirect_stderr(said):
            try:
                code = coverage.main()
            except SystemExit as end:
                code = end.code
        return code, said.getvalue()

    def keep(self, name, data):
        (self.profiles / name).write_bytes(data)

    def test_holds_when_every_branch_was_taken(self):
        self.keep("1_0.profraw", self.whole.read_bytes())
        code, said = self.run_tool()
        self.assertEqual((code, "All bounds hold." in said), (0, True), said)

    def test_names_a_branch_that_was_not_taken(self):
        self.counted([2, 2, 1])
        code, said = self.run_tool()
        self.assertEqual(code, 1, said)
        self.assertIn("src/rules/tiny.cc:2:10 never false: !empty", said)
        self.assertNotIn("below zero", said)

    def test_calls_lost_increments_by_their_name(self):
        self.counted([1, 2, 1])  # two of the three increments of counter 0 were lost
        code, said = self.run_tool()
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"\d counts are below zero: increments were lost")
        self.assertIn("  src/rules/tiny.cc:2:10\n", said)

    def test_names_a_profile_that_was_cut_short(self):
        whole = self.whole.read_bytes()
        for length in (40, len(whole) // 2):
            self.keep("1_0.profraw", whole)
            self.keep("2_0.profraw", whole[:length])
            code, said = self.run_tool()
            self.assertEqual(code, 2, said)
            self.assertIn("2_0.profraw", said)
            self.assertIn("is lost", said)
            self.assertNotIn("1_0.profraw", said)

    def test_an_empty_profile_has_lost_nothing(self):  # of a server that was killed before it wrote a byte
        self.keep("1_0.profraw", self.whole.read_bytes())
        self.keep("2_0.profraw", b"")
        code, said = self.run_tool()
        self.assertEqual(code, 0, said)

    def test_no_profile_is_a_fault_of_the_run(self):
        code, said = self.run_tool()
        self.assertEqual(code, 2, said)
        self.assertIn("no *.profraw", said)


if __name__ == "__main__":
    unittest.main()
