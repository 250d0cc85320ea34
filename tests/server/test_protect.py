"""Protecting over HTTP: a finished file, or no picture at all."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from provenance import Pipeline, Verifier
from provenance.errors import HeldForReview, ModerationFailed, RegistryUnavailable, SigningFailed
from provenance.moderate.interface import Action, Policy, Rule
from provenance.server.app import create_app
from tests.server.answers import refused
from tests.server.conftest import jpeg, unissued
from tests.server.service import serving

ASK = "/v1/protect"
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def plain() -> bytes:
    return jpeg(unissued().to_pil(), 95)


def test_a_finished_file(visitor, issuer, plain):
    answer = visitor.post(ASK, content=plain, headers=JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    report = Verifier.from_config(issuer, looks=False).verify(answer.content)
    assert report.verdict.result.value == "generated"
    assert (
        report.find("credentials")[0].details["manifest_id"]
        == (answer.headers["x-provenance-manifest"])
    )


def test_a_form_with_a_prompt_and_json_back(visitor, plain):
    answer = visitor.post(
        ASK,
        files={"file": ("a.jpg", plain)},
        data={"prompt": "a lighthouse", "format": "webp"},
        headers={"Accept": "application/json"},
    )
    said = answer.json()
    data = base64.b64decode(said.pop("data"))
    assert data[8:12] == b"WEBP"
    assert said["bytes"] == len(data)
    assert said["media_type"] == "image/webp"
    assert "lighthouse" not in answer.text


def test_what_is_finished_is_not_marked_again(visitor, assets):
    answer = visitor.post(ASK, content=assets[0].data, headers={"Content-Type": "image/png"})
    assert answer.content == assets[0].data
    assert answer.headers["x-provenance-manifest"] == assets[0].manifest_id


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"format": "bmp"}, "invalid-request"),
        ({"format": "../x"}, "invalid-request"),
        ({"negative": "x"}, "invalid-request"),
        ({"prompt": "x" * 40_000}, "invalid-request"),
    ],
)
def test_forms_that_are_not_understood(visitor, plain, form, code):
    refused(visitor.post(ASK, files={"file": plain}, data=form), 400, code)


def test_pictures_that_cannot_be_protected(visitor, plain):
    refused(visitor.post(ASK, content=b"", headers=JPEG), 400, "unreadable-picture")
    refused(visitor.post(ASK, content=plain[:900], headers=JPEG), 400, "unreadable-picture")
    small = jpeg(unissued().to_pil().resize((40, 30)))
    refused(visitor.post(ASK, content=small, headers=JPEG), 400, "unreadable-picture")
    refused(visitor.post(ASK, json={}), 415, "unsupported-media-type")
    twice = visitor.post(
        ASK, params={"format": "png"}, files={"file": plain}, data={"format": "png"}
    )
    refused(twice, 400, "invalid-request")


class Refusing:
    """A pipeline in which one stage says no."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def issued(self, data: bytes) -> bool:
        return False

    def protect(self, pictures, *, prompts, encoding):
        raise self._error


class Told:
    def __init__(self) -> None:
        self.refusals: list[Exception] = []
        self.assets = []

    def refused(self, error: Exception) -> None:
        self.refusals.append(error)

    def protected(self, asset) -> None:
        self.assets.append(asset)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (HeldForReview("T-1", "nudity", "standard@1"), 400, "held_for_review"),
        (ModerationFailed("the weights in /secret are gone"), 500, "internal-error"),
        (SigningFailed("the key /secret is locked"), 500, "internal-error"),
        (KeyError("/secret"), 500, "internal-error"),
        (RegistryUnavailable("/secret is full"), 503, "registry-unavailable"),
    ],
)
def test_no_picture_leaves_when_a_stage_fails(plain, error, status, code):
    told = Told()
    app = create_app(pipeline=Refusing(error), watcher=told)
    with serving(app) as running, running.client() as client:
        answer = client.post(ASK, content=plain, headers=JPEG)
        message = refused(answer, status, code)
    assert "secret" not in message
    assert told.refusals == [error]
    assert ("T-1" in message) == isinstance(error, HeldForReview)


def test_the_policy_says_no(issuer, plain):
    strict = replace(issuer, policy=refusing_policy(issuer.policy), registry_url="", log_path=None)
    told = Told()
    app = create_app(pipeline=Pipeline.from_config(strict), watcher=told)
    with serving(app) as running, running.client() as client:
        answer = client.post(ASK, content=plain, headers=JPEG)
        message = refused(answer, 400, "content_policy_violation")
    assert "refused by policy" in message
    assert len(told.refusals) == 1


def refusing_policy(policy: Policy) -> Policy:
    """The same policy with thresholds that every picture reaches."""
    rules = {
        name: Rule(picture={Action.BLOCK: 0.0})
        for name, rule in policy.rules.items()
        if rule.picture
    }
    return replace(policy, rules=rules)
