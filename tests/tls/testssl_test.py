#!/usr/bin/env python3
"""testssl.sh finds nothing above LOW in our TLS.

  tests/tls/testssl_test.py [--binary build/dev/mettle]

Protocols, ciphers, forward secrecy, server defaults, headers and every vulnerability that it knows, against a server with
an ECDSA certificate. Findings about the certificate itself (cert_…: nobody signed ours) are not the server's. Prints
what it counted; 77 where testssl is not installed.
"""
import argparse
import collections
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import rig
from rig import Mettle, make_certificate

SECONDS = 100  # it takes about half of it; more is a hang
FINE = {"OK", "INFO", "LOW"}
TOLD_ONLY = {"WARN", "DEBUG"}  # what it could not test


def run(server, folder, name):
    """The findings; each a dict with id, severity, finding."""
    out = folder / f"{name}.json"
    command = ["testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "min", "--ip", "127.0.0.1", "--sneaky",
               "--protocols", "--server-preference", "--std", "--fs", "--server-defaults", "--vulnerable", "--headers",
               "--jsonfile", str(out), f"{name}:{server.port}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
    if not out.is_file():
        sys.exit(f"testssl wrote nothing:\n{done.stdout}")
    return json.loads(out.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=rig.options.binary)
    rig.options.binary = str(pathlib.Path(parser.parse_args().binary).resolve())
    if shutil.which("testssl") is None:
        print("skipped: testssl is not installed (tools/setup.sh does it)", file=sys.stderr)
        return rig.SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pair = make_certificate(folder, "a", ["localhost"])
        with Mettle(tls=[pair]) as server:
            findings = run(server, folder, "localhost")
    counts = collections.Counter(each["severity"] for each in findings)
    print(" ".join(f"{severity}={count}" for severity, count in sorted(counts.items())))
    bad = [each for each in findings
           if each["severity"] not in FINE | TOLD_ONLY and not each["id"].startswith("cert_")]
    for each in bad:
        print(f"{each['severity']}: {each['id']}: {each['finding']}", file=sys.stderr)
    asked = {each["id"] for each in findings}
    missing = {"TLS1_2", "TLS1_3", "heartbleed", "CRIME_TLS", "LUCKY13", "secure_renego", "HSTS_time"} - asked
    if missing:
        print(f"testssl did not look at {sorted(missing)}", file=sys.stderr)
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main())
