#!/usr/bin/env python3
"""The matrix must be able to fail: a mutant that survives, that another step finds, or whose test only breaks is told apart."""
import contextlib
import io
import pathlib
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import matrix  # noqa: E402

STEP = "data/x.http: the step"
MUTANT = matrix.Mutant("m", "what is broken", "what is promised", STEP)
PASSED = matrix.Outcome(None, "", True)


class Judging(unittest.TestCase):
    def word(self, outcome, test=STEP):
        return matrix.judge(MUTANT._replace(test=test), outcome)

    def test_a_test_that_passes_has_let_it_survive(self):
        self.assertEqual(self.word(PASSED), "survived")

    def test_the_step_that_is_named_catches_it(self):
        self.assertEqual(self.word(matrix.Outcome("x.http:3", "status", True, "the step")), "caught")

    def test_another_step_is_another_promise(self):
        self.assertEqual(self.word(matrix.Outcome("x.http:1", "status", True, "before")), "elsewhere")

    def test_a_server_that_does_not_start_catches_nothing(self):
        self.assertEqual(self.word(matrix.Outcome("ended with 1", "", False)), "broken")

    def test_a_unit_test_has_no_steps(self):
        self.assertEqual(self.word(matrix.Outcome("x_test.cc:1", "", True), "x_test Suite.Name"), "caught")


class Running(unittest.TestCase):
    """All of it, with tests that are made up."""

    def run_with(self, outcome_of):
        options, real = types.SimpleNamespace(jobs=2), matrix.run_test
        matrix.run_test = lambda _, test, mutant=None: outcome_of(test, mutant)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                return matrix.run_all(options, [MUTANT])
        finally:
            matrix.run_test = real

    def test_caught_and_passing_without_is_all_well(self):
        found = matrix.Outcome("x.http:3", "status", True, "the step")
        self.assertEqual(self.run_with(lambda _, mutant: found if mutant else PASSED)[1], 0)

    def test_a_survivor_is_a_fault(self):
        lines, faults = self.run_with(lambda *_: PASSED)
        self.assertEqual(faults, 1)
        self.assertIn("SURVIVED", lines[0])

    def test_a_test_that_always_fails_catches_nothing(self):
        lines, faults = self.run_with(lambda *_: matrix.Outcome("x.http:3", "status", True, "the step"))
        self.assertEqual(faults, 1)
        self.assertIn("BROKEN without a mutant: data/x.http", lines[-1])

    def test_a_unit_test_that_is_not_there_is_broken(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "x_test"
            program.write_text("#!/bin/sh\necho '[==========] 0 tests from 0 test suites ran.'\n", encoding="utf-8")
            program.chmod(0o755)
            outcome = matrix.run_gtest(types.SimpleNamespace(build=pathlib.Path(folder)), "x_test No.Such", "m")
        self.assertFalse(outcome.fair)


if __name__ == "__main__":
    unittest.main()
