"""The event loop never waits, and what does not fit is refused rather than queued."""

import asyncio
import io
import threading
import time

import httpx
import pytest
from PIL import Image

from provenance.server.app import create_app
from provenance.server.errors import Refusal
from provenance.server.limits import ServiceLimits
from provenance.server.pool import Memory, Pool
from provenance.testing import FakeWatermarker
from provenance.watermark.interface import Reading
from tests.conftest import make_scene
from tests.server.service import serving

PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def large() -> bytes:
    """Two megapixels without a mark: the longest search."""
    buffer = io.BytesIO()
    Image.fromarray(make_scene(1200, 1600, seed=5)).save(buffer, "PNG")
    return buffer.getvalue()


def test_reading_a_picture_does_not_hold_the_loop_up(service, client, large):
    """A timer in the service's own loop is late by at most 50 ms, while a search takes far longer.

    The best of three counts: other processes may take the processor away at any moment.
    """
    client.post("/matches/byContent", content=large, headers=PNG)  # plans are made once
    late = []
    for _ in range(3):
        service.longest = 0.0
        start = time.perf_counter()
        answer = client.post("/matches/byContent", content=large, headers=PNG)
        took = time.perf_counter() - start
        assert answer.json() == {"matches": []}
        assert took > 0.15, "too fast to show anything"
        late.append(service.longest)
        if late[-1] <= 0.05:
            break
    assert min(late) <= 0.05, late


class Slow(FakeWatermarker):
    """Reads a picture for as long as it is told to."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.reading = threading.Semaphore(0)

    def extract(self, picture):
        self.reading.release()
        assert self.gate.wait(20)
        return Reading(None, 1.0)


def test_full_means_busy_and_lookups_go_on(registry):
    slow = Slow()
    small = io.BytesIO()
    Image.new("RGB", (64, 64)).save(small, "PNG")
    limits = ServiceLimits(readers=1, waiting_pictures=1)

    async def talk(url):
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:

            def ask():
                body = {"content": small.getvalue(), "headers": PNG}
                return client.post("/matches/byContent", **body)

            first = asyncio.create_task(ask())
            await asyncio.to_thread(slow.reading.acquire)
            second = asyncio.create_task(ask())
            await asyncio.sleep(0.3)
            third = await ask()
            meanwhile = await client.get("/readyz")
            slow.gate.set()
            return await first, await second, third, meanwhile, await ask()

    with serving(create_app(registry, [slow], limits)) as running:
        first, second, third, meanwhile, last = asyncio.run(talk(running.url))
    assert [a.status_code for a in (first, second, third, meanwhile, last)] == [
        200,
        200,
        503,
        200,
        200,
    ]
    assert third.json()["error"]["code"] == "busy"
    assert third.headers["retry-after"] == "2"


def test_what_takes_too_long_keeps_its_place():
    gate = threading.Event()

    async def talk():
        pool = Pool("test", workers=1, waiting=0, seconds=0.2)
        with pytest.raises(Refusal, match="took too long"):
            await pool.run(gate.wait, 10)
        with pytest.raises(Refusal, match="busy"):
            await pool.run(int)
        gate.set()
        for _ in range(100):
            try:
                assert await pool.run(int, "7") == 7
                break
            except Refusal:
                await asyncio.sleep(0.01)
        else:
            pytest.fail("the place was never given back")
        pool.close()

    asyncio.run(talk())


def test_errors_of_the_work_are_its_own():
    def fail(error):
        raise error

    async def talk():
        pool = Pool("test", workers=1, waiting=0, seconds=5)
        for error in (ValueError("mine"), TimeoutError("mine")):
            with pytest.raises(type(error), match="mine"):
                await pool.run(fail, error)
            await asyncio.sleep(0.01)
        pool.close()
        with pytest.raises(RuntimeError):
            await pool.run(int)
        with pytest.raises(RuntimeError):  # and not busy: the place was given back
            await pool.run(int)

    asyncio.run(talk())


def test_memory_is_given_back():
    memory = Memory(100)
    for _ in range(3):
        with memory.share() as one, memory.share() as other:
            one(60)
            other(40)
            with pytest.raises(Refusal):
                other(1)
    with pytest.raises(KeyError), memory.share() as take:
        take(100)
        raise KeyError
    with memory.share() as take:
        take(100)


def test_a_shutdown_finishes_what_was_begun(registry):
    slow = Slow()
    small = io.BytesIO()
    Image.new("RGB", (64, 64)).save(small, "PNG")
    got = []

    def ask(running):
        with running.client() as client:
            body = {"content": small.getvalue(), "headers": PNG}
            got.append(client.post("/matches/byContent", **body).status_code)

    with serving(create_app(registry, [slow])) as running:
        asking = threading.Thread(target=ask, args=(running,))
        asking.start()
        assert slow.reading.acquire(timeout=10)
        threading.Timer(0.5, slow.gate.set).start()
    asking.join(10)
    assert got == [200]
