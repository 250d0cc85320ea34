"""What a generator was given becomes the history of what it made."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from provenance import Picture, Pipeline, Verifier
from provenance._inputs import Inputs
from provenance.errors import Blocked, UnsupportedPicture
from provenance.evidence import Origin, Report


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
