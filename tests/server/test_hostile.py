"""Clients that lie, flood, stall or probe. They get a short answer in JSON, or none."""

import asyncio
import base64
import io
import json
import socket
import time

import httpx
import pytest
from PIL import Image

from provenance.codec.limits import Limits
from provenance.registry.store import SqlRegistry
from provenance.server.app import create_app
from provenance.server.limits import ServiceLimits
from provenance.server.protocol import ImpatientProtocol
from provenance.testing import FakeWatermarker
from provenance.watermark.tile import ALGORITHM as WATERMARK
from tests.server.conftest import jpeg, opened
from tests.server.service import serving

GOOD = base64.b64encode(bytes(8)).decode()
BINDING = {"alg": WATERMARK, "value": GOOD}
JPEG = {"Content-Type": "image/jpeg"}


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The message, after everything that every error must have was looked at."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    (said,) = answer.json().values()
    assert said["code"] == code
    assert "Traceback" not in answer.text
    assert '.py"' not in answer.text
    guarded(answer)
    return said["message"]


def guarded(answer: httpx.Response) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"alg": WATERMARK},
        {"value": GOOD},
        {"alg": "", "value": GOOD},
        {"alg": "com.example.other.1", "value": GOOD},
        {"alg": WATERMARK, "value": "%%%%"},
        {"alg": WATERMARK, "value": "A"},
        {"alg": WATERMARK, "value": "AAAA"},
        {"alg": WATERMARK, "value": "ÄÖÜ="},
        {"alg": WATERMARK, "value": "\0\0\0\0"},
        {"alg": WATERMARK, "value": "A" * 2049},
        {"alg": "org.provenance-kit.fingerprint.1", "value": GOOD},
        {"alg": [WATERMARK, WATERMARK], "value": GOOD},
        BINDING | {"maxResults": "0"},
        BINDING | {"maxResults": "-1"},
        BINDING | {"maxResults": "1.5"},
        BINDING | {"maxResults": "١"},
        BINDING | {"maxResults": ""},
        BINDING | {"maxResults": "1_0"},
    ],
)
def test_bad_queries(client, query):
    refused(client.get("/v1/matches/byBinding", params=query), 400, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"alg": 1, "value": 2}',
        b'{"alg": "x"}',
        b"\xff\xfe{}",
        b"[" * 60_000,
        json.dumps(BINDING | {"alg": "\ud800"}).encode(),
        json.dumps(BINDING | {"value": ""}).encode(),
    ],
)
def test_bad_json(client, body):
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/matches/byBinding", content=body, headers=headers)
    refused(answer, 400, "invalid-request")


def test_json_of_another_kind_or_size(client):
    ask = "/v1/matches/byBinding"
    refused(client.post(ask, data=BINDING), 415, "unsupported-media-type")
    refused(client.post(ask, json={"alg": "a" * 70_000}), 413, "too-large")


@pytest.mark.parametrize(
    "path",
    [
        "/manifests/",
        "/manifests/..%2f..%2f..%2fetc%2fpasswd",
        "/manifests/%2e%2e/%2e%2e/etc/passwd",
        "/manifests//etc/passwd",
        "/manifests/urn:c2pa:%00",
        "/manifests/urn:c2pa:" + "a" * 300,
        "/manifests/urn:c2pa:a%20b",
        "/manifests/urn:c2pa:a?returnActiveManifest=maybe",
        "/manifests/'or'1'='1",
    ],
)
def test_bad_manifest_ids(service, path):
    head, _, body = service.raw(
        f"GET /v1{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    ).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), head
    assert json.loads(body)["error"]["code"] == "invalid-request"
    assert b"Set-Cookie" not in head
    assert b"root:" not in body


@pytest.mark.parametrize(
    "name", ["a", "../../etc/passwd", "..%2f..", "'or'1'='1", "%25s", "a%0d%0aSet-Cookie:%20x=1"]
)
def test_unknown_manifests(service, name):
    head, _, _ = service.raw(
        f"GET /manifests/urn:c2pa:{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    ).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"set-cookie" not in head.lower()


def test_unknown_paths_and_methods(client):
    for path in ("/", "/v1", "/v1/", "/v2/matches/byBinding", "/healthz/", "/docs", "/.env"):
        refused(client.get(path), 404, "not-found")
    answer = client.delete("/v1/matches/byBinding")
    refused(answer, 405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    refused(client.put("/manifests/urn:c2pa:a"), 405, "method-not-allowed")
    refused(client.request("BREW", "/matches/byContent"), 405, "method-not-allowed")


@pytest.mark.parametrize("kind", ["text/html", "video/mp4", "application/json", "", "image"])
def test_other_kinds_of_content_are_not_read(client, kind):
    answer = client.post("/matches/byContent", content=b"x", headers={"Content-Type": kind})
    refused(answer, 415, "unsupported-media-type")


def test_content_that_is_no_picture(client, assets):
    ask, image = "/v1/matches/byContent", {"Content-Type": "image/png"}
    refused(client.post(ask, content=b"", headers=image), 400, "unreadable-picture")
    refused(client.post(ask, content=b"GIF89a", headers=image), 400, "unreadable-picture")
    refused(client.post(ask, content=b"<script>", headers=image), 400, "unreadable-picture")
    refused(client.post(ask, content=b"%PDF-1.7 ", headers=image), 415, "unsupported-media-type")
    data = assets[0].data
    for end in (20, 1000, len(data) // 2, len(data) - 200):
        refused(client.post(ask, content=data[:end], headers=image), 400, "unreadable-picture")
    scan = jpeg(opened(assets[0]))
    refused(client.post(ask, content=scan[:600], headers=JPEG), 400, "unreadable-picture")


def test_half_a_hint_and_foreign_algorithms(client):
    ask = "/v1/matches/byContent"
    for query in ({"hintAlg": WATERMARK}, {"hintValue": GOOD}, {"alg": "other"}):
        answer = client.post(
            ask, params=query, content=jpeg(Image.new("RGB", (9, 9))), headers=JPEG
        )
        refused(answer, 400, "invalid-request")


def test_too_many_pixels(client):
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    answer = client.post(
        "/matches/byContent", content=buffer.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert "pixels" in refused(answer, 413, "too-large")


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


def test_a_registry_that_is_away(tmp_path, issuer, caplog):
    """503, without a word of where it is; the operator's log has the sentence."""
    place = tmp_path / "secret-place.db"
    place.write_bytes(b"no database at all" * 100)
    query = {"alg": FakeWatermarker.algorithm, "value": GOOD}
    asked = (("/readyz", {}), ("/manifests/urn:c2pa:a", {}), ("/matches/byBinding", query))
    app = create_app(SqlRegistry(place), [FakeWatermarker()])
    with serving(app) as running, running.client() as client:
        for path, params in asked:
            answer = client.get(path, params=params)
            message = refused(answer, 503, "registry-unavailable")
            assert "secret" not in message
            assert answer.headers["retry-after"] == "2"
        assert client.get("/healthz").status_code == 200
    assert "secret-place" in caplog.text


class Broken:
    """A registry with a bug."""

    def by_manifest(self, manifest_id):
        raise KeyError("key material that must not be told")


def test_a_bug_tells_nothing(caplog):
    with serving(create_app(Broken())) as running, running.client() as client:
        message = refused(client.get("/manifests/urn:c2pa:a"), 500, "internal-error")
    assert "key material" not in message
    assert "unexpected KeyError" in caplog.text


def test_a_damaged_manifest_is_not_cut(registry, assets):
    class Damaged:
        def by_manifest(self, manifest_id):
            from dataclasses import replace

            return replace(registry.by_manifest(assets[0].manifest_id), manifest=b"damaged")

    with serving(create_app(Damaged())) as running, running.client() as client:
        whole = client.get("/manifests/urn:c2pa:a")
        assert whole.content == b"damaged"
        answer = client.get("/manifests/urn:c2pa:a?returnActiveManifest=true")
        refused(answer, 500, "manifest-damaged")


def test_answers_carry_safe_headers(client, assets):
    matches = client.get("/v1/matches/byBinding", params=BINDING)
    guarded(matches)
    assert matches.headers["cache-control"] == "no-store"
    store = client.get(f"/v1/manifests/{assets[0].manifest_id}")
    guarded(store)
    assert store.headers["cache-control"] == "public, max-age=3600"
