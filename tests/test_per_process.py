"""Made once for each process, by whichever thread comes first, and anew after a fork."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provenance._per_process import PerProcess
from provenance._stopwatch import Stopwatch


def make() -> list[int]:
    return [1]


def test_made_on_first_use_and_then_kept():
    calls = []
    value = PerProcess(lambda: calls.append(1) or object())
    assert calls == []
    assert value() is value()
    assert calls == [1]


def test_threads_that_come_together_get_the_same_one():
    calls = []
    gate = threading.Barrier(8)

    def slow() -> object:
        calls.append(1)
        threading.Event().wait(0.05)
        return object()

    value = PerProcess(slow)

    def ask(_: int) -> object:
        gate.wait()
        return value()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(8)))
    assert len(found) == len(calls) == 1


def test_a_failure_is_not_kept():
    answers = iter([ValueError("not yet"), "value"])

    def fickle() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    value = PerProcess(fickle)
    with pytest.raises(ValueError, match="not yet"):
        value()
    assert value() == "value"


def test_it_pickles_as_its_recipe():
    value = PerProcess(make)
    first = value()
    again = pickle.loads(pickle.dumps(value))
    assert again() == first
    assert again() is not first


FORK = """
import os, threading
from provenance._per_process import PerProcess

value = PerProcess(object)
first = value()
held = PerProcess(lambda: threading.Event().wait(60))
threading.Thread(target=held, daemon=True).start()  # holds its lock while we fork
held._make = object
pid = os.fork()
if pid == 0:
    fresh = value() is not first and value() is value() and held() is not None
    os._exit(0 if fresh else 1)
assert os.waitpid(pid, 0)[1] == 0
assert value() is first
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_a_forked_child_makes_its_own_even_if_a_lock_was_held():
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=30)


def test_a_stopwatch_adds_up_and_keeps_the_order():
    watch = Stopwatch()
    with watch("a"):
        pass
    with pytest.raises(KeyError), watch("b"):
        raise KeyError
    first = watch.seconds["a"]
    with watch("a"):
        pass
    assert list(watch.seconds) == ["a", "b"]
    assert watch.seconds["a"] > first >= 0
