"""A real service on a free port of this machine, in a thread of the test's process."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.types import ASGIApp

from provenance.server import run
from provenance.server.loop import runner
from provenance.server.settings import ServiceSettings


class Service:
    """Where it answers, and how long its event loop was ever held up.

    Attributes:
        url: its root.
        address: host and port.
        longest: seconds by which a timer of its event loop was late, at most.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.url = f"http://{address[0]}:{address[1]}"
        self.longest = 0.0

    def client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def raw(self, *parts: bytes, wait: float = 10, answers: int | None = None) -> bytes:
        """Send bytes as they are.

        Returns:
            What comes back until the service ends the connection, or until so many answers (with
            a Content-Length) are complete.
        """
        with socket.create_connection(self.address, timeout=wait) as connection:
            got = b""
            try:
                for part in parts:
                    connection.sendall(part)
                while not (answers and _complete(got) >= answers):
                    if not (piece := connection.recv(65536)):
                        break
                    got += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
            return got

    async def beat(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.perf_counter() - start - 0.002)


def _complete(got: bytes) -> int:
    """Answers that are wholly there."""
    count = 0
    while b"\r\n\r\n" in got:
        head, _, rest = got.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        if len(rest) < length:
            break
        count, got = count + 1, rest[length:]
    return count


@contextmanager
def serving(app: ASGIApp, settings: ServiceSettings | None = None) -> Iterator[Service]:
    """Serve an application while the block runs; it is shut down properly."""
    with run.listen("127.0.0.1", 0) as listener:
        service = Service(listener.getsockname()[:2])
        server = run.server(app, settings)

        async def main() -> None:
            beating = asyncio.create_task(service.beat())
            await server.serve(sockets=[listener])
            beating.cancel()

        def serve() -> None:
            with runner() as running:
                running.run(main())

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive(), "the service ended at its start"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield service
        finally:
            server.should_exit = True
            thread.join(30)
        assert not thread.is_alive()
