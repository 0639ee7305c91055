#!/usr/bin/env python3
"""Prints the slowest compilations and links of a Ninja build: tools/slowest.py BUILD_DIR [COUNT].

Reads BUILD_DIR/.ninja_log, whose last line for an output is its newest build. With a warm ccache the figures are those
of the cache.
"""
import sys


def read_log(path):
    newest = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#") or len(fields) < 5:
                continue
            start, end, _, output = fields[:4]
            newest[output] = (int(end) - int(start)) / 1000
    return newest


def main(argv):
    if len(argv) not in (2, 3):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    count = int(argv[2]) if len(argv) == 3 else 10
    try:
        newest = read_log(argv[1] + "/.ninja_log")
    except OSError as error:
        print(f"slowest: {error}", file=sys.stderr)
        return 1
    ranked = sorted(newest.items(), key=lambda item: -item[1])[:count]
    print(f"the {len(ranked)} slowest steps of {argv[1]} (seconds, when last built):")
    for output, seconds in ranked:
        print(f"  {seconds:7.1f}  {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
