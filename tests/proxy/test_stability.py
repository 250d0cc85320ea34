"""Stability AI's API, both versions, through the proxy."""

import base64

import pytest

from tests.proxy.backends import Backend
from tests.proxy.conftest import png, staged

CORE = "/v2beta/stable-image/generate/core"
INPAINT = "/v2beta/stable-image/edit/inpaint"
V1 = "/v1/generation/sdxl/text-to-image"


def core(client, accept="image/*", path=CORE, files=None, **fields):
    files = files or [("none", b"")]
    data = {"prompt": "a hill", **fields}
    return client.post(path, data=data, files=files, headers={"Accept": accept})


def ingredients(stage, data):
    found = stage.pipeline._verifier.verify(data).evidence[0].details["ingredients"]
    return [each["relationship"] for each in found]


def test_bytes(stage, client):
    answer = core(client)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["seed"] == "1"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert stage.ours(answer.content)
    assert answer.headers["provenance-manifest"] == stage.assets[0].manifest_id


def test_base64(stage, client):
    said = core(client, "application/json").json()
    assert said["seed"] == 1
    assert stage.ours(base64.b64decode(said["image"]))


def test_version_1(stage, client):
    wish = {"text_prompts": [{"text": "a hill"}, {"text": "forbidden", "weight": -1}]}
    (artifact,) = client.post(V1, json=wish).json()["artifacts"]
    assert stage.ours(base64.b64decode(artifact["base64"]))
    assert artifact["seed"] == 1
    assert stage.words.seen[0] == "a hill"
    assert stage.words.seen[0].negative == "forbidden"


def test_an_inpainted_picture_names_its_source(stage, client):
    files = [("image", ("a.png", png(1))), ("mask", ("m.png", png(2)))]
    answer = core(client, path=INPAINT, files=files)
    assert ingredients(stage, answer.content) == ["parentOf"]


def test_image_to_image_names_what_guided_it(stage, client):
    answer = core(client, files=[("image", ("a.png", png(1)))], mode="image-to-image")
    assert ingredients(stage, answer.content) == ["inputTo"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: core(c, prompt="forbidden"),
        lambda c: core(c, files=[("prompt", ("p.txt", b"forbidden"))]),
        lambda c: c.post(V1, json={"text_prompts": [{"text": "forbidden", "weight": 1}]}),
        lambda c: c.post(
            "/v1/generation/sdxl/image-to-image",
            data={"text_prompts[0][text]": "a hill", "text_prompts[1][text]": "forbidden"},
            files=[("init_image", ("a.png", png(1)))],
        ),
    ],
)
def test_refused_words(stage, client, ask):
    answer = ask(client)
    assert answer.status_code == 400
    assert answer.json()["name"] == "content_policy_violation"
    assert "refused by policy" in answer.json()["errors"][0]
    assert answer.json()["message"] == answer.json()["errors"][0]
    assert stage.backend.asked == []


def test_a_weight_that_is_there_twice(stage, client):
    """Whoever reads the other one draws what this one keeps away."""
    fields = [("text_prompts[0][text]", "forbidden"), ("text_prompts[0][weight]", "-1"),
              ("text_prompts[0][weight]", "1")]  # fmt: skip
    answer = client.post(V1, files=[(name, (None, text)) for name, text in fields])
    assert answer.status_code == 400
    assert stage.backend.asked == []


def test_the_real_mark(config, pipeline):
    with (
        staged(config, Backend(png(side=384)), pipeline=pipeline) as stage,
        stage.client() as client,
    ):
        assert pipeline.issued(core(client).content)
