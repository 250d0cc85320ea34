"""What a generator was given becomes the history of what it made."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from provenance import Config, Picture, Pipeline, Verifier
from provenance._inputs import Inputs
from provenance.errors import Blocked, UnsupportedPicture
from provenance.evidence import Origin, Report
from provenance.moderate.moderator import Moderator


@pytest.fixture
def other(scene: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(scene[::-1, :, ::-1])


def relationships(report: Report) -> list[str]:
    return sorted(i["relationship"] for i in report.find("credentials")[0].details["ingredients"])


def test_references_are_inputs(
    pipeline: Pipeline, verifier: Verifier, scene: np.ndarray, other: np.ndarray
) -> None:
    given = Inputs(references=(other, Image.fromarray(other), Picture.from_array(other)))
    (asset,) = pipeline.protect([scene], inputs=given)
    report = verifier.verify(asset.data)
    assert relationships(report) == ["inputTo"] * 3
    assert report.verdict.origin is Origin.GENERATED
    assert not [note for note in asset.notes if "history" in note]


def test_the_picture_that_was_edited_is_the_parent(
    pipeline: Pipeline, verifier: Verifier, scene: np.ndarray, other: np.ndarray
) -> None:
    before = pipeline(other)
    (asset,) = pipeline.protect([scene], inputs=Inputs(edited=before.data, references=[other]))
    report = verifier.verify(asset.data)
    assert relationships(report) == ["inputTo", "parentOf"]
    assert report.verdict.origin is Origin.EDITED
    assert report.find("credentials")[0].code == "credentials.trusted"
    assert [note for note in asset.notes if "history" in note]


def test_an_input_that_is_no_picture_is_refused_before_generating(pipeline: Pipeline) -> None:
    def generate() -> list[np.ndarray]:
        pytest.fail("must not run")

    with pytest.raises(UnsupportedPicture, match="an input of the generator is a dict"):
        pipeline.make(generate, inputs=Inputs(edited={}))


def test_issued_knows_our_own_files_alone(
    pipeline: Pipeline, scene: np.ndarray, other: np.ndarray
) -> None:
    asset = pipeline(scene)
    assert pipeline.issued(asset.data)
    assert not pipeline.issued(asset.data[:-400] + bytes(400))
    assert not pipeline.issued(b"not a picture")
    assert not pipeline.issued(b"")


def test_prompts_can_be_checked_alone(pipeline: Pipeline) -> None:
    pipeline.check_prompts(["a lighthouse at dusk"])
    with pytest.raises(Blocked):
        pipeline.check_prompts(["a lighthouse at dusk", "naked child"])


def test_checked_prompts_are_not_checked_twice_by_the_same_moderator(
    config: Config, scene: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, other = Pipeline.from_config(config), Pipeline.from_config(config)
    checked = pipeline.check_prompts(["a lighthouse at dusk"])
    assert checked == ("a lighthouse at dusk",)
    asked: list[str] = []
    monkeypatch.setattr(Moderator, "check_prompt", lambda self, prompt: asked.append(prompt) or ())
    for by, prompts, again in (
        (pipeline, checked, []),
        (other, checked, [*checked]),
        (pipeline, checked[:1], [*checked]),
        (pipeline, [*checked], [*checked]),
    ):
        asked.clear()
        by.protect([scene], prompts=prompts)
        assert asked == again


def test_what_was_found_in_checked_prompts_is_kept(pipeline: Pipeline, scene: np.ndarray) -> None:
    prompts = ["a lighthouse at dusk"]
    (twice,), (once,) = (
        pipeline.protect([scene], prompts=each)
        for each in (prompts, pipeline.check_prompts(prompts))
    )
    assert once.decision.findings == twice.decision.findings
    assert "prompt" in {finding.stage for finding in once.decision.findings}
