#!/usr/bin/env python3
"""Proves that docs/internals/regressions.md names every row of the pack and only tests that exist.

A test is named in one of these ways, in backticks:
  `regression.A6`                      test_A6_… of tests/proof/regressions_test.py
  `Suite.Name`                         a TEST of src/**/*_test.cc
  `tests/….http: step`                 a step of a scenario
  `tests/…_test.py: function`          a function of it
  `tests/…`, `bench/…`                 a file; `x_test Suite`: any test of the suite
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs/internals/regressions.md"
ROWS = [f"A{n}" for n in range(1, 14)] + [f"B{n}" for n in range(1, 7)] + [f"C{n}" for n in range(1,
6)] + [f"D{n}" for n in range(1, 5)]
NOT_YET = "no such feature yet"


def unit_tests():
    found = set()
    for path in ROOT.glob("src/**/*_test.cc"):
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", path.read_text(encoding="utf-8"), re.M):
            found |= {f"{suite}.{name}", suite}
    return found


def exists(name, units):
    """Whether the test that the page names is there."""
    if named := re.fullmatch(r"regression\.([A-D]\d+)", name):
        return f"def test_{named.group(1)}_" in (ROOT / "tests/proof/regressions_test.py").read_text(encoding="utf-8")
    if named := re.fullmatch(r"\w+_test (\w+)", name):
        return named.group(1) in units
    if re.fullmatch(r"\w+\.\w+", name):
        return name in units
    path, _, inside = name.partition(": ")
    if not (ROOT / path).is_file():
        return False
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".http"):
        return not inside or f"\n### {inside}\n" in text
    return not inside or f"def {inside}(" in text


def wrong(page, units):
    out, seen = [], []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or not re.fullmatch(r"[A-D]\d+", cells[0]):
            continue
        seen.append(cells[0])
        names = re.findall(r"`([^`]+)`", cells[-1])
        if len(cells) != 4 or not names and NOT_YET not in cells[-1]:
            out.append(f"{cells[0]} names no test")
        out += [f"{cells[0]}: there is no {name}" for name in names if not exists(name, units)]
    out += [f"{row} is missing" for row in ROWS if row not in seen] + [f"{row} stands twice" for row in set(seen) if seen.count(row) > 1]
    return out


class Regressions(unittest.TestCase):
    def test_each_row_names_tests_that_exist(self):
        self.assertEqual(wrong(PAGE.read_text(encoding="utf-8"), unit_tests()), [])

    def test_a_wrong_page_is_found(self):
        page, units = PAGE.read_text(encoding="utf-8"), unit_tests()
        for before, after in (("`regression.A6`", "`regression.A66`"), ("Problem.NeverShowsTheInside",
                                                                        "Problem.ShowsTheInside"),
                              ("| B4 |", "| B44 |"), ("`tests/proof/sqlmap_test.py: test_2",
                                                      "`tests/proof/sqlmap_test.py: test_3"),
                              ("mailbox.http: what he left is over", "mailbox.http: what he left"), ("`regression.A13`",
                              "none")):
            self.assertIn(before, page)
            self.assertTrue(wrong(page.replace(before, after, 1), units), before)

    def test_every_named_test_stands_on_the_page(self):
        text = (ROOT / "tests/proof/regressions_test.py").read_text(encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        for row in re.findall(r"def test_([A-D]\d+)_", text):
            self.assertIn(f"`regression.{row}`", page)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
