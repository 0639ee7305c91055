"""What is measured, in this order. A case has a `name`, a `title`, `run(bench)`, which gives what --json prints of it, and
`where()` and `table(that)`, which say it to a person."""
from . import closed, memory, offered, scan, signins, start, transfer

CASES = (*closed.READS, start.CASE, memory.IDLE, *offered.CASES, *closed.WRITES, memory.RSS, *transfer.CASES, scan.CASE, signins.CASE)
BY_NAME = {case.name: case for case in CASES}
