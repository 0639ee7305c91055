#!/usr/bin/env python3
"""docs/reference/errors.md lists every code of src/base/error.cc, once, with its status and whether to try again."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def published():
    """name → (status, whether a retry may succeed), from the table in error.cc."""
    source = (ROOT / "src/base/error.cc").read_text(encoding="utf-8")
    table = source[source.index("kTable[] = {"):source.index("constexpr size_t kCodes")]
    found = re.findall(r'\{Code::k\w+, "(\w+)", (\d+),\s*"[^"]+",\s*\d,\s*(kRetry|kFinal)\}', table)
    return {name: (status, retry == "kRetry") for name, status, retry in found}


def main():
    codes, page = published(), (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    if len(codes) < 50:
        print(f"not ok: only {len(codes)} codes found in error.cc; has its table another form?")
        return 1
    # A row with status and "again", or one of a member or of the command line, which have neither.
    rows = re.findall(r'^\| <a id="(\w+)"></a>`(\w+)` \| (?:(\d{3}) \| (yes|) ?\| )?', page, re.M)
    wrong = [f"{name} is listed {count} times" for name in codes
             if (count := sum(row[1] == name for row in rows)) != 1]
    for anchor, name, status, again in rows:
        if anchor != name:
            wrong.append(f"{name} has the anchor {anchor}, but `type` leads to #{name}")
        if name not in codes:
            wrong.append(f"{name} is no code")
        elif status and (status, again == "yes") != codes[name]:
            wrong.append(f"{name} is {codes[name]}, the page says {(status, again == 'yes')}")
    for line in wrong:
        print(f"not ok docs/reference/errors.md: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
