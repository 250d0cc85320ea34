"""What the API answers to those who ask properly: a real client, real marks, a real registry."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from provenance import Picture
from provenance.registry.fingerprint import ALGORITHM as FINGERPRINT
from provenance.registry.stored import State, judge
from provenance.watermark.interface import Payload
from provenance.watermark.tile import ALGORITHM as WATERMARK
from tests.conftest import make_scene
from tests.server.conftest import PROMPT, jpeg, opened, unissued

JPEG = {"Content-Type": "image/jpeg"}


def value_of(asset) -> str:
    return base64.b64encode(bytes.fromhex(asset.watermark_id)).decode()


def ids(response) -> list[str]:
    assert response.status_code == 200, response.text
    return [match["manifestId"] for match in response.json()["matches"]]


@pytest.fixture(params=["", "/v1"])
def base(request):
    return request.param


@pytest.fixture(params=[0, 1])
def asset(request, assets):
    return assets[request.param]


def test_a_payload_leads_to_its_manifest(client, asset, base):
    query = {"alg": WATERMARK, "value": value_of(asset)}
    by_query = client.get(f"{base}/matches/byBinding", params=query)
    by_body = client.post(f"{base}/matches/byBinding", json=query)
    assert ids(by_query) == ids(by_body) == [asset.manifest_id]
    assert by_query.json()["matches"][0]["similarityScore"] == 100


def test_a_fingerprint_leads_to_its_manifest(client, asset, registry):
    kept = registry.by_manifest(asset.manifest_id).fingerprint.to_bytes()
    near = bytes([kept[0] ^ 0b1111, *kept[1:]])
    query = {"alg": FINGERPRINT, "value": base64.b64encode(near).decode()}
    (match,) = client.get("/v1/matches/byBinding", params=query).json()["matches"]
    assert match == {"manifestId": asset.manifest_id, "similarityScore": 97}


@pytest.mark.parametrize("raw", [bytes(8), b"\xfb\xef\xbe" * 2 + b"\xff\xff", bytes(16)])
def test_an_unknown_payload_matches_nothing(client, raw):
    """Also where a client forgot to escape the plus, or writes base64url without padding."""
    standard = base64.b64encode(raw).decode()
    for value in (standard, base64.urlsafe_b64encode(raw).decode().rstrip("=")):
        answer = client.get(f"/v1/matches/byBinding?alg={WATERMARK}&value={value}")
        assert answer.json() == {"matches": []}


def test_both_alphabets_mean_the_same(issuer, assets, registry):
    from provenance.server import binding

    raw = b"\xfb\xef\xbe" * 2 + b"\xff\xff"
    forms = ("++++++++//8=", "++++++++//8", "--------__8", "        //8=")
    assert {binding.payload(f) for f in forms} == {Payload(int.from_bytes(raw, "big"))}


@pytest.mark.parametrize("quality", [40, 90])
def test_a_stripped_copy_is_led_back(client, asset, quality):
    """The whole way of a client: picture, id, manifest store, signature."""
    copy = jpeg(opened(asset).resize((480, 400)), quality)
    answer = client.post("/v1/matches/byContent", content=copy, headers=JPEG)
    assert ids(answer) == [asset.manifest_id]
    assert answer.json()["matches"][0]["similarityScore"] > 80
    store = client.get(f"/v1/manifests/{asset.manifest_id}")
    assert store.headers["content-type"] == "application/c2pa"
    assert store.content in asset.data


def test_a_crop_is_led_back_by_its_mark(client, assets):
    crop = opened(assets[0]).crop((60, 40, 580, 460))
    query = {"alg": WATERMARK}
    answer = client.post("/matches/byContent", params=query, content=jpeg(crop, 90), headers=JPEG)
    assert ids(answer) == [assets[0].manifest_id]


def test_a_picture_without_its_mark_is_led_back_by_its_looks(client, assets):
    bare = jpeg(Image.fromarray(make_scene(512, 640)))
    assert ids(client.post("/matches/byContent", content=bare, headers=JPEG)) == [
        assets[0].manifest_id
    ]
    only_mark = client.post(
        "/matches/byContent", params={"alg": WATERMARK}, content=bare, headers=JPEG
    )
    assert ids(only_mark) == []
    framed = Image.new("RGB", (640, 700), "black")
    framed.paste(Image.fromarray(make_scene(512, 640)), (0, 94))
    looks = {"alg": FINGERPRINT}
    answer = client.post("/matches/byContent", params=looks, content=jpeg(framed), headers=JPEG)
    assert ids(answer) == [assets[0].manifest_id]


def test_what_was_never_issued_matches_nothing(client):
    other = jpeg(unissued().to_pil())
    assert ids(client.post("/matches/byContent", content=other, headers=JPEG)) == []
    flat = jpeg(Image.new("RGB", (300, 300), "gray"))
    assert ids(client.post("/matches/byContent", content=flat, headers=JPEG)) == []


def test_a_mark_moved_to_another_picture_does_not_attribute_it(client, assets, issuer):
    other = Picture.from_array(np.ascontiguousarray(make_scene(512, 640, seed=41)[::-1]))
    moved = issuer.watermarker().embed(other, Payload.from_hex(assets[0].watermark_id))
    buffer = io.BytesIO()
    moved.to_pil().save(buffer, "PNG")
    answer = client.post(
        "/matches/byContent", content=buffer.getvalue(), headers={"Content-Type": "image/png"}
    )
    assert ids(answer) == []


def test_a_hint_counts_only_if_the_picture_looks_like_it(client, assets):
    hint = {"hintAlg": WATERMARK, "hintValue": value_of(assets[0]), "alg": WATERMARK}
    bare = jpeg(Image.fromarray(make_scene(512, 640)))
    other = jpeg(unissued().to_pil())
    ask = "/matches/byContent"
    assert ids(client.post(ask, params=hint, content=bare, headers=JPEG)) == [assets[0].manifest_id]
    assert ids(client.post(ask, params=hint, content=other, headers=JPEG)) == []
    foreign = hint | {"hintAlg": "com.example.unknown.1"}
    assert ids(client.post(ask, params=foreign, content=bare, headers=JPEG)) == []


def test_octets_are_taken_for_what_they_are(client, assets):
    octets = {"Content-Type": "application/octet-stream"}
    answer = client.post("/matches/byContent", content=assets[0].data, headers=octets)
    assert ids(answer) == [assets[0].manifest_id]


def test_results_are_bounded(client, assets):
    query = {"alg": WATERMARK, "value": value_of(assets[0])}
    for asked in ("1", "007", "100000000000000000000000"):
        answer = client.get("/matches/byBinding", params=query | {"maxResults": asked})
        assert ids(answer) == [assets[0].manifest_id]


def test_the_active_manifest_comes_alone(client, assets, registry, issuer):
    """The one with a parent loses it; what is left is still signed, and c2pa reads it."""
    import json

    from provenance import _c2pa

    whole = client.get(f"/manifests/{assets[1].manifest_id}").content
    query = {"returnActiveManifest": "true"}
    cut = client.get(f"/manifests/{assets[1].manifest_id}", params=query).content
    assert len(cut) < len(whole)
    seen = {}
    for store in (whole, cut):
        with (
            _c2pa.context(issuer.anchors()) as context,
            _c2pa.load().Reader("image/png", io.BytesIO(assets[1].data), store, context) as reader,
        ):
            seen[store] = json.loads(reader.json())
    assert [len(seen[store]["manifests"]) for store in (whole, cut)] == [2, 1]
    for store in (whole, cut):
        codes = {c["code"] for c in seen[store]["validation_results"]["activeManifest"]["success"]}
        assert seen[store]["active_manifest"] == assets[1].manifest_id
        assert "claimSignature.validated" in codes

    # Without ancestors there is nothing to cut.
    lone = client.get(f"/manifests/{assets[0].manifest_id}", params=query).content
    assert lone == client.get(f"/manifests/{assets[0].manifest_id}").content
    assert judge(registry.by_manifest(assets[0].manifest_id), issuer.anchors()).state is (
        State.TRUSTED
    )


def test_algorithms(client, base):
    answer = client.get(f"{base}/services/supportedAlgorithms").json()
    assert answer == {"watermarks": [{"alg": WATERMARK}], "fingerprints": [{"alg": FINGERPRINT}]}


def test_probes_and_document(client, base):
    assert client.get(f"{base}/healthz").json() == {"status": "ok"}
    assert client.get(f"{base}/readyz").json() == {"status": "ok"}
    document = client.get(f"{base}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://example.org/c2pa/v1"}]
    assert client.head(f"{base}/healthz").content == b""


def test_prompts_are_nowhere(client, assets):
    store = client.get(f"/manifests/{assets[0].manifest_id}").content
    assert PROMPT.encode() not in store
