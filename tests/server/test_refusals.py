"""Requests that cannot be answered: each gets a status, a code and a sentence, and nothing else."""

import base64
import io
import json
import random
from dataclasses import replace

import pytest
from PIL import Image

from provenance.registry.store import SqlRegistry
from provenance.server.app import create_app
from provenance.testing import FakeWatermarker
from provenance.watermark.tile import ALGORITHM as WATERMARK
from tests.server.answers import guarded, refused
from tests.server.conftest import jpeg, opened, unissued
from tests.server.service import serving

GOOD = base64.b64encode(bytes(8)).decode()
BINDING = {"alg": WATERMARK, "value": GOOD}
JPEG = {"Content-Type": "image/jpeg"}


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


def test_mutated_pictures_are_answered_or_refused(client):
    small = jpeg(unissued().to_pil().resize((96, 80)))
    seen = set()
    for seed in range(40):
        chance = random.Random(seed)
        data = bytearray(small)
        for _ in range(chance.choice((1, 3, 30))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        answer = client.post("/matches/byContent", content=bytes(data), headers=JPEG)
        seen.add(answer.status_code)
    assert 200 in seen
    assert seen <= {200, 400, 413, 415}


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


@pytest.mark.parametrize("path", ["/v1/protect/", "/v1/verify/", "/verify/"])
def test_no_redirect_to_what_host_says(visitor, path):
    answer = visitor.post(path, content=b"x", headers={**JPEG, "Host": "evil.example"})
    refused(answer, 404, "not-found")
    assert "location" not in answer.headers
