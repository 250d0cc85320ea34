"""No tower is loaded twice in a process, and none is taken through a fork."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provenance.embed.shared import forget, shared


@pytest.fixture(autouse=True)
def _clean():
    forget()
    yield
    forget()


def test_threads_that_come_together_share_one(fake):
    made, gate = [], threading.Barrier(6)

    def make():
        made.append(1)
        threading.Event().wait(0.05)
        return fake

    def ask(_: int):
        gate.wait()
        return shared("key", make)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {fake}
    assert made == [1]


def test_another_key_is_another_tower_and_does_not_wait(fake):
    inside = threading.Event()

    def outer():
        assert shared("inner", lambda: fake) is fake
        inside.set()
        return fake

    assert shared("outer", outer) is fake
    assert inside.is_set()


def test_a_failure_is_not_kept(fake):
    def broken():
        raise ValueError("not yet")

    with pytest.raises(ValueError, match="not yet"):
        shared("key", broken)
    assert shared("key", lambda: fake) is fake


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_loads_its_own(fake):
    shared("key", lambda: fake)
    child = os.fork()
    if child == 0:
        made: list[int] = []
        shared("key", lambda: made.append(1) or fake)
        os._exit(0 if made == [1] else 1)
    assert os.waitpid(child, 0)[1] == 0
