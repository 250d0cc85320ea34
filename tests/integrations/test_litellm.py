"""The guardrail in LiteLLM's own proxy, and by itself. Needs `litellm[proxy]`."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import os
import secrets
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.responses import JSONResponse

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or it asks GitHub
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("litellm")
    openai = pytest.importorskip("openai")
    from litellm.types.utils import ImageResponse, ModelResponse, ModelResponseStream

from provenance.errors import ConfigError, SigningFailed
from provenance.integrations.guardrail_api import create_app
from provenance.integrations.litellm import ProvenanceGuardrail, Refused
from provenance.server.errors import Refusal
from tests.integrations.protecting import Terms, build
from tests.proxy.backends import Backend
from tests.server.service import serving

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM's own


def png(pixels=None):
    if pixels is None:
        pixels = np.random.default_rng(1).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


KEY = f"sk-{secrets.token_hex(32)}"  # LiteLLM does not start with a weak one
B64 = base64.b64encode(png()).decode()
URL = f"data:image/png;base64,{B64}"


@pytest.fixture(scope="module")
def ours(config):
    return build(config, prompts=(Terms("blood"),))


@pytest.fixture
def guard(ours):
    return ProvenanceGuardrail(guardrail_name="provenance", pipeline=ours)


def after(guard, response, **data):
    return asyncio.run(guard.async_post_call_success_hook(data, None, response))


def before(guard, call_type, **data):
    return asyncio.run(guard.async_pre_call_hook(None, None, data, call_type))


def bytes_of(text):
    return base64.b64decode(text.rpartition(",")[2])


def test_pictures_of_an_answer(guard, ours):
    response = ImageResponse(created=3, data=[{"b64_json": B64, "revised_prompt": "a hill"}] * 2)
    response._hidden_params = {"model_id": "m"}
    made = after(guard, response, prompt="a hill")
    assert type(made) is ImageResponse and made.created == 3
    assert made._hidden_params == {"model_id": "m"}
    assert [each.revised_prompt for each in made.data] == ["a hill"] * 2
    assert all(ours.issued(bytes_of(each.b64_json)) for each in made.data)
    again = after(guard, made, prompt="a hill")
    assert again.data[0].b64_json == made.data[0].b64_json  # not marked twice


def chat(content="here", images=None):
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if images:
        message["images"] = [
            {"type": "image_url", "index": n, "image_url": {"url": url}}
            for n, url in enumerate(images)
        ]
    return ModelResponse(choices=[{"message": message}])


def test_pictures_of_a_chat(guard, ours):
    said = [{"role": "user", "content": "a hill"}]
    made = after(guard, chat(f"![a]({URL})", [URL]), messages=said)
    message = made.choices[0].message
    assert message.content.startswith("![a](data:image/png;base64,")
    assert ours.issued(bytes_of(message.content.rstrip(")")))
    assert ours.issued(bytes_of(message.images[0]["image_url"]["url"]))
    plain = chat("only words, with https://example.com/a.png in them")
    assert after(guard, plain, messages=said) is plain


def test_the_words_of_a_chat_are_moderated_when_a_picture_comes(guard):
    said = [{"role": "system", "content": "paint in"}, {"role": "user", "content": "blood"}]
    assert before(guard, "acompletion", messages=said)["messages"] == said
    after(guard, chat(), messages=said)
    with pytest.raises(Refused) as refused:
        after(guard, chat(images=[URL]), messages=said)
    assert refused.value.code == "content_policy_violation"
    for asked in ({"modalities": ["image", "text"]}, {"tools": [{"type": "image_generation"}]}):
        with pytest.raises(Refused):
            before(guard, "acompletion", messages=said, **asked)


@pytest.mark.parametrize("prompt", ["a pool of blood", ["a hill", "blood"]])
@pytest.mark.parametrize("call_type", ["aimage_generation", "image_generation", "aimage_edit"])
def test_a_prompt_is_refused_before_the_call(guard, call_type, prompt):
    with pytest.raises(Refused) as refused:
        before(guard, call_type, prompt=prompt)
    assert refused.value.status_code == 400 and refused.value.blocked_content
    assert refused.value.message.startswith("the prompt was refused by policy 'test'")
    assert before(guard, call_type, prompt="a hill") == {"prompt": "a hill"}


def test_pictures_in_pieces_are_refused(guard):
    with pytest.raises(Refused, match="without stream"):
        before(guard, "aimage_generation", prompt="a hill", stream=True)


def test_addresses(guard, ours):
    named = ImageResponse(data=[{"url": "https://example.com/a.png"}])
    for response in (named, chat(images=["https://example.com/a.png"])):
        with pytest.raises(Refused, match="ask for b64_json"):
            after(guard, response)
    asked: list[str] = []

    async def fetch(url):
        asked.append(url)
        if "private" in url:
            raise Refusal(502, "upstream_unavailable", "the picture is in a private network")
        return png()

    fetching = ProvenanceGuardrail(pipeline=ours, picture_urls="fetch", fetch=fetch)
    made = after(fetching, named)
    assert made.data[0].url is None and ours.issued(bytes_of(made.data[0].b64_json))
    message = after(fetching, chat(images=["https://example.com/b.png"])).choices[0].message
    assert ours.issued(bytes_of(message.images[0]["image_url"]["url"]))
    assert asked == ["https://example.com/a.png", "https://example.com/b.png"]
    with pytest.raises(Refused) as refused:
        after(fetching, ImageResponse(data=[{"url": "https://private/a.png"}]))
    assert refused.value.status_code == 502


def test_what_is_not_known_is_not_handed_on(guard):
    for data in ([{"b64_json": "nonsense"}], [{}]):
        with pytest.raises(Refused, match="no picture that is known"):
            after(guard, ImageResponse(data=data))


def test_other_answers_pass(guard):
    from litellm.types.utils import EmbeddingResponse

    response = EmbeddingResponse(data=[{"embedding": [0.1] * 4}])
    assert after(guard, response, input="blood") is response


def test_our_own_faults_tell_nothing(ours):
    class Broken:
        def issued(self, data):
            return False

        def protect(self, *args, **kwargs):
            raise SigningFailed("the key at /secret is gone")

    guard = ProvenanceGuardrail(pipeline=Broken())
    with pytest.raises(Refused) as refused:
        after(guard, ImageResponse(data=[{"b64_json": B64}]))
    assert refused.value.status_code == 500 and "secret" not in str(refused.value)


def delta(**given):
    return ModelResponseStream(choices=[{"index": 0, "delta": given}])


def streamed(guard, items):
    async def source():
        for item in items:
            yield item

    async def read():
        made = []
        stream = guard.async_post_call_streaming_iterator_hook(None, source(), {"messages": []})
        try:
            async for item in stream:
                made.append(item)
        except Refused as error:
            made.append(error)
        return made

    return asyncio.run(read())


def test_a_stream_of_words_passes_and_its_pictures_are_protected(guard, ours):
    picture = {"type": "image_url", "index": 0, "image_url": {"url": URL}}
    items = [delta(content="a "), delta(images=[picture]), delta(content="hill")]
    made = streamed(guard, items)
    assert made[0] is items[0] and made[2] is items[2]
    assert ours.issued(bytes_of(made[1].choices[0].delta.images[0]["image_url"]["url"]))


def test_a_picture_in_pieces_ends_the_stream(guard):
    pieces = [delta(content=piece) for piece in ("see data:", "image/png;bas", "e64,", B64)]
    *passed, error = streamed(guard, pieces)
    assert len(passed) == 1 and isinstance(error, Refused)


def test_nobody_opts_out(ours):
    guard = ProvenanceGuardrail(
        guardrail_name="provenance", event_hook="pre_call", default_on=False, pipeline=ours
    )
    data = {"metadata": {"disable_global_guardrails": True, "guardrails": []}}
    for hook in ("pre_call", "post_call"):
        from litellm.types.guardrails import GuardrailEventHooks

        assert guard.should_run_guardrail(data, GuardrailEventHooks(hook))
    assert not guard.should_run_guardrail(data, GuardrailEventHooks("during_call"))
    with pytest.raises(ConfigError, match="refuse or fetch"):
        ProvenanceGuardrail(picture_urls="pass", pipeline=ours)


@pytest.fixture(scope="module")
def gateway(config, scene, tmp_path_factory):
    """LiteLLM's proxy, a model behind it, and both guardrails."""
    pytest.importorskip("fastapi")
    backend = Backend(png(scene[128:384, 128:384]))
    words = create_app(build(config, prompts=(Terms("lighthouse"),)))
    with serving(backend.app()) as upstream, serving(words) as judge:
        file = tmp_path_factory.mktemp("litellm") / "config.yaml"
        file.write_text(f"""
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "{upstream.url}/v1", api_key: sk-x}}
    model_info: {{mode: image_generation}}
guardrails:
  - guardrail_name: provenance
    litellm_params:
      guardrail: provenance.integrations.litellm.ProvenanceGuardrail
      mode: [pre_call, post_call]
      provenance_config: {config.path}
  - guardrail_name: words
    litellm_params:
      guardrail: generic_guardrail_api
      mode: pre_call
      api_base: {judge.url}
      default_on: true
""")
        with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
            warnings.simplefilter("ignore")
            patch.setenv("LITELLM_MASTER_KEY", KEY)
            patch.setenv("WORKER_CONFIG", json.dumps({"config": str(file)}))
            from litellm.proxy import proxy_server

            with serving(proxy_server.app) as proxy:
                yield proxy.url, backend
            gc.collect()


@pytest.fixture
def ai(gateway):
    url, backend = gateway
    backend.asked.clear()
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, timeout=60) as client:
        yield client


def test_generate_through_litellm(ai, pipeline):
    made = ai.images.generate(model="m", prompt="a hill", response_format="b64_json")
    assert pipeline.issued(bytes_of(made.data[0].b64_json))


def test_edit_through_litellm(ai, pipeline):
    made = ai.images.edit(model="m", image=("a.png", png()), prompt="bluer")
    data = bytes_of(made.data[0].b64_json)
    assert pipeline.issued(data)


def test_litellm_refuses_by_address(ai, gateway):
    named = {"created": 1, "data": [{"url": "https://example.com/a.png"}]}
    gateway[1].answers["/v1/images/generations"] = JSONResponse(named)
    with pytest.raises(openai.BadRequestError) as refused:
        ai.images.generate(model="m", prompt="a hill")
    assert "ask for b64_json" in str(refused.value)
    gateway[1].answers.clear()


def test_prompts_are_refused_before_the_model_is_called(ai, gateway):
    with pytest.raises(openai.BadRequestError) as refused:
        ai.images.generate(model="m", prompt="a pool of blood")
    assert refused.value.body["message"].startswith("the prompt was refused by policy 'standard'")
    with pytest.raises(openai.BadRequestError) as refused:
        ai.images.generate(model="m", prompt="a lighthouse")
    assert "refused by policy 'test'" in str(refused.value)  # the generic one
    assert gateway[1].asked == []


def test_chat_through_litellm(ai, gateway, pipeline):
    url = f"data:image/png;base64,{gateway[1].b64}"
    message = {
        "role": "assistant",
        "content": "here",
        "images": [{"type": "image_url", "index": 0, "image_url": {"url": url}}],
    }
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    gateway[1].answers["/v1/chat/completions"] = JSONResponse({**answer, "choices": [choice]})
    made = ai.chat.completions.create(model="m", messages=[{"role": "user", "content": "a hill"}])
    (image,) = made.choices[0].message.images
    assert pipeline.issued(bytes_of(image["image_url"]["url"]))
