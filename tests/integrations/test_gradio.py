"""Functions for Gradio: what the browser downloads still verifies. Needs Gradio."""

from __future__ import annotations

import gc
import io
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    gr = pytest.importorskip("gradio")
    gradio_client = pytest.importorskip("gradio_client")

from provenance.errors import ConfigError, ModerationFailed, SigningFailed
from provenance.integrations.gradio import protect, shown
from tests.integrations.protecting import Terms, build

pytestmark = pytest.mark.filterwarnings("ignore")  # Gradio's own


def picture(seed=1, size=(48, 64)):
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def ours(config):
    return build(config, prompts=(Terms("blood"),))


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


def paint(prompt: str) -> tuple[Image.Image, list[tuple[np.ndarray, str]], str]:
    if "steps" in prompt:
        raise ValueError("no such steps")
    return Image.fromarray(picture()), [(picture(2), "two"), (picture(3), "three")], prompt


def paint_stepwise(prompt: str) -> Iterator[Image.Image]:
    yield Image.fromarray(picture(4))
    yield Image.fromarray(picture(5))


@pytest.fixture(scope="module")
def client(ours):
    """A client of a real app on a real port."""
    with gr.Blocks() as app:
        prompt = gr.Textbox()
        outputs = [gr.Image(), gr.Gallery(), gr.Textbox()]
        gr.Button().click(protect(ours, paint), prompt, outputs, api_name="paint")
        gr.Button().click(
            protect(ours, lambda prompt: Image.fromarray(picture(6))),
            prompt,
            gr.File(),
            api_name="file",
        )
        gr.Button().click(protect(ours, paint_stepwise), prompt, gr.Image(), api_name="stepwise")
        gr.Button().click(paint, prompt, outputs, api_name="unprotected")
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    client = gradio_client.Client(url, verbose=False, download_files=False)
    yield client
    with warnings.catch_warnings():  # it leaves sockets and event loops to the collector
        warnings.simplefilter("ignore")
        client.close()
        app.close()
        del client, app
        gc.collect()


def downloaded(file):
    assert file["url"].startswith("http://127.0.0.1")
    with urllib.request.urlopen(file["url"]) as response:
        return response.read()


def test_what_is_downloaded_verifies(client, ours):
    image, gallery, text = client.predict("a castle", api_name="/paint")
    files = [image, *(each["image"] for each in gallery)]
    for seed, file in enumerate(files, start=1):
        data = downloaded(file)
        assert ours.issued(data)
        pixels = np.asarray(Image.open(io.BytesIO(data))).astype(int)
        assert np.abs(pixels - picture(seed)).max() <= 1
    assert [each["caption"] for each in gallery] == ["two", "three"] and text == "a castle"
    assert ours.issued(downloaded(client.predict("a castle", api_name="/file")))


def test_without_protection_nothing_verifies(client, ours):
    """So the test above would see it."""
    image, _, _ = client.predict("a castle", api_name="/unprotected")
    assert not ours.issued(downloaded(image))


def test_every_step_of_a_generator_is_protected(client, ours):
    job = client.submit("a castle", api_name="/stepwise")
    assert job.result()
    assert len(job.outputs()) == 2
    assert all(ours.issued(downloaded(file)) for file in job.outputs())


def test_a_refusal_is_a_plain_sentence(client):
    with pytest.raises(gradio_client.exceptions.AppError) as refused:
        client.predict("a pool of blood", api_name="/paint")
    assert "the prompt was refused by policy" in str(refused.value)
    assert "blood" not in str(refused.value)


def test_other_errors_are_the_functions_own(ours):
    with pytest.raises(ValueError, match="no such steps"):
        protect(ours, paint)("steps")


@pytest.mark.parametrize("fault", [SigningFailed("the key at /secret"), ModerationFailed("x /y")])
def test_our_own_faults_tell_nothing(ours, fault):
    def failing(prompt):
        raise fault

    with pytest.raises(gr.Error) as told:
        protect(ours, failing)("a castle")
    assert told.value.message.startswith("The picture could not be protected")


def test_messages_are_no_markup(ours):
    def odd(prompt):
        return {"<b>": object()}

    with pytest.raises(gr.Error) as told:
        protect(ours, odd)("a castle")
    assert "<" not in told.value.message


async def _awaited(prompt: str) -> np.ndarray:
    return np.stack([picture(1), picture(2)])


async def _streaming(prompt: str):
    yield Image.fromarray(picture(1))


def test_functions_keep_their_kind(ours):
    import asyncio
    import inspect

    paths = asyncio.run(protect(ours, _awaited)("x"))
    assert len(paths) == 2 and all(ours.issued(Path(path).read_bytes()) for path in paths)

    async def first():
        return [path async for path in protect(ours, _streaming)("x")]

    assert ours.issued(Path(asyncio.run(first())[0]).read_bytes())
    assert inspect.isgeneratorfunction(protect(ours, paint_stepwise))
    assert str(inspect.signature(protect(ours, paint))) == str(inspect.signature(paint))


def test_data_urls_stay_texts(ours):
    import base64

    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "PNG")
    page = f"<img src='data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}'>"
    made = protect(ours, lambda prompt: page)("x")
    assert made.startswith("<img src='data:image/png;base64,")
    assert ours.issued(base64.b64decode(made.split(",")[1].rstrip("'>")))


def test_a_path_that_the_function_leaves(ours, tmp_path):
    def left(prompt):
        Image.fromarray(picture()).save(tmp_path / "made.png")
        return str(tmp_path / "made.png")

    path = protect(ours, left)("x")
    assert ours.issued(Path(path).read_bytes())
    assert not (tmp_path / "made.png").exists()


def test_updates_are_protected_and_components_refused(ours):
    image = Image.fromarray(picture())
    made = protect(ours, lambda prompt: gr.update(value=image, label="castle"))("x")
    assert ours.issued(Path(made["value"]).read_bytes()) and made["label"] == "castle"
    with pytest.raises(gr.Error):
        protect(ours, lambda prompt: gr.Image(value=image))("x")


def test_an_asset_can_be_shown(ours):
    asset = ours(picture())
    path = Path(shown(asset, "castle"))
    assert path.name == "castle.png" and path.read_bytes() == asset.data
    for name in ("../x", ".hidden", "a/b", ""):
        with pytest.raises(ConfigError):
            shown(asset, name)
