"""Clients that lie, flood, stall or leave. The service gives a short answer, and goes on."""

import asyncio
import base64
import socket
import time

import httpx
import pytest

from provenance.codec.limits import Limits
from provenance.server.app import create_app
from provenance.server.limits import ServiceLimits
from provenance.server.protocol import ImpatientProtocol
from provenance.watermark.tile import ALGORITHM as WATERMARK
from tests.server.answers import refused
from tests.server.service import serving

GOOD = base64.b64encode(bytes(8)).decode()
BINDING = {"alg": WATERMARK, "value": GOOD}


def test_long_queries_and_heads(client, service):
    answer = client.get("/v1/matches/byBinding", params=BINDING | {"value": "A" * 5000})
    assert "POST" in refused(answer, 414, "query-too-long")
    huge = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 300_000 + b"\r\n\r\n"
    many = b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 50_000 + b"\r\n"
    for head in (huge, many, b"\x16\x03\x01\x02\0\x01\0", b"GET\r\n\r\n", b"\0" * 100):
        assert service.raw(head).split(b"\r\n")[0] in (
            b"HTTP/1.1 400 Bad Request",
            b"HTTP/1.1 400 ",
        )
    assert client.get("/healthz").status_code == 200


def post(*lines: str) -> bytes:
    head = ("POST /v1/matches/byContent HTTP/1.1", "Host: a", "Content-Type: image/png", *lines)
    return "\r\n".join((*head, "", "")).encode()


def test_a_body_that_announces_too_much_is_not_read(service):
    """Only the head is ever sent; waiting for the rest would take for ever."""
    start = time.monotonic()
    answer = service.raw(post(f"Content-Length: {10**12}"), answers=1)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - start < 5


def test_lengths_that_lie(service):
    assert service.raw(post("Content-Length: -1")).startswith(b"HTTP/1.1 400 ")
    assert service.raw(post("Content-Length: 1", "Content-Length: 2")).startswith(b"HTTP/1.1 400 ")
    assert service.raw(post("Transfer-Encoding: chunked"), b"zz\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.fixture(scope="module")
def strict(issuer, registry):
    """A service with small limits."""
    limits = ServiceLimits(
        pictures=Limits(max_bytes=100_000), memory=150_000, body_seconds=1.0, readers=1
    )
    with serving(create_app(registry, issuer.watermarkers(), limits)) as running:
        yield running


def test_chunks_without_length_are_counted(strict):
    with strict.client() as client:

        def pieces(count):
            yield from [bytes(10_000)] * count

        ask = "/matches/byContent"
        answer = client.post(ask, content=pieces(9), headers={"Content-Type": "image/png"})
        refused(answer, 400, "unreadable-picture")
    chunk = b"2710\r\n" + bytes(10_000) + b"\r\n"
    answer = strict.raw(post("Transfer-Encoding: chunked"), chunk * 11, answers=1)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_slow_bodies_end(strict):
    start = time.monotonic()
    answer = strict.raw(post("Content-Length: 1000"), b"x", answers=1)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"too-slow" in answer
    assert time.monotonic() - start < 5


def test_bodies_share_a_memory(strict):
    """Two that stay within their own limit do not fit together; afterwards there is room again."""
    with socket.create_connection(strict.address, timeout=5) as first:
        first.sendall(post("Content-Length: 99000") + bytes(90_000))
        time.sleep(0.3)
        second = strict.raw(post("Content-Length: 90000", "Connection: close"), bytes(90_000))
        assert second.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after" in second
    time.sleep(0.3)
    third = strict.raw(post("Content-Length: 90000", "Connection: close"), bytes(90_000))
    assert third.startswith(b"HTTP/1.1 400 ")


def test_clients_that_leave_are_forgotten(strict):
    for _ in range(5):
        with socket.create_connection(strict.address, timeout=5) as gone:
            gone.sendall(post("Content-Length: 90000") + bytes(60_000))
        time.sleep(0.1)
    answer = strict.raw(post("Content-Length: 90000", "Connection: close"), bytes(90_000))
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_the_rest_of_a_refused_body_is_not_received_for_ever(strict, monkeypatch):
    monkeypatch.setattr(ImpatientProtocol, "patience", 0.5)
    chunk = b"2710\r\n" + bytes(10_000) + b"\r\n"
    with socket.create_connection(strict.address, timeout=5) as flood:
        flood.sendall(post("Transfer-Encoding: chunked"))
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - start < 5:
                flood.sendall(chunk)
                time.sleep(0.01)
    assert time.monotonic() - start < 4


def test_slow_heads_end(service, monkeypatch):
    monkeypatch.setattr(ImpatientProtocol, "patience", 0.5)
    start = time.monotonic()
    assert service.raw() == b""
    assert service.raw(b"GET /healthz HTTP/1.1\r\nHost: ") == b""
    again = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(service.address, timeout=5) as connection:
        connection.sendall(again)
        got = b""
        while b'"ok"}' not in got:
            got += connection.recv(65536)
        connection.sendall(again[:10])
        assert connection.recv(65536) == b""
    assert time.monotonic() - start < 5
    assert (
        service.raw(again + again.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).count(
            b"HTTP/1.1 200 "
        )
        == 2
    )


def test_two_hundred_at_once(service, assets):
    value = base64.b64encode(bytes.fromhex(assets[0].watermark_id)).decode()
    query = {"alg": WATERMARK, "value": value}

    async def ask(client):
        return await client.get("/v1/matches/byBinding", params=query)

    async def flood():
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(
            base_url=service.url, timeout=30, limits=limits, trust_env=False
        ) as client:
            return await asyncio.gather(*(ask(client) for _ in range(200)))

    answers = asyncio.run(flood())
    assert {a.status_code for a in answers} == {200}
    assert {a.json()["matches"][0]["manifestId"] for a in answers} == {assets[0].manifest_id}
