"""The official `openai` package as a client of the proxy: it notices nothing but the refusals."""

import asyncio
import base64
import io
import threading

import pytest

openai = pytest.importorskip("openai")

from tests.proxy.backends import Backend, chunk, events  # noqa: E402
from tests.proxy.conftest import png, staged  # noqa: E402


@pytest.fixture
def ai(stage):
    with openai.OpenAI(
        base_url=stage.proxy.url + "/v1", api_key="sk-test", max_retries=0, timeout=30
    ) as client:
        yield client


def test_generate(stage, ai):
    made = ai.images.generate(model="m", prompt="a hill", n=1)
    assert stage.ours(base64.b64decode(made.data[0].b64_json))
    assert (b"authorization", b"Bearer sk-test") in stage.backend.heads[0]


def test_generate_by_address(stage, ai, client):
    made = ai.images.generate(model="m", prompt="a hill", response_format="url")
    assert stage.ours(client.get(made.data[0].url).content)


def test_edit_and_variation(stage, ai):
    made = ai.images.edit(model="m", image=("a.png", png(1)), prompt="bluer")
    assert stage.ours(base64.b64decode(made.data[0].b64_json))
    with pytest.warns(DeprecationWarning):  # OpenAI has none any more; other servers do
        made = ai.images.create_variation(model="m", image=("a.png", io.BytesIO(png(1))))
    assert stage.ours(base64.b64decode(made.data[0].b64_json))


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_prompt(stage, ai, stream):
    with pytest.raises(openai.BadRequestError) as refused:
        ai.images.generate(model="m", prompt="forbidden", stream=stream)
    assert refused.value.code == "content_policy_violation"
    assert refused.value.type == "invalid_request_error"
    assert refused.value.body["message"].startswith("the prompt was refused by policy")
    assert stage.backend.asked == []


def test_a_stream(stage, ai):
    said = list(ai.images.generate(model="m", prompt="a hill", stream=True, partial_images=2))
    assert [event.type for event in said] == ["image_generation.completed"]
    assert stage.ours(base64.b64decode(said[0].b64_json))


def test_chat_with_a_picture(stage, ai):
    made = ai.chat.completions.create(model="m", messages=[{"role": "user", "content": "a hill"}])
    part = made.choices[0].message.content[1]
    url = part["image_url"]["url"] if isinstance(part, dict) else part.image_url.url
    assert stage.ours(base64.b64decode(url.partition(",")[2]))


def test_chat_without_one(stage, ai):
    made = ai.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert made.choices[0].message.content == "Hello to you."


def test_chat_that_names_an_address(stage, ai, client):
    made = ai.chat.completions.create(model="m", messages=[{"role": "user", "content": "linked"}])
    part = made.choices[0].message.content[0]
    url = part["image_url"]["url"] if isinstance(part, dict) else part.image_url.url
    assert url.startswith(stage.proxy.url)
    assert stage.ours(client.get(url).content)


def test_chat_that_streams(stage, ai):
    stream = ai.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "a hill"}], stream=True
    )
    one, two = [event.choices[0].delta for event in stream]
    assert one.content == "Here: "
    assert stage.ours(base64.b64decode(two.images[0]["image_url"]["url"].partition(",")[2]))


@pytest.mark.parametrize("role", ["user", "system", "assistant"])
def test_everything_that_is_said_is_checked(stage, ai, role):
    said = [{"role": role, "content": [{"type": "text", "text": "forbidden"}]}]
    with pytest.raises(openai.BadRequestError) as refused:
        ai.chat.completions.create(model="m", messages=said)
    assert refused.value.code == "content_policy_violation"
    assert stage.backend.asked == []


def test_a_picture_that_is_shown_in_a_chat_becomes_an_ingredient(stage, ai):
    url = "data:image/png;base64," + base64.b64encode(png(3)).decode()
    said = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "bluer"}]
    made = ai.chat.completions.create(model="m", messages=[{"role": "user", "content": said}])
    part = made.choices[0].message.content[1]
    url = part["image_url"]["url"] if isinstance(part, dict) else part.image_url.url
    report = stage.pipeline._verifier.verify(base64.b64decode(url.partition(",")[2]))
    found = report.evidence[0].details["ingredients"]
    assert [each["relationship"] for each in found] == ["inputTo"]


def test_responses(stage, ai):
    made = ai.responses.create(model="m", input="a hill", tools=[{"type": "image_generation"}])
    assert stage.ours(base64.b64decode(made.output[0].result))
    with pytest.raises(openai.BadRequestError):
        ai.responses.create(model="m", input=[{"role": "user", "content": "forbidden"}])


def test_responses_that_stream(stage, ai):
    said = list(ai.responses.create(model="m", input="a hill", stream=True))
    assert [event.type for event in said] == ["response.output_item.done", "response.completed"]
    assert said[0].item.result == said[1].response.output[0].result
    assert stage.ours(base64.b64decode(said[0].item.result))
    assert len(stage.assets) == 1


def test_a_picture_in_pieces_ends_the_stream(stage, ai):
    text = stage.backend.data_url
    pieces = [chunk({"content": text[at : at + 40]}) for at in range(0, 4000, 40)]

    async def answer(request, body):
        return events(chunk({"content": "Look: "}), *pieces, "[DONE]")

    stage.backend.answers["/v1/chat/completions"] = answer
    got = ""
    stream = ai.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "a hill"}], stream=True
    )
    with pytest.raises(openai.APIError, match="not passed on"):
        for event in stream:
            got += event.choices[0].delta.content
    assert len(got) < 200


def test_a_picture_that_fails_in_a_stream(stage, ai):
    stage.backend.picture = stage.backend.picture[:500]
    with pytest.raises(openai.APIError, match="cannot be protected"):
        list(ai.images.generate(model="m", prompt="a hill", stream=True))
    assert stage.assets == []


def test_our_own_failures_are_not_tried_again(config, caplog):
    """A client that does would have the same picture generated three times over."""
    backend = Backend(png()[:500])
    with (
        staged(config, backend) as stage,
        openai.OpenAI(base_url=stage.proxy.url + "/v1", api_key="k", timeout=30) as client,
    ):
        with pytest.raises(openai.InternalServerError) as refused:
            client.images.generate(model="m", prompt="a hill")
        assert refused.value.status_code == 502
        assert len(backend.asked) == 1


def test_async_client(stage):
    async def ask():
        async with openai.AsyncOpenAI(base_url=stage.proxy.url + "/v1", api_key="k") as client:
            return await asyncio.gather(
                *(client.images.generate(model="m", prompt=f"hill {n}") for n in range(8))
            )

    for made in asyncio.run(ask()):
        assert stage.ours(base64.b64decode(made.data[0].b64_json))
    assert threading.active_count() < 100


def test_the_real_mark(config, pipeline):
    backend = Backend(png(side=512))
    with (
        staged(config, backend, pipeline=pipeline) as stage,
        openai.OpenAI(base_url=stage.proxy.url + "/v1", api_key="k") as client,
    ):
        made = client.images.generate(model="m", prompt="a hill")
    data = base64.b64decode(made.data[0].b64_json)
    assert pipeline.issued(data)
