"""What ends a run of bench/run with one line and exit code 1."""
import sys
import time

BEGUN = time.monotonic()


class Trouble(Exception):
    """Says what is wrong and, where there is one, the way out."""


def elapsed():
    return time.monotonic() - BEGUN


def say(text):
    """Talk goes to stderr; stdout has the tables alone."""
    print(f"bench {elapsed():6.1f} s  {text}", file=sys.stderr, flush=True)
