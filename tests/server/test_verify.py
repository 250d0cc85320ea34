"""The evidence report over HTTP: what goes in, what comes out, and what never does."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from PIL import Image

from provenance.codec.limits import Limits
from provenance.evidence import Evidence, Status
from provenance.server.app import create_app, needs_key
from provenance.server.limits import ServiceLimits
from provenance.server.public import OURS, public
from provenance.verify.remote import MAX_BYTES
from provenance.verify.verifier import Verifier
from tests.conftest import ROOT
from tests.report.made import EVIL, HANDS, HOSTILE, MARK, report
from tests.server.answers import guarded, refused
from tests.server.conftest import FETCHED, jpeg, unissued
from tests.server.service import serving

jsonschema = pytest.importorskip("jsonschema_rs")

JPEG = {"Content-Type": "image/jpeg"}
ASK = "/v1/verify"


@pytest.fixture(scope="module")
def schema():
    return json.loads((ROOT / "docs" / "report-schema.json").read_text())


@pytest.fixture(scope="module")
def plain() -> bytes:
    return jpeg(unissued().to_pil())


def test_an_issued_picture_is_known_again(visitor, assets, schema):
    answer = visitor.post(ASK, content=assets[0].data, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200
    said = answer.json()
    jsonschema.validate(schema, said)
    assert said["verdict"]["result"] == "generated"
    assert said["sha256"] == assets[0].report.sha256
    assert said["name"] == "-"
    guarded(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_a_picture_without_evidence_is_unknown(visitor, plain):
    said = visitor.post(ASK, content=plain, headers=JPEG).json()
    assert said["verdict"]["result"] == said["verdict"]["outcome"] == "unknown"


def test_a_form_as_browsers_send_it(visitor, plain):
    answer = visitor.post(ASK, files={"file": ("grün “a”.jpg", plain, "image/jpeg")})
    assert answer.json()["name"] == "grün “a”.jpg"


def test_a_page_where_one_is_wanted(visitor, plain):
    chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for headers, query in (({"Accept": chrome}, {}), ({}, {"html": "true"})):
        answer = visitor.post(
            ASK, files={"file": (f"{EVIL}.jpg", plain)}, params=query, headers=headers
        )
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.text.startswith("<!doctype html>")
        assert "<script" not in answer.text
        assert "sandbox" in answer.headers["content-security-policy"]
        guarded(answer)
    both = visitor.post(
        ASK, content=plain, headers={**JPEG, "Accept": chrome}, params={"html": "false"}
    )
    assert both.headers["content-type"] == "application/json"


def test_everything_that_a_page_shows(visitor, assets, schema):
    said = visitor.post(
        ASK, content=assets[1].data, headers={"Content-Type": "image/png"}, params={"full": "true"}
    ).json()
    assert said.keys() == {"report", "html", "picture", "history", "said"}
    jsonschema.validate(schema, said["report"])
    assert said["html"].startswith("<!doctype html>")
    assert said["picture"]["address"].startswith("data:image/")
    assert (said["picture"]["width"], said["picture"]["height"]) == (512, 512)
    assert said["history"]["made_from"][0]["relationship"] == "parentOf"
    assert said["said"]["en"]["word"] == "Generated"
    assert said["said"]["zh"]["word"] == "AI 生成"
    assert len(said["said"]["zh"]["evidence"]) == len(said["report"]["evidence"])


def test_what_is_no_picture_but_carries_credentials(visitor):
    answer = visitor.post(ASK, content=b"%PDF-1.7\n", headers={"Content-Type": "application/pdf"})
    assert answer.json()["media_type"] == "application/pdf"
    full = visitor.post(
        ASK,
        content=b"%PDF-1.7\n",
        headers={"Content-Type": "application/pdf"},
        params={"full": "true"},
    ).json()
    assert full["picture"] is full["history"] is None


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "image/png", 400, "unreadable-picture"),
        (b"<script>", "image/png", 400, "unreadable-picture"),
        (b"\xff\xd8\xff\xe0" + b"x" * 99, "image/jpeg", 400, "unreadable-picture"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"a", "text/plain", 415, "unsupported-media-type"),
        (b"a", "", 415, "unsupported-media-type"),
        (b"a", "multipart/form-data", 400, "invalid-request"),
        (b"a", "multipart/form-data; boundary=x", 400, "invalid-request"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 400, "invalid-request"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400, "invalid-request"),
    ],
)
def test_bodies_that_cannot_be_examined(visitor, body, kind, status, code):
    refused(visitor.post(ASK, content=body, headers={"Content-Type": kind}), status, code)


def test_questions_that_contradict_themselves(visitor, plain):
    for query in ({"html": "true", "full": "true"}, {"html": "yes"}, {"full": ["true", "true"]}):
        answer = visitor.post(ASK, content=plain, headers=JPEG, params=query)
        refused(answer, 400, "invalid-request")
    refused(visitor.get(ASK), 405, "method-not-allowed")


def test_too_many_pixels_and_bytes(visitor, issuer):
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    answer = visitor.post(ASK, content=buffer.getvalue(), headers={"Content-Type": "image/png"})
    refused(answer, 413, "too-large")
    limits = ServiceLimits(pictures=Limits(max_bytes=1000))
    app = create_app(limits=limits, verifier=Verifier.standard(looks=False))
    with serving(app) as running, running.client() as client:
        refused(client.post(ASK, content=b"x" * 1001, headers=JPEG), 413, "too-large")


def test_addresses(visitor, plain):
    FETCHED["https://example.org/a%20b.jpg?x=1"] = plain
    answer = visitor.post(ASK, json={"url": "https://example.org/a%20b.jpg?x=1"})
    assert answer.json()["name"] == "a b.jpg"
    for address in ("https://10.0.0.1/", "http://example.org", "file:///etc/passwd", "https://["):
        message = refused(visitor.post(ASK, json={"url": address}), 400, "not-fetched")
        assert "private" not in message  # else strangers could explore our network
        assert f"{MAX_BYTES:,}" in message
    for body in ({}, [], {"url": 1}, {"url": ""}, {"url": "https://a/" + "a" * 3000}, "x"):
        refused(visitor.post(ASK, json=body), 400, "invalid-request")
    broken = {"Content-Type": "application/json"}
    refused(visitor.post(ASK, content=b"{", headers=broken), 400, "invalid-request")


def test_addresses_are_refused_where_they_are_not_wanted(issuer):
    app = create_app(verifier=Verifier.standard(looks=False))
    with serving(app) as running, running.client() as client:
        answer = client.post(ASK, json={"url": "https://example.org/"})
        refused(answer, 415, "unsupported-media-type")
        assert "application/json" not in str(
            client.get("/openapi.json").json()["paths"]["/verify"]["post"]["requestBody"]
        )
        refused(client.get("/v1/matches/byBinding"), 404, "not-found")  # no registry
        refused(client.post("/v1/protect"), 404, "not-found")  # no pipeline
        assert client.get("/readyz").status_code == 200


def test_the_operators_machine_stays_private(caplog):
    secret = "/home/operator/registry.db is locked"
    ours = [
        Evidence(code.partition(".")[0], code, Status.UNCHECKED, secret, secret) for code in OURS
    ]
    broken = Evidence("claims", "claims.failed", Status.UNCHECKED, secret)
    shown = public(report(*ours, broken))
    assert "operator/" not in json.dumps(shown.to_dict())
    assert [e.code for e in shown.evidence] == [e.code for e in report(*ours, broken).evidence]
    assert "registry.db" in caplog.text


def test_details_that_lead_to_a_person_are_left_out():
    said = {
        "field": "PNG text",
        "generation": {"prompt": "my neighbour", "model": "m"},
        "located": True,
    }
    claim = Evidence("claims", "claims.a1111", Status.CLAIMED, "It says so.", details=said)
    shown = public(report(claim)).evidence[0].details
    assert shown == {"field": "PNG text", "generation": {"model": "m"}}


def test_other_evidence_is_left_as_it_is():
    made = report(MARK, HANDS, HOSTILE)
    assert public(made).evidence[:3] == made.evidence[:3] == (MARK, HANDS, HOSTILE)
    assert public(replace(made, name="b")).name == "b"


def test_which_routes_need_a_key():
    assert needs_key("POST", "/v1/protect")
    assert not needs_key("POST", ASK)
    assert not needs_key("GET", "/")
