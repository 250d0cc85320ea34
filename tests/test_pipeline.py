"""`Pipeline` as a library: what it takes, what it returns, and that it fails closed."""

from __future__ import annotations

import dataclasses
import io
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance import Asset, Blocked, Config, Encoding, Picture, Pipeline, Verifier
from provenance.errors import (
    ModerationFailed,
    OutputError,
    ReadbackFailed,
    TooSmall,
    UnsupportedPicture,
)
from provenance.moderate.interface import Action, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.pipeline import Statements
from provenance.sign.interface import Generator
from provenance.watermark.interface import Payload, Reading

LADDER = {Action.FLAG: 0.5, Action.BLOCK: 0.8}
RULE = Rule(LADDER, LADDER)


class Scores:
    """Scores everything alike; counts its calls."""

    name = "test-scores"
    categories = ("nudity",)

    def __init__(self, score: float) -> None:
        self.score = score
        self.calls = 0

    def scores(self, subject: object) -> Mapping[str, float]:
        self.calls += 1
        return {"nudity": self.score}


class Broken(Scores):
    """Fails as a classifier might."""

    def scores(self, subject: object) -> Mapping[str, float]:
        raise RuntimeError("out of memory")


class LosesTheMark:
    """Embeds nothing, and so finds nothing."""

    algorithm = "org.example.none.1"
    smallest_side = 1

    def embed(self, picture: Picture, payload: Payload) -> Picture:
        return picture

    def extract(self, picture: Picture) -> Reading:
        return Reading(None, 1.0)


def build(config: Config, **slots: object) -> Pipeline:
    """The standard pipeline with some slots replaced."""
    watermarker = slots.pop("watermarker", config.watermarker())
    parts = {
        "moderator": Moderator(Policy("test", {"nudity": RULE}), (Scores(0.1),)),
        "watermarker": watermarker,
        "signer": config.signer(),
        "verifier": Verifier.standard(anchors=config.anchors(), watermarkers=[watermarker]),
        "says": Statements(Generator("test")),
        "anchors": config.anchors(),
    }
    return Pipeline(**{**parts, **slots})  # type: ignore[arg-type]


def forms(scene: np.ndarray, folder: Path) -> dict[str, object]:
    """The same picture in every form that a generator may return."""
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, "PNG")
    path = folder / "form.png"
    path.write_bytes(buffer.getvalue())
    return {
        "pil": Image.fromarray(scene),
        "uint8": scene,
        "float": scene.astype(np.float32) / 255,
        "picture": Picture.from_array(scene),
        "bytes": buffer.getvalue(),
        "path": path,
        "text": str(path),
    }


@pytest.mark.parametrize("form", ["pil", "uint8", "float", "picture", "bytes", "path", "text"])
def test_every_form_of_picture_gives_a_verified_asset(pipeline, scene, tmp_path, form):
    asset = pipeline(forms(scene, tmp_path)[form])
    assert isinstance(asset, Asset)
    assert (asset.width, asset.height, asset.media_type) == (512, 512, "image/png")
    assert asset.report.verdict.outcome == "verified"


def test_asset_cannot_be_altered(pipeline, picture):
    asset = pipeline(picture)
    with pytest.raises(dataclasses.FrozenInstanceError):
        asset.data = b""
    assert isinstance(asset.data, bytes)
    with pytest.raises(UnsupportedPicture, match="Asset"):
        pipeline(asset)


def test_input_is_not_altered(pipeline, scene):
    before = scene.copy()
    pipeline(scene)
    assert np.array_equal(before, scene)


def test_watermark_and_manifest_name_the_same_payload(pipeline, verifier, picture):
    asset = pipeline(picture)
    credentials, mark = verifier.verify(asset.data).evidence[:2]
    assert credentials.details["manifest_id"] == asset.manifest_id
    assert credentials.details["soft_bindings"][0]["payload"] == asset.watermark_id
    assert mark.details["payload"] == asset.watermark_id


def test_two_calls_give_two_ids(pipeline, picture):
    one, two = pipeline(picture), pipeline(picture)
    assert one.watermark_id != two.watermark_id
    assert one.manifest_id != two.manifest_id


def test_encoding_may_be_given_as_object_or_suffix(pipeline, picture):
    assert pipeline(picture, encoding=".webp").media_type == "image/webp"
    asset = pipeline(picture, encoding=Encoding("JPEG", quality=80, subsampling="4:2:0"))
    assert asset.media_type == "image/jpeg"


def test_save_is_atomic_and_does_not_overwrite(pipeline, picture, tmp_path):
    asset = pipeline(picture)
    path = asset.save(tmp_path / "a.png")
    assert path.read_bytes() == asset.data
    with pytest.raises(OutputError, match="exists"):
        asset.save(path)


class TestWrap:
    """A generator inside the pipeline."""

    def test_one_picture_gives_one_asset(self, pipeline, scene):
        generate = pipeline.wrap(lambda prompt, size=1: scene)
        assert isinstance(generate("a hill"), Asset)

    def test_list_gives_a_list_in_order(self, pipeline, scene):
        generate = pipeline.wrap(lambda prompt: [scene, scene[:256, :256]])
        assert [a.width for a in generate(prompt="hills")] == [512, 256]

    def test_name_and_signature_stay(self, pipeline):
        def paint(prompt: str, *, steps: int = 20) -> None:
            """Paint."""

        assert pipeline.wrap(paint).__name__ == "paint"

    def test_blocked_prompt_is_never_generated(self, config, scene):
        calls = []
        moderator = Moderator(Policy("p", {"nudity": RULE}), (), (Scores(0.9),))
        generate = build(config, moderator=moderator).wrap(lambda prompt: calls.append(1) or scene)
        with pytest.raises(Blocked) as blocked:
            generate("anything")
        assert blocked.value.stage == "prompt"
        assert calls == []

    def test_prompt_in_any_position_is_moderated(self, config, scene):
        prompts = Scores(0.1)
        pipeline = build(config, moderator=Moderator(Policy(), (), (prompts,)))
        pipeline.wrap(lambda seed, prompt: scene)(3, "a hill")
        pipeline.wrap(lambda text: scene)("a hill")
        pipeline.wrap(lambda seed: scene)(3)
        assert prompts.calls == 2

    @pytest.mark.parametrize(
        "call",
        [
            lambda wrap, scene: wrap(lambda *a, **kw: scene)(prompt="x"),
            lambda wrap, scene: wrap(lambda seed=1, **kw: scene)(2, prompt="x"),
            lambda wrap, scene: wrap(lambda seed, *, prompt="x": scene)(3),
            lambda wrap, scene: wrap(lambda prompt: scene)(prompt=["x", "y"]),
            lambda wrap, scene: wrap(lambda *a: scene)("x"),
        ],
    )
    def test_no_form_of_a_prompt_goes_unmoderated(self, config, scene, call):
        prompts = Scores(0.9)
        moderator = Moderator(Policy("p", {"nudity": RULE}), (), (prompts,))
        with pytest.raises(Blocked):
            call(build(config, moderator=moderator).wrap, scene)

    def test_prompt_that_is_no_text_is_refused(self, pipeline, scene):
        with pytest.raises(ModerationFailed, match="prompt is a dict"):
            pipeline.wrap(lambda prompt: scene)(prompt={"text": "x"})

    def test_nothing_is_recorded_if_one_of_a_batch_fails(self, config, scene):
        class Recorder:
            def __init__(self) -> None:
                self.kept: list[object] = []

            issued = refused = lambda self, entry: self.kept.append(type(entry).__name__)

        recorder = Recorder()
        with pytest.raises(TooSmall):
            build(config, recorder=recorder).wrap(lambda: [scene, scene[:8, :8]])()
        assert recorder.kept == []

    def test_unknown_output_is_an_error(self, pipeline):
        with pytest.raises(UnsupportedPicture, match="returned a dict"):
            pipeline.wrap(lambda: {"image": 1})()

    def test_errors_of_the_generator_surface_as_themselves(self, pipeline):
        def fails() -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            pipeline.wrap(fails)()

    def test_one_blocked_picture_of_a_list_returns_none_of_them(self, config, scene):
        class SecondIsBad(Scores):
            def scores(self, subject: object) -> Mapping[str, float]:
                self.calls += 1
                return {"nudity": 0.9 if self.calls == 2 else 0.1}

        moderator = Moderator(Policy("p", {"nudity": RULE}), (SecondIsBad(0),))
        with pytest.raises(Blocked):
            build(config, moderator=moderator).wrap(lambda: [scene, scene])()


class TestFailsClosed:
    """No stage may fail and leave a result behind."""

    def test_blocked(self, config, picture):
        moderator = Moderator(Policy("mine", {"nudity": RULE}), (Scores(0.93),))
        with pytest.raises(Blocked) as blocked:
            build(config, moderator=moderator)(picture)
        error = blocked.value
        assert (error.category, error.score, error.threshold, error.stage) == (
            "nudity",
            0.93,
            0.8,
            "picture",
        )
        assert error.policy == str(moderator.policy)

    def test_flagged_is_passed_and_said(self, config, picture):
        moderator = Moderator(Policy("mine", {"nudity": RULE}), (Scores(0.6),))
        assert build(config, moderator=moderator)(picture).decision.action == "flag"

    def test_broken_classifier(self, config, picture):
        with pytest.raises(ModerationFailed, match="RuntimeError"):
            build(config, moderator=Moderator(Policy(rules={"nudity": RULE}), (Broken(0),)))(
                picture
            )

    def test_mark_that_cannot_be_read_back(self, config, picture):
        with pytest.raises(ReadbackFailed, match="watermark could not be read back"):
            build(config, watermarker=LosesTheMark())(picture)

    def test_verifier_without_the_key(self, config, picture):
        blind = Verifier.standard(anchors=config.anchors())
        with pytest.raises(ReadbackFailed, match="watermark"):
            build(config, verifier=blind)(picture)

    def test_verifier_without_the_anchors(self, config, picture):
        stranger = Verifier.standard(watermarkers=[config.watermarker()])
        with pytest.raises(ReadbackFailed, match=r"\[trust\] anchors"):
            build(config, verifier=stranger)(picture)

    def test_too_small(self, pipeline):
        with pytest.raises(TooSmall):
            pipeline(np.full((64, 64, 3), 100, np.uint8))

    def test_too_small_may_be_signed_alone(self, config):
        asset = build(config, sign_too_small=True)(np.full((64, 64, 3), 100, np.uint8))
        assert asset.watermark_id is None
        actions = asset.report.evidence[0].details["actions"]
        assert [a["action"] for a in actions] == ["c2pa.created"]


def test_prompt_is_published_only_when_asked(config, picture):
    quiet = build(config)(picture, prompt="xyzzy-plugh")
    assert b"xyzzy" not in quiet.data
    loud = build(config, says=Statements(Generator("test"), publish_prompt=True))
    assert b"xyzzy-plugh" in loud(picture, prompt="xyzzy-plugh").data


def test_metadata_of_the_input_is_dropped_unless_asked(config, scene):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "Jane Photographer"
    Image.fromarray(scene).save(buffer, "JPEG", exif=exif)
    assert b"Jane" not in build(config)(buffer.getvalue()).data
    keeping = build(config, says=Statements(Generator("test"), keep_metadata=True))
    assert b"Jane" in keeping(buffer.getvalue()).data


def test_threads(pipeline, scene):
    with ThreadPoolExecutor(4) as pool:
        assets = list(pool.map(pipeline, [scene] * 12))
    assert len({a.watermark_id for a in assets}) == 12


def _in_child(pipeline: Pipeline, scene: np.ndarray, answers: multiprocessing.Queue) -> None:
    answers.put(pipeline(scene).report.verdict.outcome.value)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_works_after_fork(pipeline, scene):
    pipeline(scene)  # native handles exist in the parent
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_child, args=(pipeline, scene, answers))
    child.start()
    assert answers.get(timeout=60) == "verified"
    child.join()
    assert child.exitcode == 0


@pytest.mark.parametrize(
    "size", [(192, 192), (200, 900), (1080, 1920)], ids=["floor", "banner", "full HD"]
)
def test_sizes(pipeline, size):
    from tests.conftest import make_scene

    asset = pipeline(make_scene(*size), encoding=".jpg")
    assert asset.report.verdict.outcome == "verified"


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_flat_pictures_are_marked_or_refused_but_never_returned_unmarked(pipeline, level):
    flat = np.full((512, 512, 3), level, np.uint8)
    try:
        asset = pipeline(flat)
    except ReadbackFailed:
        return
    assert asset.watermark_id == asset.report.evidence[1].details["payload"]
