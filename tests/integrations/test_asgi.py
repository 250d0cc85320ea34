"""`asgi.ProtectImages` before a real uvicorn, inside real frameworks, and driven by hand."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance._inputs import Inputs
from provenance.errors import InputError, ModerationFailed
from provenance.integrations._starts import begins_picture
from provenance.integrations.asgi import Answer, Asked, ProtectImages
from provenance.integrations.bodies import pictures_in
from provenance.moderate.interface import Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.moderate.review import FolderQueue
from tests.integrations.exchanges import (
    MOST,
    PNG,
    RED,
    VIDEO,
    Call,
    Exchanges,
    Looks,
    Site,
    cut,
    quick,
    text,
)


@contextlib.contextmanager
def served(app, lifespan: str = "off") -> Iterator[str]:
    """A real uvicorn in a thread; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan=lifespan, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def as_asgi(site: Site):
    """The site as an ASGI application."""

    async def app(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        fields = {n.decode(): v.decode("latin-1") for n, v in scope["headers"]}
        reply = site(Call(scope["method"], scope["path"], fields, body))
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(n.encode(), v.encode("latin-1")) for n, v in reply.head],
            }
        )
        if scope["method"] != "HEAD":
            for n, piece in enumerate(reply.body):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if n % 100 == 0:
                    await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    return app


@pytest.fixture(scope="module")
def quick_pipeline(config):
    return quick(config)


@pytest.fixture(scope="module")
def quick_verifier(quick_pipeline):
    return quick_pipeline._verifier


@pytest.fixture(scope="module")
def finished(quick_pipeline):
    return quick_pipeline(PNG).data


@pytest.fixture(scope="module")
def site():
    return Site()


@pytest.fixture(scope="module")
def client(site, quick_pipeline):
    app = ProtectImages(as_asgi(site), quick_pipeline, most=MOST, exclude=["/picture/excluded*"])
    with served(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client
    app.close()


@pytest.fixture(scope="module")
def bare():
    """The same site without the middleware."""
    with served(as_asgi(Site())) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


class TestAsgi(Exchanges):
    """All that both middlewares must do."""

    def test_chunked_request(self, client):
        body = json.dumps({"prompt": "a cat", "x": "y" * 100_000}).encode()
        chunks = (body[at : at + 999] for at in range(0, len(body), 999))
        answer = client.post("echo", content=chunks, headers={"content-type": "application/json"})
        assert answer.content == body


# Driven by hand


def drive(app, *, method="GET", path="/", headers=(), body=b"", query=b"", **scope) -> list[dict]:
    """One exchange without a server; what was sent."""
    sent: list[dict] = []

    async def run() -> None:
        requests = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if requests:
                return requests.pop()
            return await asyncio.get_running_loop().create_future()

        async def send(message):
            sent.append(message)

        whole = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": list(headers),
            **scope,
        }
        await app(whole, receive, send)

    asyncio.run(run())
    return sent


def content(sent: list[dict]) -> bytes:
    return b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")


def head(sent: list[dict]) -> dict[str, str]:
    (start,) = (m for m in sent if m["type"] == "http.response.start")
    return {n.decode(): v.decode("latin-1") for n, v in start["headers"]}


def answering(kind: str, pieces: list[bytes], *, status: int = 200, fields=()):
    """An application that answers so."""

    async def app(scope, receive, send):
        headers = [(b"content-type", kind.encode("latin-1"))] if kind else []
        await send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *fields]}
        )
        for n, piece in enumerate(pieces):
            more = n + 1 < len(pieces)
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    return app


class Refuses:
    """In place of a pipeline: no picture may get here, or none may leave."""

    def issued(self, data: bytes) -> bool:
        return False

    def protect(self, pictures, **options):
        raise ModerationFailed("this is a test")

    def check_prompts(self, prompts):
        return ()


KINDS = st.sampled_from(
    [
        "application/json",
        "application/x-ndjson",
        "application/octet-stream",
        "image/svg+xml",
        "multipart/x-mixed-replace; boundary=b",
        "text/css",
        "text/event-stream",
        "text/html; charset=utf-8",
        "text/plain",
        "video/mp4",
        "",
    ]
)
LIKE_TEXT = st.text("data:image/png;base64,\"'()<> \r\n:{}[]=+/iVBORw0KGgo").map(str.encode)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(KINDS, st.lists(st.binary() | LIKE_TEXT, min_size=1))
def test_what_is_no_picture_keeps_every_byte_however_it_is_cut(kind, pieces):
    body = b"".join(pieces)
    if any(begins_picture(line) for line in body.splitlines()):
        return  # a stream is cut at its lines, and a line that begins as a picture is refused
    sent = drive(OPEN(answering(kind, pieces)))
    try:
        found = pictures_in(kind, body)
    except InputError:  # multipart without its boundary
        return
    if found is None:
        assert sent[0]["status"] == 200
        assert content(sent) == body
        assert head(sent).get("content-type", "") == kind


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    KINDS | st.just("image/png"),
    st.sampled_from(["plain", "address", "event", "line", "part", "json"]),
    st.lists(st.integers(0, 8000), max_size=12),
)
def test_no_picture_leaves_however_it_is_cut(kind, form, cuts):
    whole = {
        "plain": PNG,
        "address": f"<img src='data:image/png;base64,{text(PNG)}'>".encode(),
        "event": b"data: {}\n\ndata: " + json.dumps([text(PNG)]).encode() + b"\n\n",
        "line": b"{}\n" + json.dumps([text(PNG)]).encode() + b"\n",
        "part": b"--b\r\nContent-Type: image/png\r\n\r\n" + PNG + b"\r\n--b--\r\n",
        "json": json.dumps({"a": [text(PNG)]}).encode(),
    }[form]
    at = sorted({0, len(whole), *(each for each in cuts if each < len(whole))})
    pieces = [whole[a:b] for a, b in itertools.pairwise(at)]
    try:
        if pictures_in(kind, whole) is None:
            return  # a form that does not belong into this type
    except InputError:
        pass
    with contextlib.suppress(ModerationFailed, InputError):  # broken off
        sent = drive(OPEN(answering(kind, pieces)))
        left = content(sent)
        assert PNG[100:164] not in left
        assert text(PNG)[100:164].encode() not in left


OPEN = functools.partial(ProtectImages, pipeline=Refuses())


@pytest.mark.parametrize("cut", [1, 2, 4, 12, 5000])
@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_json_that_is_called_a_text_is_held_whole(kind, cut):
    body = b"\n " + json.dumps({"a": text(PNG)}).encode()
    sent = drive(ProtectImages(answering(kind, [body[:cut], body[cut:]]), Refuses()))
    assert sent[0]["status"] == 500
    assert text(PNG).encode() not in content(sent)


@pytest.mark.parametrize(
    "words", [b"\n\nHello", b"[link](x) and more", b"{x} of them", b" " * 3000]
)
def test_texts_stream_that_only_look_like_json(words):
    sent = drive(ProtectImages(answering("text/plain", [words, b" more"]), Refuses()))
    assert content(sent) == words + b" more"
    assert len([each for each in sent if each.get("body")]) == 2


def test_gzip_with_an_empty_member_before_a_picture():
    body = gzip.compress(b"") + gzip.compress(PNG)
    fields = [(b"content-encoding", b"gzip")]
    sent = drive(ProtectImages(answering("application/x-any", [body], fields=fields), Refuses()))
    assert sent[0]["status"] == 500


def test_other_traffic_is_left_alone():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    async def nothing(*_):
        return None

    for kind in ("lifespan", "websocket"):
        scope = {"type": kind, "path": "/"}
        asyncio.run(OPEN(app)(scope, nothing, nothing))
        assert seen.pop() == (scope, nothing, nothing)


def test_ways_around_us_are_hidden_from_the_application():
    extensions = {"http.response.pathsend": {}, "http.response.zerocopysend": {}, "x": {}}
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope["extensions"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    assert content(drive(OPEN(app), extensions=extensions)) == b"x"
    assert seen == {"x": {}}


def test_what_the_application_says_of_the_request_is_seen_outside():
    async def app(scope, receive, send):
        scope["route"] = "/cats"
        await answering("text/plain", [b"ok"])(scope, receive, send)

    async def around(scope, receive, send):
        await OPEN(app)(scope, receive, send)
        assert scope["route"] == "/cats"

    assert content(drive(around)) == b"ok"


def test_trailers_go_with_the_bytes_that_they_are_about():
    def app(kind, body):
        async def app(scope, receive, send):
            head = [(b"content-type", kind)]
            start = {"type": "http.response.start", "status": 200, "headers": head}
            await send({**start, "trailers": True})
            await send({"type": "http.response.body", "body": body})
            await send({"type": "http.response.trailers", "headers": [(b"digest", b"x")]})

        return app

    kept = drive(OPEN(app(b"text/css", b"a {}")))
    assert kept[0]["trailers"]
    assert kept[-1]["type"] == "http.response.trailers"
    refused = drive(OPEN(app(b"image/png", PNG)))
    assert "trailers" not in refused[0]
    assert [m["type"] for m in refused] == ["http.response.start", "http.response.body"]


def test_hints_pass():
    async def app(scope, receive, send):
        await send({"type": "http.response.early_hint", "links": [b"x"]})
        await answering("text/css", [b"a {}"])(scope, receive, send)

    assert drive(OPEN(app))[0]["type"] == "http.response.early_hint"


def test_application_that_never_finishes_sends_nothing():
    async def app(scope, receive, send):
        headers = [(b"content-type", b"image/png")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PNG, "more_body": True})

    assert drive(OPEN(app)) == []


def test_application_goes_on_after_its_answer():
    done = []

    async def app(scope, receive, send):
        await answering("image/png", [PNG])(scope, receive, send)
        done.append("background")

    assert drive(OPEN(app))[0]["status"] == 500
    assert done == ["background"]


def test_application_that_is_stopped_is_told_so():
    told = []

    async def app(scope, receive, send):
        await receive()
        headers = [(b"content-type", b"image/png")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while True:
                await send({"type": "http.response.body", "body": PNG, "more_body": True})
        except OSError:
            told.append(await receive())
            raise

    assert drive(OPEN(app, most=MOST))[0]["status"] == 500
    assert told == [{"type": "http.disconnect"}]


def test_hooks(quick_pipeline):
    seen: list[Asked] = []

    def prompts(asked: Asked):
        seen.append(asked)
        return [asked.path.rpartition("/")[2]]

    def teapot(error: Exception) -> Answer:
        return Answer(418, [("X-Why", type(error).__name__)], b"no")

    guarded = ProtectImages(
        answering("image/png", [PNG]),
        quick_pipeline,
        prompts_of=prompts,
        inputs_of=lambda asked: Inputs(references=[PNG]),
        refuse=teapot,
        encoding=".jpg",
    )
    sent = drive(guarded, path="/paint/red")
    assert (sent[0]["status"], content(sent)) == (418, b"no")
    assert head(sent) == {"x-why": "Blocked", "content-length": "2"}
    guarded = ProtectImages(
        answering("image/png", [PNG]),
        quick_pipeline,
        prompts_of=prompts,
        inputs_of=lambda _: Inputs(references=[PNG]),
    )
    sent = drive(guarded, path="/paint/green")
    report = quick_pipeline._verifier.verify(content(sent))
    assert report.verdict.outcome == "verified"
    assert "inputTo" in json.dumps(report.to_dict())
    assert [each.path for each in seen] == ["/paint/red", "/paint/green"]


def test_uploads_are_read_for_hooks_only():
    body = b"--b\r\ncontent-disposition: form-data; name=prompt\r\n\r\nred\r\n--b--\r\n"
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    seen: list[bytes] = []

    def prompts(asked: Asked):
        seen.append(asked.body)
        return ()

    app = answering("text/plain", [b"ok"])
    drive(OPEN(app, prompts_of=prompts), method="POST", headers=headers, body=body)
    assert seen == [body]
    sent = drive(OPEN(app, most=10), method="POST", headers=headers, body=body)
    assert content(sent) == b"ok"


def test_prompts_may_go_unread():
    body = b'{"prompt": "a red cat"}'
    headers = [(b"content-type", b"application/json")]
    guarded = OPEN(answering("text/plain", [b"ok"]), prompts_of=None)
    assert content(drive(guarded, method="POST", headers=headers, body=body)) == b"ok"


def test_held_for_review(config, tmp_path):
    ladder = {Action.REVIEW: 0.5}
    policy = Policy("test", {"nudity": Rule(ladder, {})})
    pipeline = quick(config, moderator=Moderator(policy, (Looks(),)), queue=FolderQueue(tmp_path))
    sent = drive(ProtectImages(answering("image/png", [RED]), pipeline))
    error = json.loads(content(sent))["error"]
    assert (sent[0]["status"], error["code"]) == (400, "held_for_review")
    (ticket,) = FolderQueue(tmp_path).tickets()
    assert ticket in error["message"]


@pytest.mark.parametrize(
    "path", ["/static/x.png", "/static/../paint", "/static//x", "/static/%2e%2e/x", "/other"]
)
def test_paths(path):
    guarded = OPEN(
        answering("image/png", [PNG]), include=["/static/*", "/paint/*"], exclude=["/static/*"]
    )
    left_alone = path in ("/static/x.png", "/other")
    assert (content(drive(guarded, path=path)) == PNG) is left_alone


class Slow(Refuses):
    """Takes its time, as a real pipeline does."""

    def protect(self, pictures, **options):
        time.sleep(0.5)
        raise ModerationFailed("this is a test")


def together(app, count: int) -> tuple[list[int], float]:
    """Statuses of as many requests at once, and the longest that the event loop worked on end.

    In seconds of its thread's own CPU time: other tests may be busy on the same machine.
    """
    longest = 0.0

    async def one() -> int:
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await app(scope, receive, send)
        return sent[0]["status"]

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - begun)

    async def run() -> list[int]:
        watching = asyncio.create_task(watch())
        statuses = await asyncio.gather(*(one() for _ in range(count)))
        watching.cancel()
        return list(statuses)

    return asyncio.run(run()), longest


def test_loop_is_never_held_up_and_what_does_not_fit_is_told_so():
    app = ProtectImages(answering("image/png", [PNG]), Slow(), workers=2, waiting=3, cache=0)
    statuses, longest = together(app, 20)
    assert sorted(set(statuses)) == [500, 503]
    assert statuses.count(500) == 5
    assert longest < 0.05


def test_real_work_does_not_hold_up_the_loop(quick_pipeline):
    body = json.dumps([text(PNG)] + ["x" * 1_000_000] * 4).encode()
    app = ProtectImages(answering("application/json", [body]), quick_pipeline, cache=0)
    statuses, longest = together(app, 8)
    assert statuses == [200] * 8
    assert longest < 0.05


def test_memory_is_bounded():
    app = OPEN(answering("image/png", [PNG]), memory=len(PNG) - 1)
    sent = drive(app)
    assert sent[0]["status"] == 503
    assert head(sent)["retry-after"]
    assert app.memory._free == len(PNG) - 1


def test_client_that_goes_away_while_it_sends():
    async def app(scope, receive, send):
        raise AssertionError("it must not be asked")

    sent = []

    async def run() -> None:
        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        headers = [(b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": headers,
        }
        await OPEN(app)(scope, receive, send)

    asyncio.run(run())
    assert sent == []


def test_client_that_goes_away_while_it_is_answered():
    """The server's OSError reaches the application, which is how it learns of it."""
    told = []

    async def app(scope, receive, send):
        try:
            await answering("video/mp4", cut(VIDEO))(scope, receive, send)
        except OSError as error:
            told.append(str(error))
            raise

    async def run() -> None:
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            raise OSError("the client is gone")

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await OPEN(app)(scope, receive, send)

    with pytest.raises(OSError, match="the client is gone"):
        asyncio.run(run())
    assert told == ["the client is gone"]
