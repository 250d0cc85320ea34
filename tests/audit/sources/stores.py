"""Object stores that really run on this machine, and count what is asked of them."""

from __future__ import annotations

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
