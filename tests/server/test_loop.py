"""The event loop does a little at a time, and everybody has their turn."""

import asyncio
import gc
import selectors
import socket
import sys

import pytest

from provenance.server import run
from provenance.server.loop import AT_A_TIME, Listener, _Few, runner


@pytest.fixture
def ready():
    """More sockets than are named at a time, all with something to read."""
    pairs = [socket.socketpair() for _ in range(3 * AT_A_TIME + 1)]
    with _Few() as selector:
        for ours, theirs in pairs:
            theirs.send(b"x")
            selector.register(ours, selectors.EVENT_READ)
        yield selector, [ours for ours, _ in pairs]
    for pair in pairs:
        for each in pair:
            each.close()


def test_a_few_are_named_and_all_in_turn(ready):
    selector, sockets = ready
    named = [[key.fileobj for key, _ in selector.select(0)] for _ in range(4)]
    assert [len(few) for few in named] == [AT_A_TIME] * 3 + [1]
    assert {each for few in named for each in few} == set(sockets)
    assert len(selector.select(0)) == AT_A_TIME


def test_few_are_named_at_once(ready):
    selector, sockets = ready
    for each in sockets[3:]:
        selector.unregister(each)
    assert {key.fileobj for key, _ in selector.select(0)} == set(sockets[:3])
    assert selector.select(0)


def test_a_few_clients_come_in_at_a_time():
    with run.listen("127.0.0.1", 0) as listener:
        assert isinstance(listener, Listener)
        listener.setblocking(False)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(AT_A_TIME + 3)]
        let_in = []
        for expected in (AT_A_TIME, 3, 0):
            before = len(let_in)
            with pytest.raises(BlockingIOError):
                while True:
                    let_in.append(listener.accept()[0])
            assert len(let_in) - before == expected
        for each in (*clients, *let_in):
            each.close()


def test_what_is_there_is_not_collected_again():
    async def main():
        return gc.get_freeze_count(), type(asyncio.get_running_loop())

    with runner() as running:
        during, _kind = running.run(main())
    assert during > 10_000
    assert gc.get_freeze_count() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="another kind of loop")
def test_timers_have_their_turn_while_a_crowd_is_attended_to():
    """Two hundred callbacks of a millisecond each never stand between two beats of a timer."""
    import time

    longest = 0.0

    async def beat():
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    def work(ours):
        ends = time.thread_time() + 0.001
        while time.thread_time() < ends:
            pass
        ours.recv(1)

    async def main():
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(200)]
        for ours, theirs in pairs:
            theirs.send(b"xxx")
            loop.add_reader(ours, work, ours)
        beating = asyncio.create_task(beat())
        await asyncio.sleep(0.7)
        beating.cancel()
        for ours, theirs in pairs:
            loop.remove_reader(ours)
            ours.close()
            theirs.close()

    with runner() as running:
        running.run(main())
    assert longest < 0.1  # all of them together take 0.2
