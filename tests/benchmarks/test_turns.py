"""The pipe between the benchmarks and their contestants, with contestants of a few lines."""

import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.turns import AbsentError, Worker, peak_memory

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(tmp_path):
    """Start a contestant from the source of its script; all are ended after the test."""
    workers = []

    def start(source, **env):
        script = tmp_path / f"contestant{len(workers)}.py"
        script.write_text("from benchmarks.turns import serve\n" + textwrap.dedent(source))
        workers.append(Worker([sys.executable, str(script)], {"PYTHONPATH": str(ROOT), **env}))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


def test_asks_and_answers_in_order_whatever_is_printed(start):
    worker = start(
        """
        import os
        def answer(number):
            print("noise")
            os.system("echo more noise")
            return {"double": 2 * number, "name": os.environ["NAME"]}
        serve(answer)
        """,
        NAME="one",
    )
    assert worker.start > 0
    assert [worker.ask(number=n) for n in (1, 2.5)] == [
        {"double": 2, "name": "one"},
        {"double": 5, "name": "one"},
    ]


def test_counts_processor_time_out_of_turn(start):
    worker = start(
        """
        import threading, time
        def spin():
            end = time.process_time() + 0.2
            while time.process_time() < end:
                pass
        def answer(later):
            if later:
                threading.Timer(0.1, spin).start()
            return {}
        serve(answer)
        """
    )
    worker.ask(later=False)
    worker.ask(later=True)
    assert worker.idle < 0.1
    deadline = time.monotonic() + 20
    while worker.idle < 0.15:
        assert time.monotonic() < deadline, "the thread's time was not counted"
        time.sleep(0.1)
        worker.ask(later=False)


def test_says_what_is_not_installed(start):
    with pytest.raises(AbsentError, match="No module named 'not_there'"):
        start("import not_there")
    with pytest.raises(AbsentError, match="there is no /nowhere/python"):
        Worker(["/nowhere/python"], {})


def test_a_contestant_that_dies_says_why(start):
    worker = start("serve(lambda: 1 / 0)")
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        worker.ask()
    with pytest.raises(SystemExit, match="no faces"):
        start("raise SystemExit('no faces')")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="getrusage counts its parent's")
def test_peak_memory_is_the_contestants_own(start):
    large = np.ones(50 << 20, np.uint8)
    here = peak_memory()
    assert here > 50 + 10
    del large
    source = """
        from benchmarks.turns import peak_memory
        serve(lambda: {"peak": peak_memory()})
    """
    there = start(source).ask()["peak"]
    assert 5 < there < 50
