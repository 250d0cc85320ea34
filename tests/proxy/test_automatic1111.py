"""AUTOMATIC1111's API through the proxy."""

import base64

import pytest

from tests.proxy.backends import Backend
from tests.proxy.conftest import png, staged

TXT2IMG, IMG2IMG = "/sdapi/v1/txt2img", "/sdapi/v1/img2img"


def first(answer) -> bytes:
    return base64.b64decode(answer.json()["images"][0])


def b64(seed: int) -> str:
    return base64.b64encode(png(seed)).decode()


def ingredients(stage, data):
    found = stage.pipeline._verifier.verify(data).evidence[0].details["ingredients"]
    return sorted(each["relationship"] for each in found)


def test_txt2img(stage, client):
    answer = client.post(TXT2IMG, json={"prompt": "a hill", "steps": 20})
    assert stage.ours(first(answer))
    assert answer.json()["info"] == '{"prompt": "a hill", "seed": 1}'
    assert answer.json()["parameters"] == {"prompt": "a hill", "steps": 20}


def test_img2img_and_its_echo(stage, client):
    wish = {"prompt": "bluer", "init_images": [b64(1)], "include_init_images": True}
    answer = client.post(IMG2IMG, json=wish)
    assert ingredients(stage, first(answer)) == ["inputTo"]
    assert answer.json()["parameters"]["init_images"] is None
    assert len(stage.assets) == 1


def test_inpainting(stage, client):
    wish = {"prompt": "bluer", "init_images": [b64(1), b64(2)], "mask": b64(3)}
    answer = client.post(IMG2IMG, json=wish)
    assert ingredients(stage, first(answer)) == ["inputTo", "parentOf"]


def test_controlnet(stage, client):
    unit = {"args": [{"image": b64(4), "module": "canny"}]}
    wish = {"prompt": "a hill", "alwayson_scripts": {"controlnet": unit}}
    assert ingredients(stage, first(client.post(TXT2IMG, json=wish))) == ["inputTo"]


@pytest.mark.parametrize(
    "wish",
    [
        {"prompt": "forbidden"},
        {"prompt": "a hill", "hr_prompt": "forbidden"},
        {"prompt": "a", "alwayson_scripts": {"ADetailer": {"args": [{"ad_prompt": "forbidden"}]}}},
        {"prompt": "a", "script_name": "prompts from file", "script_args": [1, "forbidden"]},
    ],
)
def test_refused_words(stage, client, wish):
    answer = client.post(TXT2IMG, json=wish)
    assert answer.status_code == 400
    assert answer.json()["error"] == "content_policy_violation"
    assert "refused by policy" in answer.json()["detail"]
    assert stage.backend.asked == []


def test_negative_words_go_with_their_prompt(stage, client):
    client.post(TXT2IMG, json={"prompt": "a hill", "negative_prompt": "forbidden"})
    assert stage.words.seen[0].negative == "forbidden"
    assert len(stage.backend.asked) == 1


def test_progress_without_previews(stage, client):
    answer = client.get("/sdapi/v1/progress")
    assert answer.json() == {"progress": 0.5, "current_image": None, "state": {"job": "x"}}


def test_the_real_mark(config, pipeline):
    with (
        staged(config, Backend(png(side=384)), pipeline=pipeline) as stage,
        stage.client() as client,
    ):
        assert pipeline.issued(first(client.post(TXT2IMG, json={"prompt": "a hill"})))
