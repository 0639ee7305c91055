#!/usr/bin/env python3
"""The kill -9 harness must be able to fail: each planted fault of a stand-in server has to be found, and a right one pass."""
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
FAKE = HERE.parent.parent / "tools/testdata/fake_mettle.py"


def run(fault, rounds):
    return subprocess.run([sys.executable, HERE / "kill9.py", "--binary", FAKE, "--rounds", str(rounds), "--writers", "4",
                           "--env", f"FAKE_FAULT={fault}"], capture_output=True, text=True, timeout=200, check=False)


class Kill9(unittest.TestCase):
    def finds(self, fault, words):
        done = run(fault, 12)
        self.assertEqual(done.returncode, 1, f"{fault} went unnoticed: {done.stdout}")
        self.assertIn(words, done.stderr)

    def test_a_durable_server_passes(self):
        done = run("", 3)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 kills", done.stdout)

    def test_finds_an_answer_before_the_commit(self):
        self.finds("lost_ack", "are lost")

    def test_finds_half_a_batch(self):
        self.finds("half_batch", "batch ")

    def test_finds_a_doubled_effect(self):
        self.finds("double_effect", "Idempotency-Key")


if __name__ == "__main__":
    unittest.main()
