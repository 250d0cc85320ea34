"""What leaves the pipeline for every action of a policy: never what the policy withholds."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from provenance import Blocked, Config, HeldForReview, Picture, Pipeline, Verifier
from provenance.errors import ConfigError, ModerationFailed, OutputError, SigningFailed, TooSmall
from provenance.evidence import Status
from provenance.moderate.interface import CATEGORIES, Action, Policy, Region, Rule
from provenance.moderate.moderator import Moderator
from provenance.moderate.review import FolderQueue
from provenance.pipeline import Statements
from provenance.registry.entry import Issued, Refused
from provenance.registry.log import Log
from provenance.registry.recorder import Recorder
from provenance.sign.interface import Generator
from provenance.testing import FixedClassifier
from provenance_cli import failures
from tests.conftest import make_scene

LADDERS = {
    action: Rule({action: 0.5}) for action in Action if action not in (Action.ALLOW, Action.FLAG)
}


class Sequenced(FixedClassifier):
    """Gives one score after another."""

    def __init__(self, *scores: float) -> None:
        super().__init__({"nudity": 0.0})
        self.left = list(scores)

    def scores(self, subject: object) -> dict[str, float]:
        self.seen.append(subject)  # type: ignore[arg-type]
        return {"nudity": self.left.pop(0)}


class Locating(FixedClassifier):
    """Says where."""

    def __init__(self, regions: Sequence[Region]) -> None:
        super().__init__({"nudity": 0.9})
        self._regions = regions

    def regions(self, picture: Picture, category: str) -> Sequence[Region]:
        assert category == "nudity"
        return self._regions


@pytest.fixture
def log(tmp_path) -> Log:
    return Log(tmp_path / "issued.jsonl")


@pytest.fixture
def queue(tmp_path) -> FolderQueue:
    return FolderQueue(tmp_path / "review")


def build(config: Config, policy: Policy, *pictures, prompts=(), **slots) -> Pipeline:
    watermarker = config.watermarker()
    parts = {
        "moderator": Moderator(policy, pictures, prompts),
        "watermarker": watermarker,
        "signer": config.signer(),
        "verifier": Verifier.standard(anchors=config.anchors(), watermarkers=[watermarker]),
        "says": Statements(Generator("test")),
        "anchors": config.anchors(),
    }
    return Pipeline(**{**parts, **slots})


def that(config: Config, action: Action, score: float = 0.9, **slots) -> Pipeline:
    """A pipeline whose policy takes one action."""
    policy = Policy("house", {"nudity": LADDERS[action]})
    return build(config, policy, FixedClassifier({"nudity": score}), **slots)


def actions_of(asset) -> list[dict[str, str]]:
    return asset.report.find("credentials")[0].details["actions"]


def is_sound(asset) -> bool:
    mark = asset.report.find("watermark")[0]
    return asset.report.verdict.outcome == "verified" and mark.status is Status.VERIFIED


def encoded(pixels: np.ndarray, kind: str, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def detail(plane: np.ndarray, cell: int = 8) -> float:
    """Mean squared difference of neighbouring cells, in which a mark's noise is averaged."""
    gray = plane.astype(np.float64)
    gray = gray if gray.ndim == 2 else gray.mean(axis=2)
    down, across = (side // cell for side in gray.shape)
    cells = gray[: cell * down, : cell * across].reshape(down, cell, across, cell)
    blocks = cells.mean(axis=(1, 3))
    return float(np.mean(np.diff(blocks, axis=0) ** 2) + np.mean(np.diff(blocks, axis=1) ** 2))


def stripes(height: int, width: int, bar: int = 8) -> np.ndarray:
    """Bars: detail that has to go."""
    bars = (np.arange(width) // bar % 2 * 160 + 40).astype(np.uint8)
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 20, (height, width, 3))
    return (np.broadcast_to(bars[None, :, None], (height, width, 3)) + noise).astype(np.uint8)


class TestBlur:
    def test_the_result_is_marked_signed_and_says_what_was_done(self, config, scene):
        asset = that(config, Action.BLUR)(scene)
        assert is_sound(asset)
        assert [a["action"] for a in actions_of(asset)] == [
            "c2pa.created",
            "c2pa.edited",
            "c2pa.watermarked.bound",
        ]
        assert asset.notes[0] == "blurred by policy 'house' for nudity"
        assert asset.decision.action is Action.BLUR

    @pytest.mark.parametrize("encoding", [".png", ".jpg", ".webp"])
    def test_the_detail_is_gone_in_every_format(self, config, encoding):
        source = stripes(512, 512)
        asset = that(config, Action.BLUR)(source, encoding=encoding)
        out = Picture.open(asset.data).pixels
        assert detail(out) < 0.01 * detail(source)

    def test_a_locator_spares_the_rest(self, config):
        source = stripes(512, 512)
        policy = Policy("house", {"nudity": LADDERS[Action.BLUR]})
        asset = build(config, policy, Locating([Region(0, 0, 200, 512)]))(source)
        out = Picture.open(asset.data).pixels
        assert is_sound(asset)
        assert detail(out[:, :200]) < 0.05 * detail(source[:, :200])
        assert detail(out[:, 260:]) > 0.9 * detail(source[:, 260:])

    @pytest.mark.parametrize("box", [(9000, 0, 9999, 10), (50, 50, 50, 90), (90, 0, 20, 99)])
    def test_a_box_that_is_none_blurs_everything(self, config, box):
        source = stripes(512, 512)
        policy = Policy("house", {"nudity": LADDERS[Action.BLUR]})
        asset = build(config, policy, Locating([Region(0, 0, 90, 90), Region(*box)]))(source)
        assert detail(Picture.open(asset.data).pixels) < 0.01 * detail(source)

    def test_a_locator_that_fails_holds_the_picture_back(self, config, scene):
        class Broken(Locating):
            def regions(self, picture, category):
                raise RuntimeError("a secret")

        policy = Policy("house", {"nudity": LADDERS[Action.BLUR]})
        with pytest.raises(ModerationFailed, match="RuntimeError") as info:
            build(config, policy, Broken([]))(scene)
        assert "secret" not in str(info.value)

    def test_gray_stays_gray(self, config, scene):
        asset = that(config, Action.BLUR)(encoded(scene[..., 0], "PNG"))
        assert Picture.open(asset.data).gray
        assert is_sound(asset)

    def test_outlines_in_the_transparency_go_as_well(self, config, scene):
        alpha = stripes(512, 512)[..., 0]
        asset = that(config, Action.BLUR)(encoded(np.dstack([scene, alpha]), "PNG"))
        out = Picture.open(asset.data)
        assert out.alpha is not None
        assert detail(out.alpha) < 0.01 * detail(alpha)

    def test_no_history_of_the_input_shows_what_was_blurred(self, config, pipeline, scene):
        before = pipeline(scene)
        asset = that(config, Action.BLUR, watermarker=replacing(config))(before.data)
        assert actions_of(asset)[0]["action"] == "c2pa.created"
        assert asset.report.find("credentials")[0].details["ingredients"] == []
        assert before.manifest_id.encode() not in asset.data
        assert any("credentials of the input were left out" in note for note in asset.notes)

    def test_too_small_is_refused_and_not_returned_sharp(self, config):
        with pytest.raises(TooSmall):
            that(config, Action.BLUR)(stripes(100, 100))

    def test_too_small_to_mark_is_still_blurred_when_signing_alone_is_allowed(self, config):
        source = stripes(96, 96, bar=2)
        asset = that(config, Action.BLUR, sign_too_small=True)(source)
        assert asset.watermark_id is None
        assert detail(Picture.open(asset.data).pixels, 2) < 0.01 * detail(source, 2)


def replacing(config: Config):
    from dataclasses import replace

    return replace(config, replace_mark=True).watermarker()


class TestReplace:
    @pytest.mark.parametrize(
        "size",
        [(256, 256), (192, 192), (256, 1500), (1500, 256), (300, 701), (1024, 1024), (2048, 2048)],
        ids=str,
    )
    @pytest.mark.parametrize("encoding", [".png", ".jpg"])
    def test_the_placeholder_carries_mark_and_signature(self, config, size, encoding):
        asset = that(config, Action.REPLACE)(make_scene(*size), encoding=encoding)
        assert is_sound(asset)
        assert (asset.height, asset.width) == size
        assert [a["action"] for a in actions_of(asset)] == [
            "c2pa.created",
            "c2pa.watermarked.bound",
        ]
        assert actions_of(asset)[0]["source_type"] == "algorithmicMedia"

    def test_it_is_not_called_generated_anywhere(self, config, scene):
        asset = that(config, Action.REPLACE)(scene)
        assert b"trainedAlgorithmicMedia" not in asset.data
        assert asset.report.find("credentials")[0].origin.value == "not stated as AI"

    def test_it_is_the_same_for_every_picture_but_the_mark(self, config, scene):
        pipeline = that(config, Action.REPLACE)
        one, two = (Picture.open(pipeline(each).data).pixels for each in (scene, 255 - scene))
        assert np.abs(one.astype(int) - two).mean() < 6

    def test_gray_and_transparent_inputs(self, config, scene):
        gray = that(config, Action.REPLACE)(encoded(scene[..., 0], "PNG"))
        assert Picture.open(gray.data).gray
        alpha = encoded(np.dstack([scene, scene[..., 0]]), "PNG")
        assert Picture.open(that(config, Action.REPLACE)(alpha).data).alpha is None

    def test_too_small(self, config):
        with pytest.raises(TooSmall):
            that(config, Action.REPLACE)(make_scene(100, 300))


class TestRegenerate:
    POLICY = Policy("house", {"nudity": LADDERS[Action.REGENERATE]}, attempts=2)

    def test_it_tries_again_until_the_policy_is_content(self, config, scene):
        calls = []
        classifier = Sequenced(0.9, 0.8, 0.1)
        generate = build(config, self.POLICY, classifier).wrap(lambda: calls.append(1) or scene)
        asset = generate()
        assert len(calls) == 3
        assert is_sound(asset)
        assert asset.notes[:2] == (
            "attempt 1 was discarded for nudity",
            "attempt 2 was discarded for nudity",
        )
        assert asset.decision.action is Action.ALLOW

    def test_after_the_last_attempt_it_blocks_and_the_log_says_so(self, config, scene, log):
        calls = []
        pipeline = build(
            config, self.POLICY, Sequenced(0.9, 0.9, 0.9, 0.0), recorder=Recorder(None, log)
        )
        with pytest.raises(Blocked) as info:
            pipeline.wrap(lambda: calls.append(1) or scene)()
        assert len(calls) == 3
        assert (info.value.category, info.value.stage) == ("nudity", "picture")
        (entry,) = log.export()
        assert entry.event == Refused("nudity", "picture", str(self.POLICY))

    def test_a_list_keeps_its_places(self, config):
        first, second, third = (make_scene(256, 256, seed) for seed in (1, 2, 3))
        made = [[first, second], [second, third]]
        pipeline = build(config, self.POLICY, Sequenced(0.0, 0.9, 0.0))
        assets = pipeline.wrap(lambda: made.pop(0))()
        likeness = [
            float(np.corrcoef(Picture.open(a.data).pixels.ravel(), want.ravel())[0, 1])
            for a, want in zip(assets, (first, third), strict=True)
        ]
        assert min(likeness) > 0.99

    def test_a_shorter_list_the_second_time_is_an_error(self, config, scene):
        made = [[scene, scene], [scene]]
        pipeline = build(config, self.POLICY, Sequenced(0.0, 0.9))
        with pytest.raises(Exception, match="returned 1 pictures when it was asked again"):
            pipeline.wrap(lambda: made.pop(0))()

    def test_what_cannot_be_generated_again_is_blocked_at_once(self, config, scene):
        classifier = Sequenced(0.9)
        with pytest.raises(Blocked):
            build(config, self.POLICY, classifier)(scene)
        assert len(classifier.seen) == 1

    def test_without_attempts_it_blocks(self, config, scene):
        policy = Policy("house", self.POLICY.rules, attempts=0)
        with pytest.raises(Blocked):
            build(config, policy, Sequenced(0.9)).wrap(lambda: scene)()


class TestReview:
    def test_held_then_released_by_a_person(self, config, scene, queue, log):
        recorder = Recorder(None, log)
        pipeline = that(config, Action.REVIEW, queue=queue, recorder=recorder)
        with pytest.raises(HeldForReview) as info:
            pipeline(scene, prompt="xyzzy")
        ticket = info.value.ticket
        assert queue.tickets() == (ticket,)
        assert str(info.value) == (
            f"policy 'house' holds the picture for review; it waits under ticket {ticket}"
        )
        asset = pipeline.release(ticket, "Ada", encoding=".jpg")
        assert is_sound(asset)
        assert asset.media_type == "image/jpeg"
        assert "approved by Ada" in asset.notes[0]
        assert b"xyzzy" not in asset.data
        assert queue.tickets() == ()
        held, issued = (entry.event for entry in log.export())
        assert isinstance(held, Refused)
        assert (held.category, held.ticket) == ("nudity", ticket)
        assert isinstance(issued, Issued)
        assert issued.action == "review"

    def test_every_pixel_comes_back(self, config, scene, queue):
        pixels = np.dstack([scene, stripes(512, 512)[..., 0]])
        with pytest.raises(HeldForReview) as info:
            that(config, Action.REVIEW, queue=queue)(encoded(pixels, "WEBP", lossless=True))
        held = queue.get(info.value.ticket)
        source = Picture.open(encoded(pixels, "WEBP", lossless=True))
        assert np.array_equal(held.picture.pixels, source.pixels)
        assert np.array_equal(held.picture.alpha, source.alpha)
        assert held.picture.encoding == source.encoding

    def test_history_of_the_input_waits_with_it(self, config, pipeline, scene, queue):
        before = pipeline(scene)
        slots = {"queue": queue, "watermarker": replacing(config)}
        gate = that(config, Action.REVIEW, **slots)
        with pytest.raises(HeldForReview) as info:
            gate(before.data)
        asset = gate.release(info.value.ticket, "Ada")
        assert actions_of(asset)[0]["action"] == "c2pa.opened"
        assert is_sound(asset)

    def test_a_failure_keeps_it_waiting(self, config, scene, queue):
        class Broken:
            subject, certificates = "CN=x", config.signer().certificates

            def open(self, timestamp=None):
                raise SigningFailed("the key is out of reach")

        with pytest.raises(HeldForReview) as info:
            that(config, Action.REVIEW, queue=queue)(scene)
        broken = that(config, Action.REVIEW, queue=queue, signer=Broken())
        with pytest.raises(SigningFailed):
            broken.release(info.value.ticket, "Ada")
        assert queue.tickets() == (info.value.ticket,)

    def test_without_a_queue_it_is_blocked(self, config, scene):
        pipeline = that(config, Action.REVIEW)
        with pytest.raises(Blocked):
            pipeline(scene)
        with pytest.raises(ConfigError, match="no review queue"):
            pipeline.release("20260101T000000-000000000000", "Ada")

    def test_a_queue_that_cannot_keep_it_returns_nothing(self, config, scene, tmp_path):
        (tmp_path / "file").write_text("in the way")
        queue = FolderQueue(tmp_path / "file")
        with pytest.raises(OutputError, match="could not be put into the queue"):
            that(config, Action.REVIEW, queue=queue)(scene)


class TestNoScoreIsToldToUsers:
    @pytest.mark.parametrize("action", [Action.BLUR, Action.REPLACE])
    def test_assets(self, config, scene, action):
        asset = that(config, action, score=0.87654)(scene)
        assert "0.87" not in json.dumps(asset.to_dict()["moderation"]) + str(asset.notes)
        assert "0.8765" in json.dumps(asset.decision.to_dict())

    def test_refusals(self, config, scene):
        with pytest.raises(Blocked) as info:
            that(config, Action.BLOCK, score=0.87654)(scene)
        assert "0.8" not in str(info.value)
        assert info.value.score == 0.87654

    def test_command_line(self, config, scene):
        for action in (Action.BLOCK, Action.REVIEW):
            with pytest.raises(Blocked) as info:
                that(config, action, score=0.87654)(scene)
            told = json.dumps(failures.record(info.value)) + failures.sentence(info.value)
            assert "0.8" not in told.replace(info.value.policy, "")


class TestFloor:
    """`sexual-minors`: no policy, prompt, message, log or file tells a score."""

    @pytest.mark.parametrize("score", [0.5, 0.98765])
    def test_blocked_under_an_empty_policy_without_a_score(self, config, scene, log, score):
        pipeline = build(
            config,
            Policy("lax", {"nudity": Rule()}, benign_prompt=10.0),
            FixedClassifier({"sexual-minors": score}),
            prompts=[FixedClassifier({"sexual-minors": 0.0})],
            recorder=Recorder(None, log),
        )
        with pytest.raises(Blocked) as info:
            pipeline(scene, prompt="anything")
        error = info.value
        assert (error.score, error.threshold) == (None, None)
        assert "minors" not in str(error)
        text = json.dumps([entry.to_dict() for entry in log.export()])
        told = f"{error!r} {error.__dict__} {text} {pickle.dumps(error)!r}"
        assert str(score) not in told

    def test_a_score_below_it_is_not_told_either(self, config, scene):
        asset = build(config, Policy(), FixedClassifier({"sexual-minors": 0.4321}))(scene)
        assert "4321" not in json.dumps(asset.decision.to_dict()) + json.dumps(asset.to_dict())

    def test_a_floor_in_the_queue_shows_no_score(self, config, scene, queue):
        policy = Policy("house", {"nudity": LADDERS[Action.REVIEW]})
        classifier = FixedClassifier({"nudity": 0.9, "sexual-minors": 0.4321})
        with pytest.raises(HeldForReview) as info:
            build(config, policy, classifier, queue=queue)(scene)
        facts = (queue.folder / info.value.ticket / "held.json").read_text()
        assert "4321" not in facts


class TestBothTogether:
    def test_a_flagged_prompt_blocks_what_would_have_passed(self, config, scene):
        rule = Rule({Action.BLOCK: 0.8}, {Action.FLAG: 0.5})
        policy = Policy("house", {"nudity": rule})

        def run(on_prompt: float):
            words = FixedClassifier({"nudity": on_prompt}, "words/1")
            look = FixedClassifier({"nudity": 0.7}, "look/1")
            return build(config, policy, look, prompts=[words])(scene, prompt="x")

        assert run(0.1).decision.action is Action.ALLOW
        with pytest.raises(Blocked) as info:
            run(0.6)
        assert info.value.threshold == pytest.approx(0.595, abs=1e-3)


class TestShortCircuits:
    def test_who_cannot_change_the_outcome_is_not_asked_and_that_is_said(self, config, scene):
        policy = Policy(
            "house", {"nudity": LADDERS[Action.REPLACE], "gore": Rule({Action.FLAG: 0.1})}
        )
        slow = FixedClassifier({"gore": 1.0}, "slow/1")
        asset = build(config, policy, FixedClassifier({"nudity": 0.9}), slow)(scene)
        assert slow.seen == []
        assert "slow/1 was not asked: nothing it scores could change the outcome" in asset.notes
        assert set(asset.decision.not_checked) == set(CATEGORIES) - {"nudity"}

    def test_who_watches_the_floor_is_always_asked(self, config, scene):
        policy = Policy("house", {"nudity": LADDERS[Action.REPLACE]})
        floor = FixedClassifier({"sexual-minors": 0.9}, "floor/1")
        with pytest.raises(Blocked):
            build(config, policy, FixedClassifier({"nudity": 0.9}), floor)(scene)


@pytest.mark.parametrize(
    "error",
    [
        HeldForReview("20260101T000000-000000000000", "nudity", "house@abc"),
        Blocked("sexual-minors", None, None, "house@abc", "prompt"),
    ],
)
def test_refusals_cross_process_boundaries(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.__dict__, str(again)) == (type(error), error.__dict__, str(error))
