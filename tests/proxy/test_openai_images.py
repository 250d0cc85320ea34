"""OpenAI's image API through the proxy, and by plain HTTP."""

import base64
import json

import pytest

from tests.proxy.conftest import png, staged


def generate(client, **wish):
    return client.post("/v1/images/generations", json={"prompt": "a hill", **wish})


def images(answer) -> list[bytes]:
    return [base64.b64decode(each["b64_json"]) for each in answer.json()["data"]]


def test_base64_is_protected_and_the_rest_stays(stage, client):
    answer = generate(client, n=2)
    assert answer.status_code == 200
    one, two = images(answer)
    assert stage.ours(one)
    assert one == two  # the same bytes got the same asset
    assert answer.json()["created"] == 1700000000
    assert answer.json()["data"][0]["revised_prompt"] == "as it was drawn"
    assert answer.headers["provenance-manifest"] == stage.assets[0].manifest_id
    assert answer.headers["provenance-watermark"] == stage.assets[0].watermark_id
    assert stage.kept.ids == [stage.assets[0].manifest_id]


def test_the_body_reaches_the_upstream_as_it_was_written(stage, client):
    body = b'{ "prompt":"a hill",  "size" : "1024x1024" }'
    client.post("/v1/images/generations?x=%20a", content=body)
    assert stage.backend.asked == [("/v1/images/generations", body)]


@pytest.mark.parametrize(
    "wish",
    [
        {"prompt": "forbidden things"},
        {"prompt": "a hill", "negative_prompt": "", "prompt_2": "forbidden"},
        {"prompt": "a hill", "extra": {"hr_prompt": "forbidden"}},
    ],
)
def test_words_are_checked_before_the_upstream_is_asked(stage, client, wish):
    answer = client.post("/v1/images/generations", json=wish)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "content_policy_violation"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert stage.backend.asked == []
    assert len(stage.kept.errors) == 1


def test_a_request_without_a_prompt(stage, client):
    for body in ({}, {"prompt": None}, {"prompt": 3}, {"prompt": ["a"]}, {"prompt": " "}):
        answer = client.post("/v1/images/generations", json=body)
        assert answer.status_code == 400
        assert "prompt" in answer.json()["error"]["message"]
    assert stage.backend.asked == []


def test_addresses_are_fetched_stored_and_served(stage, client):
    answer = generate(client, response_format="url")
    url = answer.json()["data"][0]["url"]
    assert url.startswith(stage.proxy.url + "/.provenance/results/")
    result = client.get(url)
    assert result.headers["content-type"] == "image/png"
    assert stage.ours(result.content)
    part = client.get(url, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    assert client.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
    again = client.get(url, headers={"If-None-Match": result.headers["etag"]})
    assert again.status_code in (200, 304)
    assert client.get(url[:-8] + "AAAA.png").status_code == 404


def test_addresses_can_be_put_inline(config):
    with staged(config, delivery="inline") as stage, stage.client() as client:
        url = generate(client, response_format="url", n=2).json()["data"][1]["url"]
        kind, _, text = url.partition(",")
        assert kind == "data:image/png;base64"
        assert stage.ours(base64.b64decode(text))
        assert len(stage.assets) == 1


def test_a_public_address_of_its_own(config):
    with staged(config, public_url="https://pictures.example.org/a/") as stage:
        with stage.client() as client:
            url = generate(client, response_format="url").json()["data"][0]["url"]
        assert url.startswith("https://pictures.example.org/a/.provenance/results/")


def test_streams_lose_their_partial_pictures(stage, client):
    with client.stream(
        "POST", "/v1/images/generations", json={"prompt": "a hill", "stream": True}
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        said = [line for line in answer.iter_lines() if line.startswith("data: ")]
    (only,) = [json.loads(line[6:]) for line in said]
    assert only["type"] == "image_generation.completed"
    assert only["usage"] == {"total_tokens": 3}
    assert stage.ours(base64.b64decode(only["b64_json"]))


def edit(client, path="/v1/images/edits", files=None, **fields):
    files = files or [("image", ("a.png", png(1), "image/png"))]
    return client.post(path, data={"prompt": "bluer", **fields}, files=files)


def relations(stage, answer) -> list[str]:
    (evidence, *_) = stage.pipeline._verifier.verify(images(answer)[0]).evidence
    return sorted(each["relationship"] for each in evidence.details["ingredients"])


def test_an_edit_names_its_source(stage, client):
    files = [
        ("image[]", ("a.png", png(1), "image/png")),
        ("image[]", ("b.png", png(2), "image/png")),
        ("mask", ("m.png", png(3), "image/png")),
    ]
    answer = edit(client, files=files)
    assert answer.status_code == 200
    assert relations(stage, answer) == ["inputTo", "parentOf"]


def test_a_variation_names_its_source(stage, client):
    answer = edit(client, "/v1/images/variations")
    assert relations(stage, answer) == ["inputTo"]


def test_an_edit_in_json(stage, client):
    source = "data:image/png;base64," + base64.b64encode(png(1)).decode()
    wish = {"prompt": "bluer", "images": [{"image_url": source}]}
    answer = client.post("/v1/images/edits", json=wish)
    assert relations(stage, answer) == ["parentOf"]


def test_words_of_a_form_are_checked(stage, client):
    assert edit(client, prompt="forbidden").status_code == 400
    assert stage.backend.asked == []


def test_a_source_that_is_no_picture_we_can_read(stage, client):
    files = [("image", ("a.png", png(1)[:300], "image/png"))]
    answer = edit(client, files=files)
    assert answer.status_code == 400
    assert "a picture in the request cannot be used" in answer.json()["error"]["message"]
    assert stage.backend.asked == []


def test_the_format_stays_unless_another_is_asked_for(config, pipeline):
    """By the real pipeline, whose mark survives JPEG."""
    from tests.proxy.backends import Backend

    backend = Backend(png(side=384, kind="JPEG"))
    with staged(config, backend, pipeline=pipeline) as stage, stage.client() as client:
        (same,) = images(generate(client))
        assert same.startswith(b"\xff\xd8\xff")
        assert stage.ours(same)
        (other,) = images(generate(client, output_format="webp"))
        assert other[8:12] == b"WEBP"
        assert stage.ours(other)


def test_what_is_finished_is_not_marked_again(stage, client):
    asset = stage.pipeline(stage.backend.picture)
    stage.backend.picture = asset.data
    answer = generate(client)
    assert images(answer) == [asset.data]
    assert stage.assets == []


def test_other_routes_pass_byte_for_byte(stage, client):
    answer = client.get("/v1/models")
    assert answer.content == b'{"object":"list","data":[{"id":"m"}]}'
    missing = client.get("/v1/nothing")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
