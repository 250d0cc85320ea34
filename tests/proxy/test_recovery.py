"""The proxy, or what it leans on, is killed, full, locked or away; and comes back.

What clients have received, however little of it, holds nothing of an unmarked picture; what they
have received whole is in the registry or waits for it; and the log holds.
"""

import base64
import contextlib
import json
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from provenance import Config, Pipeline, home
from provenance.proxy.app import create_proxy
from provenance.proxy.limits import ProxyLimits
from provenance.registry.log import Log
from provenance.registry.recorder import Recorder
from provenance.registry.store import SqlRegistry
from tests.proxy.backends import Backend
from tests.proxy.conftest import Words, build, png, staged
from tests.server.service import serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")

COMMAND = "import typer; from provenance_cli.proxy import proxy; typer.run(proxy)"
GENERATE = "/v1/images/generations"
WISH = {"prompt": "a hill"}
SIDE = 384

UPSTREAM = """
import sys
from provenance.server import run
from tests.proxy.backends import Backend
from tests.proxy.conftest import png
from tests.proxy.test_recovery import half
backend = Backend(png(side=384))
backend.answers["/half"] = half
with run.listen("127.0.0.1", int(sys.argv[1])) as listener:
    print(listener.getsockname()[1], flush=True)
    run.run(backend.app(), listener)
"""


async def half(request, body):
    """Half a picture, and then nothing for a long time."""
    import asyncio

    from starlette.responses import StreamingResponse

    data = png(side=SIDE)

    async def pieces():
        yield data[: len(data) // 2]
        await asyncio.sleep(60)
        yield data[len(data) // 2 :]

    return StreamingResponse(pieces(), media_type="image/png")


@pytest.fixture
def own(tmp_path) -> Config:
    """A configuration of the test's own, with registry and log."""
    return Config.load(home.create(tmp_path / "home", name="test-generator").config)


@dataclass
class Proxy:
    """`provenance proxy` as a process."""

    process: subprocess.Popen
    url: str

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **options)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(config: Config, upstream: str, monkeypatch, **settings: str) -> Iterator[Proxy]:
    """The command, with settings from the environment."""
    monkeypatch.setenv("PROVENANCE_SERVICE_LOG", "off")  # nobody reads it
    for name, value in settings.items():
        monkeypatch.setenv(f"PROVENANCE_{name.upper()}", value)
    command = [sys.executable, "-c", COMMAND, "--port", "0", "--upstream", upstream]
    process = subprocess.Popen(
        [*command, "--config", str(config.path)], stderr=subprocess.PIPE, text=True
    )
    try:
        said = process.stderr.readline()
        yield Proxy(process, re.search(r"http://127\.0\.0\.1:\d+", said)[0])
    finally:
        process.kill()
        process.communicate()


@contextmanager
def upstream_process(port: int = 0) -> Iterator[tuple[subprocess.Popen, int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", UPSTREAM, str(port)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def picture_in(answer: httpx.Response) -> bytes:
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


def fragments(data: bytes) -> set[bytes]:
    """Pieces of the compressed pixels, as they are and in base64."""
    text = base64.b64encode(data)
    return {data[at : at + 48] for at in range(512, len(data) - 48, 4096)} | {
        text[at : at + 64] for at in range(1024, len(text) - 64, 4096)
    }


def leaked(received: bytes, original: bytes) -> bool:
    return any(piece in received for piece in fragments(original))


def recorded(config: Config) -> set[str]:
    """Manifests in the registry and among what waits for it; the log holds."""
    log = config.log()
    assert log.verify().holds
    registry = config.registry()
    with closing(registry):
        if config.registry_queue is not None:
            registry.hand_over()
            assert registry.waiting() == 0
        found = {record.manifest_id for record in registry.iterate()}
    logged = {e.event.manifest_id for e in log.export() if hasattr(e.event, "manifest_id")}
    assert logged <= found
    return logged


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def test_fragments_tell_an_original_from_its_asset(own):
    """Else the tests below would prove nothing."""
    original = png(side=SIDE)
    asset = Pipeline.from_config(own)(original)
    assert leaked(b"x" + original[: len(original) // 2], original)
    assert leaked(base64.b64encode(original), original)
    assert not leaked(asset.data, original)
    assert not leaked(base64.b64encode(asset.data), original)


class TestUpstream:
    """It dies, and comes back."""

    def test_killed_in_the_middle_of_a_picture(self, own):
        got: list[httpx.Response] = []
        pipeline = Pipeline.from_config(own)
        with upstream_process() as (upstream, port):
            app = create_proxy(pipeline, f"http://127.0.0.1:{port}")
            with serving(app) as proxy, proxy.client() as client:
                asking = threading.Thread(target=lambda: got.append(client.get("/half")))
                asking.start()
                time.sleep(0.7)
                upstream.kill()
                upstream.wait()
                asking.join(20)
                refused(got[0], 502, "upstream_unavailable")
                refused(client.post(GENERATE, json=WISH), 502, "upstream_unavailable")
                assert client.get("/healthz").status_code == 200
                assert client.get("/readyz").status_code == 503
                with upstream_process(port):
                    answer = client.post(GENERATE, json=WISH)
                    assert pipeline.issued(picture_in(answer))
                    time.sleep(2.1)  # readiness is remembered for two seconds
                    assert client.get("/readyz").status_code == 200
        assert recorded(own) == {answer.headers["provenance-manifest"]}

    @pytest.mark.parametrize("ending", ["reset", "close"])
    @pytest.mark.parametrize("announced", [True, False])
    @pytest.mark.parametrize(
        "kind",
        [
            "image/png",
            "application/octet-stream",
            "text/plain",
            "application/json",
            "text/event-stream",
            "multipart/mixed",
        ],
    )
    def test_cut_off_in_the_middle(self, stage, kind, announced, ending):
        """Also where HTTP does not tell: a body without a length just ends."""
        original = png(side=256)
        text = base64.b64encode(original).decode()
        data = {
            "application/json": json.dumps({"data": [{"b64_json": text}]}).encode(),
            "text/event-stream": f"data: {text}\n\n".encode(),
            "multipart/mixed": b"--b\r\nContent-Type: image/png\r\n\r\n" + original,
        }.get(kind, original)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}; boundary=b\r\nConnection: close\r\n"
        if announced:
            head += f"Content-Length: {len(data)}\r\n"
        said = f"{head}\r\n".encode()
        with (
            cutting(said + data[: len(data) * 2 // 3], ending) as url,
            serving(create_proxy(stage.pipeline, url)) as proxy,
        ):
            ask = f"POST {GENERATE} HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n"
            received = proxy.raw(f"{ask}Connection: close\r\n\r\n".encode() + b'{"prompt": "abc"}')
        assert received.startswith(b"HTTP/1.1 ")
        assert not leaked(received, original)
        assert stage.kept.ids == []


@contextmanager
def cutting(said: bytes, ending: str) -> Iterator[str]:
    """A server that says something to whoever asks, and goes away."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(said)
                    time.sleep(0.1)
                    if ending == "reset":
                        linger = b"\1\0\0\0\0\0\0\0"
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


class TestClients:
    def test_a_crowd_that_leaves_takes_no_room_with_it(self, config):
        import asyncio

        from starlette.responses import Response

        async def late(request, body):
            await asyncio.sleep(3)
            return Response(png(), media_type="image/png")

        limits = ProxyLimits(requests=4, workers=1, memory=1_000_000)
        with staged(config, limits=limits) as stage, stage.client() as client:
            stage.backend.answers["/late"] = late
            for _ in range(8):
                left = [socket.create_connection(stage.proxy.address) for _ in range(4)]
                for each in left:
                    each.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
                time.sleep(0.1)
                for each in left:
                    each.close()
                time.sleep(0.1)
            answer = client.post(GENERATE, json=WISH)
            assert stage.ours(picture_in(answer))
            assert stage.kept.ids == [answer.headers["provenance-manifest"]]


class TestRegistry:
    """It cannot be used for a while."""

    def test_locked_and_let_go(self, own):
        registry = SqlRegistry(own.registry_url, patience=0.2)
        log = Log(own.log_path)
        pipeline = build(own, Words(), Recorder(registry, log))
        with (
            closing(registry),
            staged(own, pipeline=pipeline) as stage,
            stage.client() as client,
            closing(sqlite3.connect(own.registry_url, isolation_level=None)) as other,
        ):
            first = client.post(GENERATE, json=WISH)
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                answer = client.post(GENERATE, json=WISH)
                refused(answer, 503, "registry_unavailable")
                assert not leaked(answer.content, stage.backend.picture)
            assert client.get("/v1/models").status_code == 200
            other.execute("ROLLBACK")
            last = client.post(GENERATE, json=WISH)
            assert stage.ours(picture_in(last))
        assert recorded(own) == {a.headers["provenance-manifest"] for a in (first, last)}

    def test_records_wait_for_it(self, own, monkeypatch):
        """Where that is configured, pictures go on leaving; their records arrive later."""
        away = own.path.parent / "away.db"
        away.mkdir()  # SQLite cannot open a folder
        settings = {"registry_when_down": "queue", "registry_url": str(away)}
        issued = []
        with serving(Backend(png(side=SIDE)).app()) as upstream:
            with running(own, upstream.url, monkeypatch, **settings) as proxy:
                with proxy.client() as client:
                    assert client.get("/readyz").status_code == 200
                    for _ in range(3):
                        answer = client.post(GENERATE, json=WISH)
                        issued.append(answer.headers["provenance-manifest"])
                proxy.kill()
            away.rmdir()
            assert set(issued) == recorded(Config.load(own.path))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
def test_a_disk_that_fills_up_and_empties(own, tmp_path, monkeypatch):
    """No file may outgrow a limit: first the store of results cannot write, then nothing can."""
    import resource

    def limit(size: int) -> None:
        hard = resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    original = png(side=SIDE)
    backend = Backend(original)
    named = {**WISH, "response_format": "url"}
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    handed = []
    with serving(backend.app()) as upstream:
        backend.url = upstream.url
        with running(own, upstream.url, monkeypatch) as proxy, proxy.client() as client:
            for wish in (WISH, named):
                handed.append(client.post(GENERATE, json=wish))
            (store,) = tmp_path.glob("provenance-results-*")
            limit(len(picture_in(handed[0])) - 1000)
            refused(client.post(GENERATE, json=named), 500, "protection_failed")
            assert len(list(store.iterdir())) == 1
            handed.append(client.post(GENERATE, json=WISH))
            limit(1000)
            for wish in (WISH, named, WISH):
                answer = client.post(GENERATE, json=wish)
                refused(answer, 503, "registry_unavailable")
                assert not leaked(answer.content, original)
            assert len(list(store.iterdir())) == 1
            limit(resource.RLIM_INFINITY)
            for wish in (WISH, named):
                handed.append(client.post(GENERATE, json=wish))
            served = client.get(handed[-1].json()["data"][0]["url"])
            assert Pipeline.from_config(own).issued(served.content)
    assert [answer.status_code for answer in handed] == [200] * 5
    assert {answer.headers["provenance-manifest"] for answer in handed} <= recorded(own)


@dataclass
class Received:
    """What clients got, byte by byte.

    Attributes:
        whole: pictures that arrived completely.
        manifests: that came with them.
        raw: everything, complete or not.
    """

    whole: list[bytes] = field(default_factory=list)
    manifests: set[str] = field(default_factory=set)
    raw: list[bytes] = field(default_factory=list)

    def ask_until_it_dies(self, url: str) -> None:
        """One connection, one request after the other."""
        address = httpx.URL(url)
        head = b"POST /picture HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        got = b""
        with (
            contextlib.suppress(OSError),
            socket.create_connection((address.host, address.port), timeout=60) as connection,
        ):
            while True:
                connection.sendall(head)
                got = b""
                while not self._take(got):
                    piece = connection.recv(8192)
                    if not piece:
                        raise OSError
                    got += piece
        self.raw.append(got)

    def _take(self, got: bytes) -> bool:
        head, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if length is None or len(body) < int(length[1]):
            return False
        assert b" 200 " in head.split(b"\r\n")[0], head
        self.whole.append(body)
        self.manifests.add(re.search(rb"(?i)provenance-manifest: *(\S+)", head)[1].decode())
        self.raw.append(got)
        return True


@pytest.mark.slow
@pytest.mark.parametrize("when_down", ["refuse", "queue"])
def test_killed_again_and_again(own, monkeypatch, when_down):
    """SIGKILL at random moments, with four clients at it; with and without a database."""
    original = png(side=SIDE)
    received, rng = Received(), random.Random(when_down)
    settings = {"registry_when_down": when_down}
    away = own.path.parent / "away.db"
    if when_down == "queue":
        away.mkdir()
        settings["registry_url"] = str(away)
    with serving(Backend(original).app()) as upstream:
        for _ in range(3):
            with running(own, upstream.url, monkeypatch, **settings) as proxy:
                clients = [
                    threading.Thread(target=received.ask_until_it_dies, args=(proxy.url,))
                    for _ in range(4)
                ]
                for each in clients:
                    each.start()
                before, deadline = len(received.whole), time.monotonic() + 60
                while len(received.whole) == before and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0.0, 0.4))
                proxy.kill()
                for each in clients:
                    each.join(60)
                assert not any(each.is_alive() for each in clients)
    if when_down == "queue":
        away.rmdir()
    assert len(received.whole) >= 3
    assert not any(leaked(each, original) for each in received.raw)
    config = Config.load(own.path)
    pipeline = Pipeline.from_config(config)
    assert all(pipeline.issued(each) for each in received.whole)
    kept = recorded(config)
    assert received.manifests <= kept
    # Nothing beside what was handed out, but for what died between the disk and the answer.
    assert len(kept) <= len(received.whole) + 3 * 4
