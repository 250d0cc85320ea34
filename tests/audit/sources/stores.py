"""Object stores that really run on this machine, and count what is asked of them."""

from __future__ import annotations

import socket
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from provenance.audit.sources.stores import installed

App = Callable[..., Iterable[bytes]]


@dataclass
class Counted:
    """A WSGI application that keeps account.

    Attributes:
        app: what answers.
        asked: method, path and bytes of each answer.
    """

    app: App
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        body = b"".join(self.app(environ, start))
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], len(body)))
        return [body]


@contextmanager
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """moto's server, with an empty bucket `pictures`."""
    pytest.importorskip("s3fs")
    server_ = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = server_.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
    with urllib.request.urlopen(reset):
        pass  # what a server before it kept in this process
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    installed.cache_clear()
    boto3.client("s3").create_bucket(Bucket="pictures")
    counted = server._server.app = Counted(server._server.app)
    try:
        yield counted
    finally:
        server.stop()
        installed.cache_clear()


@contextmanager
def google(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> Iterator[None]:
    """An emulator of Google's store, with files in a bucket `pictures`."""
    pytest.importorskip("gcsfs")
    server_ = pytest.importorskip("gcp_storage_emulator.server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    installed.cache_clear()
    server = server_.create_server("127.0.0.1", port, in_memory=True, default_bucket="pictures")
    server.start()
    try:
        for name, data in files.items():
            where = f"http://127.0.0.1:{port}/upload/storage/v1/b/pictures/o"
            ask = urllib.request.Request(
                f"{where}?uploadType=media&name={urllib.parse.quote(name, safe='')}",
                data=data,
                headers={"Content-Type": "application/octet-stream"},
            )
            with urllib.request.urlopen(ask):
                pass
        yield
    finally:
        server.stop()
        installed.cache_clear()
