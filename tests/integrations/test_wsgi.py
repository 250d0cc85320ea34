"""`wsgi.ProtectImages` before real WSGI servers, inside Flask, and driven by hand."""

from __future__ import annotations

import contextlib
import gc
import io
import socketserver
import sys
import threading
import warnings
import wsgiref.simple_server
import wsgiref.util
import wsgiref.validate
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.integrations._starts import begins_picture
from provenance.integrations.bodies import pictures_in
from provenance.integrations.wsgi import ProtectImages
from tests.integrations.exchanges import MOST, PNG, RED, VIDEO, Call, Exchanges, Site, cut, quick


class _Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass

    def get_stderr(self) -> io.StringIO:
        return io.StringIO()


class _Threads(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True

    def handle_error(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def by_wsgiref(app) -> Iterator[str]:
    """The standard library's server in a thread; gives its address."""
    with wsgiref.simple_server.make_server("127.0.0.1", 0, app, _Threads, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def by_waitress(app) -> Iterator[str]:
    """waitress in a thread."""
    waitress = pytest.importorskip("waitress")
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)

    def run() -> None:
        with contextlib.suppress(OSError):  # its socket is closed under it, which is how it ends
            server.run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(server._map)
        thread.join()
        with warnings.catch_warnings():  # waitress leaves files of broken-off answers to the gc
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


SERVERS = {"wsgiref": by_wsgiref, "waitress": by_waitress}


def as_wsgi(site: Site):
    """The site as a WSGI application."""

    def app(environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        fields = {
            n[5:].replace("_", "-").lower(): v for n, v in environ.items() if n[:5] == "HTTP_"
        }
        reply = site(Call(environ["REQUEST_METHOD"], environ["PATH_INFO"], fields, body))
        start_response(f"{reply.status} Whatever", reply.head)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else iter(reply.body)

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


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request):
    return SERVERS[request.param]


@pytest.fixture(scope="module")
def client(server, site, quick_pipeline):
    app = ProtectImages(as_wsgi(site), quick_pipeline, most=MOST, exclude=["/picture/excluded*"])
    with server(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def bare(server):
    """The same site without the middleware."""
    with server(as_wsgi(Site())) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


class TestWsgi(Exchanges):
    """All that both middlewares must do."""


# Driven by hand


def drive(app, **environ: object) -> tuple[str, dict[str, str], bytes]:
    """One exchange, watched by the standard library's validator on both sides."""
    seen: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []
    empty = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": ""}
    given = {**empty, **environ}
    wsgiref.util.setup_testing_defaults(given)

    def start_response(status, headers, exc_info=None):
        seen.append((status, headers))
        return written.append

    answer = app(given, start_response)
    try:
        body = b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    status, headers = seen[-1]
    return status, {name.lower(): value for name, value in headers}, b"".join(written) + body


class Body:
    """An answer that knows whether it was closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = iter(pieces)
        self.closed = 0

    def __iter__(self):
        return self.pieces

    def close(self) -> None:
        self.closed += 1


def answering(kind: str, body) -> object:
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", kind)])
        return body

    return app


@pytest.mark.parametrize("kind", ["image/png", "video/mp4", "text/html", "application/json"])
def test_both_sides_keep_to_the_standard(quick_pipeline, kind):
    body = PNG if kind == "image/png" else b'{"a": 1}'
    inner = wsgiref.validate.validator(answering(kind, [body[:5], body[5:]]))
    outer = wsgiref.validate.validator(ProtectImages(inner, quick_pipeline))
    status, _, content = drive(outer)
    assert status == "200 OK"
    assert (content == body) is (kind != "image/png")


@pytest.mark.parametrize(
    ("kind", "pieces", "status"),
    [
        ("image/png", [PNG], "200 OK"),
        ("image/png", [RED], "400 Bad Request"),
        ("image/png", [b"x" * 100] * 2 * (MOST // 100), "500 Internal Server Error"),
        ("video/mp4", [VIDEO, VIDEO], "200 OK"),
    ],
)
def test_answer_of_the_application_is_closed_once(quick_pipeline, kind, pieces, status):
    body = Body(pieces)
    got, _, _ = drive(ProtectImages(answering(kind, body), quick_pipeline, most=MOST))
    assert (got, body.closed) == (status, 1)


def test_client_that_goes_away_closes_the_answer(quick_pipeline):
    body = Body([VIDEO] * 100)
    app = ProtectImages(answering("video/mp4", body), quick_pipeline)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    wsgiref.util.setup_testing_defaults(environ)
    answer = app(environ, lambda *_: None)
    assert next(iter(answer)) == VIDEO
    answer.close()
    assert body.closed == 1


def test_range_of_something_else_closes_both_answers(quick_pipeline):
    bodies = []

    def app(environ, start_response):
        ranged = "HTTP_RANGE" in environ
        bodies.append(Body([VIDEO[5:10]] if ranged else cut(VIDEO)))
        start_response(
            "206 Partial Content" if ranged else "200 OK", [("Content-Type", "video/mp4")]
        )
        return bodies[-1]

    status, _, content = drive(ProtectImages(app, quick_pipeline), HTTP_RANGE="bytes=5-9")
    assert (status, content) == ("206 Partial Content", VIDEO[5:10])
    assert [body.closed for body in bodies] == [1, 1]
    assert next(bodies[0].pieces, None) is not None  # it was not read to its end


@pytest.mark.parametrize("data", [PNG, VIDEO, RED])
def test_write(quick_pipeline, quick_verifier, data):
    def app(environ, start_response):
        kind = "video/mp4" if data is VIDEO else "image/png"
        write = start_response("200 OK", [("Content-Type", kind)])
        for piece in cut(data):
            write(piece)
        return [b"the end"] if data is VIDEO else []

    status, _, content = drive(ProtectImages(app, quick_pipeline))
    if data is VIDEO:
        assert content == VIDEO + b"the end"
    elif data is PNG:
        assert quick_verifier.verify(content).verdict.outcome == "verified"
    else:
        assert status == "400 Bad Request"


def test_write_of_too_much_is_stopped(quick_pipeline):
    count = 0

    def app(environ, start_response):
        nonlocal count
        write = start_response("200 OK", [("Content-Type", "image/png")])
        while True:
            count += 1
            write(PNG)

    status, _, _ = drive(ProtectImages(app, quick_pipeline, most=MOST))
    assert status == "500 Internal Server Error"
    assert count < 2 + MOST // len(PNG)


def test_error_that_comes_in_time_replaces_the_head(quick_pipeline):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "image/png")])
        try:
            int("no picture")
        except ValueError:
            start_response("404 Not Found", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"there is no such picture"

    status, fields, content = drive(ProtectImages(app, quick_pipeline))
    assert status == "404 Not Found"
    assert fields["content-type"] == "text/plain"
    assert content == b"there is no such picture"


def test_error_that_comes_too_late_is_raised(quick_pipeline):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "video/mp4")])
        yield VIDEO
        try:
            int("the disk is gone")
        except ValueError:
            start_response("500 Oops", [], sys.exc_info())

    with pytest.raises(ValueError, match="the disk is gone"):
        drive(ProtectImages(app, quick_pipeline))


def test_misuse_is_told(quick_pipeline):
    def twice(environ, start_response):
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    for app, why in (
        (twice, "twice"),
        (lambda environ, start_response: [b"x"], "before it called"),
    ):
        with pytest.raises(RuntimeError, match=why):
            drive(ProtectImages(app, quick_pipeline))


def test_way_around_us_is_hidden_from_the_application(quick_pipeline):
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    drive(ProtectImages(app, quick_pipeline), **{"wsgi.file_wrapper": wsgiref.util.FileWrapper})
    assert "wsgi.file_wrapper" not in seen


ENDED = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": "x"}, "400 Bad Request"),
        ({"CONTENT_LENGTH": str(MOST + 1)}, "413 "),
        ({**ENDED, "wsgi.input": b" " * 2 * MOST}, "413 "),
        ({"CONTENT_LENGTH": "5", "wsgi.input": b"{}"}, "200 OK"),  # shorter than it said
        ({"CONTENT_LENGTH": "", "wsgi.input": b"{}"}, "200 OK"),  # nobody could tell where it ends
        ({**ENDED, "wsgi.input": b'{"prompt": "red"}'}, "400 Bad Request"),
    ],
)
def test_bodies_of_requests(quick_pipeline, environ, status):
    environ = {**environ, "wsgi.input": io.BytesIO(environ.get("wsgi.input", b""))}
    app = ProtectImages(answering("text/plain", [b"ok"]), quick_pipeline, most=MOST)
    got, _, _ = drive(app, REQUEST_METHOD="POST", CONTENT_TYPE="application/json", **environ)
    assert got.startswith(status)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["application/json", "text/html", "text/event-stream", "text/css", "video/mp4"]
    ),
    st.lists(st.binary() | st.text("data:image/png;base64,\"'() \r\n{}").map(str.encode)),
)
def test_what_is_no_picture_keeps_every_byte_however_it_is_cut(quick_pipeline, kind, pieces):
    body = b"".join(pieces)
    if any(begins_picture(line) for line in body.splitlines()):
        return  # a stream is cut at its lines, and a line that begins as a picture is refused
    if pictures_in(kind, body) is None:
        _, fields, content = drive(ProtectImages(answering(kind, pieces), quick_pipeline))
        assert content == body
        assert fields["content-type"] == kind
