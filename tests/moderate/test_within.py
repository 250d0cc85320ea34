"""A call is waited for no longer than its deadline."""

from __future__ import annotations

import threading
import time

import pytest

from provenance.errors import ModerationFailed
from provenance.moderate._within import within
from provenance.moderate.interface import Policy
from provenance.moderate.moderator import Moderator
from provenance.testing import FixedClassifier
from tests import signed


def test_what_is_returned_and_raised_passes():
    assert within(5, lambda: 7) == 7
    assert within(5, lambda: None) is None
    error = KeyError("x")

    def fails() -> None:
        raise error

    with pytest.raises(KeyError) as info:
        within(5, fails)
    assert info.value is error


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, MemoryError, TimeoutError])
def test_exceptions_of_every_kind_pass(kind):
    def fails() -> None:
        raise kind

    with pytest.raises(kind):
        within(5, fails)


def test_a_late_call_is_abandoned_in_a_daemon():
    release, threads = threading.Event(), []

    def slow() -> None:
        threads.append(threading.current_thread())
        release.wait(20)

    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        within(0.05, slow)
    assert time.monotonic() - start < 10
    assert threads[0].daemon
    assert threads[0].is_alive()
    release.set()
    threads[0].join(20)
    assert not threads[0].is_alive()


def test_a_deadline_beyond_what_the_system_can_wait_for_is_none():
    assert within(1e300, lambda: 1) == 1


def test_a_late_classifier_holds_the_picture_back():
    release = threading.Event()

    class Slow(FixedClassifier):
        def scores(self, subject):
            release.wait(20)
            return {"nudity": 0.0}

    policy = Policy("p", {}, timeout_s=0.05)
    judge = Moderator(policy, [Slow({"sexual-minors": 0.0})], [Slow({"nudity": 0.0})])
    with pytest.raises(ModerationFailed, match=r"fixed/1 failed with TimeoutError; the picture"):
        judge.check_picture(signed.drawing())
    with pytest.raises(ModerationFailed, match=r"fixed/1 failed with TimeoutError; the prompt"):
        judge.check_prompt("x")
    release.set()
