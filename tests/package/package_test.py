#!/usr/bin/env python3
"""Proves that `make package` makes what it says: a Debian package and an archive that dpkg and tar take apart into a program that runs,
the same bytes each time, with a bill of materials that is CycloneDX 1.5 by the standard's schema and leaves nothing out: each library
that the loader finds, and each of them explained in docs/dependencies.md.

    tests/package/package_test.py --binary build/dev/mettle

Exit code 77 (skipped) where the schema is not there (`make setup`) or the system is not Debian.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
options = argparse.Namespace(binary=ROOT / "build/dev/mettle")


def package(out, *more):
    return subprocess.run([sys.executable, ROOT / "tools/package.py", "--binary", options.binary, "--out", out, *more],
                          capture_output=True,
                          text=True, check=False)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mettle-package-"))
        done = package(cls.folder / "a")
        assert done.returncode == 0, done.stderr
        cls.files = {path.suffix: path for path in (cls.folder / "a").iterdir()}
        cls.bill = json.loads(cls.files[".json"].read_text())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_the_same_commit_makes_the_same_bytes(self):
        done = package(self.folder / "b")
        self.assertEqual(done.returncode, 0, done.stderr)
        for path in sorted((self.folder / "a").iterdir()):
            self.assertEqual(path.read_bytes(), (self.folder / "b" / path.name).read_bytes(), path.name)
        sums = (self.folder / "a" / "SHA256SUMS").read_text().split()
        for digest, name in zip(sums[::2], sums[1::2]):
            self.assertEqual(hashlib.sha256((self.folder / "a" / name).read_bytes()).hexdigest(), digest, name)
        self.assertEqual(len(sums), 6)

    def test_the_schema_of_the_standard_takes_it(self):
        schema = [shutil.which("node"), ROOT / "tests/package/schema.mjs"]
        done = subprocess.run([*schema, self.files[".json"]], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        # And would not take just anything.
        for change in ({"bomFormat": "x"}, {"components": [{"name": "x"}]}, {"serialNumber": "7"}, {"mettle": 1}):
            broken = self.folder / "broken.json"
            broken.write_text(json.dumps({**self.bill, **change}))
            self.assertEqual(subprocess.run([*schema, broken], capture_output=True, check=False).returncode, 1, change)

    def test_nothing_that_is_linked_is_left_out(self):
        loaded = set(re.findall(r"^\s*(\S+) => /", subprocess.run(["ldd", options.binary], capture_output=True,
                                                                  text=True, check=True).stdout, re.M))
        self.assertGreater(len(loaded), 10)
        told = {one["value"] for component in self.bill["components"] for one in component["properties"] if one["name"] == "mettle:file"}
        self.assertEqual(loaded - told, set())
        names = {component["name"] for component in self.bill["components"]}
        self.assertLessEqual({"sqlite", "swagger-ui-dist", "zxcvbn", "libboost1.81-dev", "libcli11-dev", "libssl3"},
                             names)

    def test_versions_are_those_of_the_machine(self):
        for component in self.bill["components"]:
            if component["purl"].startswith("pkg:deb/"):
                known = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", component["name"]], capture_output=True,
                                       text=True, check=True)
                self.assertEqual(known.stdout, component["version"], component["name"])
            for one in component.get("hashes", []):
                self.assertRegex(one["content"], "^[0-9a-f]{64}$")
        refs = [component["bom-ref"] for component in self.bill["components"]] + [self.bill["metadata"]["component"]["bom-ref"]]
        self.assertEqual(len(refs), len(set(refs)))
        self.assertEqual({one["ref"] for one in self.bill["dependencies"]}, set(refs))
        self.assertLessEqual({ref for one in self.bill["dependencies"] for ref in one["dependsOn"]}, set(refs))
        # Everything is reached from the program.
        needs, seen, todo = {one["ref"]: one["dependsOn"] for one in self.bill["dependencies"]}, set(), [refs[-1]]
        while todo:
            ref = todo.pop()
            if ref not in seen:
                seen.add(ref)
                todo += needs[ref]
        self.assertEqual(set(refs) - seen, set())

    def test_a_library_without_its_row_is_refused(self):
        page = (ROOT / "docs/dependencies.md").read_text()
        for row in ("RE2", "CLI11"):
            lines = [line for line in page.splitlines() if not line.startswith(f"| {row} |")]
            self.assertLess(len(lines), len(page.splitlines()), row)
            (self.folder / "page.md").write_text("\n".join(lines))
            done = package(self.folder / "c", "--dependencies", self.folder / "page.md")
            self.assertEqual(done.returncode, 1, row)
            self.assertIn("has no row", done.stderr)

    def test_dpkg_takes_it_apart_into_a_program_that_runs(self):
        deb, root = self.files[".deb"], self.folder / "root"
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        shown = subprocess.run([root / "usr/bin/mettle", "--version"], capture_output=True, text=True,
                               check=True).stdout
        self.assertRegex(shown, r"^mettle \d+\.\d+\.\d+ ")
        told = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True, check=True).stdout
        depends = re.search(r"^Depends: (.*)$", told, re.M).group(1)
        for one in depends.split(", "):
            name, version = re.fullmatch(r"(\S+) \(>= (\S+)\)", one).groups()
            have = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True,
                                  check=True).stdout
            self.assertEqual(subprocess.run(["dpkg", "--compare-versions", have, "ge", version],
                                            check=False).returncode, 0, one)
        sums = subprocess.run(["dpkg-deb", "--info", deb, "md5sums"], capture_output=True, text=True, check=True).stdout
        for line in sums.splitlines():
            digest, name = line.split("  ", 1)
            self.assertEqual(hashlib.md5((root / name).read_bytes()).hexdigest(), digest, name)
        place = root / "usr/share/doc/mettle"
        for name in ("copyright", "mettle.cdx.json", "docs/security.md", "licences/boost/copyright",
                     "licences/swagger-ui/NOTICE"):
            self.assertGreater((place / name).stat().st_size, 20, name)
        bill = json.loads((place / "mettle.cdx.json").read_text())["metadata"]["component"]
        self.assertEqual(bill["hashes"][0]["content"],
                         hashlib.sha256((root / "usr/bin/mettle").read_bytes()).hexdigest())

    def test_the_archive_holds_the_same(self):
        with tarfile.open(self.files[".gz"]) as archive:
            names = archive.getnames()
            self.assertEqual(len({name.split("/")[0] for name in names}), 1)
            program = next(name for name in names if name.endswith("/mettle"))
            content = archive.extractfile(program).read()
            self.assertEqual(archive.getmember(program).mode, 0o755)
            for word in (b"/LICENSE", b"/mettle.cdx.json", b"/mettle.service"):
                self.assertTrue(any(name.endswith(word.decode()) for name in names), word)
        self.assertEqual(hashlib.sha256(content).hexdigest(),
                         self.bill["metadata"]["component"]["hashes"][0]["content"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", type=pathlib.Path, default=options.binary)
    found, rest = parser.parse_known_args()
    options.binary = found.binary.resolve()
    if not (ROOT / "build/deps/cyclonedx").exists() or shutil.which("dpkg-query") is None:
        print("package_test: no build/deps/cyclonedx (make setup), or no Debian", file=sys.stderr)
        sys.exit(77)
    os.environ.pop("SOURCE_DATE_EPOCH", None)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
