"""LiteLLM's Generic Guardrail API: words are judged, and unprotected pictures stopped."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from provenance.errors import ModerationFailed
from provenance.integrations.guardrail_api import PATH, create_app
from provenance.testing import FailingClassifier
from tests.integrations.protecting import Terms, build

REASON = "the prompt was refused by policy 'test' for violence; change the prompt"


@pytest.fixture(scope="module")
def ours(config):
    return build(config, prompts=(Terms("blood"),))


@pytest.fixture(scope="module")
def client(ours):
    with TestClient(create_app(ours)) as client:
        yield client


@pytest.fixture(scope="module")
def unmarked():
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def text(data):
    return base64.b64encode(data).decode()


def asked(client, **body):
    sent = {"input_type": "request", "request_data": {}, "litellm_call_id": "1", **body}
    answer = client.post(PATH, json=sent)
    assert answer.status_code == 200
    return answer.json()


def test_words_are_judged_together(client):
    assert asked(client, texts=["a castle"]) == {"action": "NONE"}
    assert asked(client) == {"action": "NONE"}
    assert asked(client, texts=None, images=[]) == {"action": "NONE"}
    blocked = {"action": "BLOCKED", "blocked_reason": REASON}
    assert asked(client, texts=["a castle", "in blood"]) == blocked


def test_pictures_of_an_answer_have_to_be_protected(client, ours, unmarked):
    asset = ours(unmarked)
    url = f"data:{asset.media_type};base64,{text(asset.data)}"
    fine = asked(client, input_type="response", images=[text(asset.data), url])
    assert fine == {"action": "NONE"}
    bad = f"data:image/png;base64,{text(unmarked)}"
    for given in (
        {"images": [text(unmarked)]},
        {"images": [url, bad]},
        {"images": ["https://example.com/a.png"]},
        {"images": ["nonsense"]},
        {"texts": [f"look: ![it]({bad})"]},
    ):
        assert asked(client, input_type="response", **given)["action"] == "BLOCKED"


def test_what_cannot_be_judged_is_blocked(config):
    broken = build(config, prompts=(FailingClassifier(ModerationFailed("/secret/path")),))
    with TestClient(create_app(broken)) as client:
        answer = asked(client, texts=["a castle"])
    assert answer == {
        "action": "BLOCKED",
        "blocked_reason": "the prompt could not be moderated",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"input_type": "other"}',
        b'{"input_type": "request", "texts": "x"}',
        b'{"input_type": "request", "images": [1]}',
    ],
)
def test_bad_requests_are_told_why(client, body):
    answer = client.post(PATH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid-request"


def test_other_types_methods_and_paths(client):
    assert client.post(PATH, content=b"{}").status_code == 400
    assert client.get(PATH).status_code == 405
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
