#!/usr/bin/env python3
"""Proves the arithmetic of bench/ against values worked out by hand, its tables on made-up rounds, and its generator of load
against a server whose delays are known."""
import http.server
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from measure import report  # noqa: E402
from measure.arithmetic import growth_of_last_half, quantile, ratios, slope, spread  # noqa: E402
from measure.cases import BY_NAME, CASES  # noqa: E402
from measure.flamegraph import folded, svg  # noqa: E402
from measure.load import Requests, failures, offer  # noqa: E402
from measure.native import Native  # noqa: E402
from measure.targets import TARGETS, verdicts  # noqa: E402


class Arithmetic(unittest.TestCase):
    def test_quantile_is_the_first_value_that_enough_do_not_exceed(self):
        self.assertEqual(quantile([5, 1, 4, 2, 3], 0.5), 3)
        self.assertEqual(quantile(range(1, 101), 0.99), 99)
        self.assertEqual(quantile([7], 0.99), 7)
        self.assertEqual(quantile([1, 2], 0), 1)
        self.assertEqual(quantile([1, 2], 1), 2)

    def test_spread_passes_over_what_was_not_measured(self):
        self.assertEqual(spread([3, None, 1, 2]), (1, 2, 3))
        self.assertEqual(spread([1, 2]), (1, 1.5, 2))
        self.assertIsNone(spread([None]))

    def test_ratios_are_taken_round_by_round(self):
        self.assertEqual(ratios([2, 9, 4, None], [1, 3, 0, 1]), [2, 3, None, None])

    def test_growth_is_that_of_the_last_half_alone(self):
        self.assertAlmostEqual(slope([(0, 1), (1, 3), (2, 5)]), 2)
        self.assertEqual(slope([(1, 5), (1, 7)]), 0)
        warm = [(number, number * 10) for number in range(10)] + [(number, 100) for number in range(10, 20)]
        self.assertAlmostEqual(growth_of_last_half(warm), 0)
        self.assertAlmostEqual(growth_of_last_half([(number, number) for number in range(20)]), 9)


def made_up(mettle, **others):
    """What the case `get` finds, with every figure of each round one number."""
    def rounds(values):
        return [dict.fromkeys(("requests", "per_second", "p50_us", "p99_us", "max_us", "user_us", "system_us", "cpu_us"), value)
                for value in values]
    contenders = {"mettle": mettle, "mettle_rule": mettle, "nginx": mettle, "fastify": mettle, **others}
    return {"name": "get", "contenders": [{"name": name, "title": name, "rounds": rounds(values), "allocations": 9}
                                          for name, values in contenders.items()]}


class Tables(unittest.TestCase):
    def result(self, case, sync_us=100):
        made = dict.fromkeys(("mettle", "nginx", "fastify", "better_sqlite3", "json_server", "wrk"), "1")
        machine = {"date": "d", "cpu": "c", "cores": 2, "memory_gib": 1, "kernel": "k", "file_system": "ext4", "load_before": 0}
        return {"machine": machine, "versions": made, "quick": False, "rounds": 3, "seconds": 1, "products": 1, "body_bytes": 1,
                "took_seconds": 60, "stolen": 0, "sync": {"median_us": sync_us, "min_us": 1, "p99_us": 1}, "cases": [case]}

    def test_each_target_names_a_case_and_each_case_has_a_target(self):
        self.assertEqual({target.case for target in TARGETS}, set(BY_NAME))
        self.assertEqual(len(CASES), len(BY_NAME))

    def test_targets_are_held_by_the_median(self):
        found = {target.what: (values, holds) for target, values, holds, _ in
                 verdicts(self.result(made_up([10, 12, 99], nginx=[5, 6, 33], fastify=[1, 12, 99])))}
        self.assertEqual(found["CPU a GET by id, nginx's = 1 (the aim is 1.5)"], ((2, 2, 3), True))
        self.assertEqual(found["user CPU µs a GET by id"], ((10, 12, 99), True))
        self.assertEqual(found["allocations a GET by id"], ((9, 9, 9), True))
        self.assertEqual(found["GETs/s, Fastify's = 1"], ((1, 1, 10), False))
        self.assertEqual(found["GETs/s with a rule of two comparisons, without = 1"], ((1, 1, 1), True))

    def test_a_slow_disk_is_named_beside_the_rates_that_hang_on_it(self):
        rounds = [{"per_second": 9000, "syncs_per_row": 0.01}]
        case = {"name": "post64", "contenders": [{"name": name, "title": name, "rounds": rounds} for name in ("mettle", "fastify")]}
        slow = {target.what: (holds, remark) for target, _, holds, remark in verdicts(self.result(case, sync_us=4000))}
        self.assertEqual(slow["durable POSTs/s at 64 connections"][0], False)
        self.assertIn("this one took 4.00", slow["durable POSTs/s at 64 connections"][1])
        self.assertEqual(slow["syncs a row at 64 connections"], (True, ""))

    def test_both_forms_hold_the_same_cells(self):
        result = self.result(made_up([10, 20, 30]))
        for text in (report.plain(result), report.markdown(result)):
            self.assertIn("10 / 20 / 30", text)
            self.assertIn("✗", text)
        self.assertIn("| get: user CPU µs a GET by id | ≤ 15 | 10.0 / 20.0 / 30.0 | ✗ |", report.markdown(result))


class Flames(unittest.TestCase):
    def test_stacks_are_folded_and_drawn(self):
        samples = "mettle 1 1.0: 5 cpu-clock:\n\taa leaf+0x1 (/x)\n\tbb root+0x2 (/x)\n\nmettle 1 2.0: 5 cpu-clock:\n\tbb root+0x3 (/x)\n\n"
        self.assertEqual(folded(samples), {("root", "leaf"): 1, ("root",): 1})
        drawn = svg({("root", "a<b>"): 3, ("root", "c"): 1}, "title")
        self.assertIn("a&lt;b&gt;", drawn)
        self.assertIn("75.0 %", drawn)


class Slow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock, seen = threading.Lock(), []

    def do_GET(self):  # one at a time, 20 ms each
        with self.lock:
            self.seen.append(self.path)
            time.sleep(0.02)
        status = 503 if self.path == "/shed" else 200
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("clang-19"), "clang-19 is not installed")
class Offer(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.native = Native(pathlib.Path(self.folder.name))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        Slow.seen.clear()

    def send(self, *paths, **how):
        file = pathlib.Path(self.folder.name) / "requests"
        texts = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths]
        file.write_text("".join(f"{len(text)} {number}\n{text}" for number, text in enumerate(texts)), newline="")
        return offer(self.native, f"http://127.0.0.1:{self.server.server_port}", file, [0], **how)

    def test_latency_counts_from_when_a_request_was_due(self):
        # 100 a second are offered to one that can do at most 50: the last waits for all that were queued before it.
        found = self.send("/", rate=100, seconds=1, connections=4)
        self.assertEqual((found["offered"], found["all"]["ok"], failures(found)), (100, 100, 0))
        self.assertGreaterEqual(found["all"]["max_us"], 900_000)

    def test_without_a_queue_what_finds_no_connection_is_dropped(self):
        found = self.send("/", rate=200, seconds=1, connections=2, queue=False)
        self.assertEqual(found["offered"], 200)
        self.assertEqual(found["sent"] + found["dropped"], 200)
        self.assertGreaterEqual(found["dropped"], 140)

    def test_closed_loop_sends_so_many_and_tells_kinds_and_statuses_apart(self):
        found = self.send("/a@@@@@@@@@@@@", "/shed", rate=0, seconds=0, connections=2, count=10)
        self.assertEqual([kind["statuses"] for kind in found["classes"][:2]], [{"200": 5}, {"503": 5}])
        self.assertEqual((found["with_retry_after"], failures(found)), (5, 5))
        self.assertEqual(len({path for path in Slow.seen if path != "/shed"}), 5)

    def test_mixed_requests_are_even(self):
        contender = type("Somebody", (), {"keys": {"admin": "k"}, "list_path": "/%s%d"})
        path = pathlib.Path(self.folder.name) / "mixed"
        Requests(contender, type("Few", (), {"products": 5})).mixed(path, 200, get=90, write=10)
        self.assertEqual(path.read_text().count("\nPOST "), 20)
        with self.assertRaises(ValueError):
            Requests(contender, type("Few", (), {"products": 5})).mixed(path, 100, get=90)


if __name__ == "__main__":
    unittest.main()
