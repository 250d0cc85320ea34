"""`wsgi.ProtectImages` before real WSGI servers, inside Flask, and driven by hand."""

from __future__ import annotations

import contextlib
import io
import socketserver
import threading
import wsgiref.simple_server
import wsgiref.validate
from collections.abc import Iterator

import httpx
import pytest

from provenance.integrations.wsgi import ProtectImages
from tests.integrations.exchanges import MOST, PNG, Call, Exchanges, Site, quick


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
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(server._map)
        thread.join()


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
