"""Absent weights, a missing calibration, and one that is there: what the check says of each."""

from __future__ import annotations

import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from provenance.codec.limits import Limits
from provenance.detect.published import calibrate as command
from provenance.detect.published import check as module
from provenance.detect.published.calibration import Calibration, Rate
from provenance.detect.published.check import PublishedCheck, installed, known
from provenance.detect.published.community_forensics import (
    FILE,
    MODEL,
    CommunityForensics,
    prepared,
)
from provenance.detect.published.on_clip import HEAD, UFD, OnClip
from provenance.evidence import Origin, Status
from provenance.moderate.heads import Head
from provenance.picture import Picture
from provenance.verify.fusion import fuse
from provenance.verify.interface import Subject
from provenance.weights.interface import Weights, WeightsMissing
from tests.detect.published.test_arrays import written
from tests.detect.published.test_vit import tiny


class Folder:
    """A store of one model."""

    def __init__(self, model: str, files: dict[str, Path]) -> None:
        self.model = model
        self.files = files

    def get(self, model: str) -> Weights:
        if model != self.model:
            raise WeightsMissing(model, f"the weights of {model} are not on this machine")
        return Weights(model, "1", self.files, "MIT")


class Fixed:
    """A detector that gives one number."""

    name, model, least = "fixed", "fixed-model", 128

    def __init__(self, logit: float) -> None:
        self._logit = logit

    def digest(self) -> str:
        return "d"

    def logit(self, picture: Picture) -> float:
        return self._logit


def subject(pixels: np.ndarray) -> Subject:
    out = io.BytesIO()
    Picture.from_array(pixels).to_pil().save(out, "PNG")
    return Subject(out.getvalue(), "image/png", Limits())


def calibration(digest: str = "d") -> Calibration:
    return Calibration("fixed-model", digest, 1.0, Rate.of(300, 400), Rate.of(1, 400))


def test_without_weights_it_says_how_to_get_them(scene, monkeypatch, tmp_path):
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path))
    (found,) = PublishedCheck(CommunityForensics()).examine(subject(scene))
    assert (found.code, found.status) == ("commfor.no-weights", Status.UNCHECKED)
    assert f"provenance models pull {MODEL}" in found.explanation


def test_a_detector_that_nobody_configured_says_where(scene, monkeypatch, tmp_path):
    monkeypatch.setenv("PROVENANCE_MODELS", str(tmp_path))
    (found,) = PublishedCheck(OnClip.universal_fake_detect()).examine(subject(scene))
    assert (found.code, found.status) == ("ufd.not-usable", Status.UNCHECKED)
    assert "models.toml" in found.explanation


def test_uncalibrated_it_counts_for_nothing(scene):
    store = Folder("fixed-model", {})
    (found,) = PublishedCheck(Fixed(9.0), store=store).examine(subject(scene))
    assert (found.code, found.status) == ("fixed.uncalibrated", Status.UNCHECKED)
    assert found.weight is None
    assert found.origin is Origin.UNKNOWN
    assert found.score == pytest.approx(1.0, abs=1e-3)
    assert "calibrate" in found.advice
    assert fuse((found,)) is None


def test_calibrated_it_counts(scene):
    (found,) = PublishedCheck(Fixed(9.0), calibration()).examine(subject(scene))
    assert (found.code, found.status) == ("fixed.generated", Status.SUGGESTED)
    assert found.weight is not None
    assert found.false_positive_rate == pytest.approx(0.0025)
    assert found.details["detection_rate"]["pictures"] == 400
    fused = fuse((found,))
    assert fused is not None
    assert fused.probability > 0.9


def test_under_the_threshold_it_says_nothing(scene):
    (found,) = PublishedCheck(Fixed(0.0), calibration()).examine(subject(scene))
    assert (found.code, found.status) == ("fixed.unsure", Status.ABSENT)
    assert found.weight is None


def test_a_calibration_of_other_weights_is_refused(scene):
    (found,) = PublishedCheck(Fixed(9.0), calibration("e")).examine(subject(scene))
    assert found.code == "fixed.not-usable"
    assert "other weights" in found.explanation


def test_the_calibration_beside_the_weights_is_used(scene, tmp_path):
    path = tmp_path / "calibration.json"
    path.write_bytes(calibration().to_json())
    store = Folder("fixed-model", {"calibration.json": path})
    (found,) = PublishedCheck(Fixed(9.0), store=store).examine(subject(scene))
    assert found.code == "fixed.generated"


@pytest.mark.parametrize("logit", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_not_checked(scene, logit):
    (found,) = PublishedCheck(Fixed(logit), calibration()).examine(subject(scene))
    assert found.code == "fixed.failed"


@pytest.mark.parametrize("logit", [1e300, -1e300])
def test_an_absurd_number_is_no_crash(scene, logit):
    (found,) = PublishedCheck(Fixed(logit), calibration()).examine(subject(scene))
    assert found.score in (0.0, 1.0)


def test_small_pictures_and_others_are_not_judged():
    small = np.zeros((100, 300, 3), np.uint8)
    check = PublishedCheck(Fixed(0.0), calibration())
    assert check.examine(subject(small))[0].code == "fixed.too-small"
    pdf = Subject(b"%PDF-1.7", "application/pdf", Limits())
    assert check.examine(pdf)[0].code == "fixed.no-pixels"


def commfor(folder: Path) -> Folder:
    path = folder / FILE
    path.write_bytes(written(tiny()))
    return Folder(MODEL, {FILE: path})


def test_the_architecture_runs_from_its_file(tmp_path, scene, monkeypatch):
    """Untrained weights of the real layout, of a smaller network."""
    monkeypatch.setattr("provenance.detect.published.community_forensics._SIDE", 48)
    detector = CommunityForensics(commfor(tmp_path))
    picture = Picture.from_array(scene)
    assert np.isfinite(detector.logit(picture))
    assert detector.logit(picture) == detector.logit(picture)
    assert len(detector.digest()) == 64


@pytest.mark.parametrize("shape", [(128, 128), (1, 4000), (3000, 2), (600, 900), (441, 440)])
def test_every_picture_becomes_384_pixels(shape):
    found = prepared(Picture.from_array(np.full((*shape, 3), 255, np.uint8)))
    assert found.shape == (1, 3, 384, 384)
    assert np.allclose(found[0, :, 0, 0], (1 - 0.45) / 0.225, atol=0.35)


def test_the_middle_is_seen():
    pixels = np.zeros((440, 880, 3), np.uint8)
    pixels[28:412, 248:632] = 255
    found = prepared(Picture.from_array(pixels))
    assert found.min() > 2


class Tower:
    """Embeddings that are not of length 1, as the towers' engines give them."""

    identity = "tower"

    def __init__(self) -> None:
        self.recipe = self

    def preprocess(self, pictures: list[Picture]) -> np.ndarray:
        return np.array([[p.width, p.height] for p in pictures], np.float32)

    def engine(self) -> Tower:
        return self

    def pictures(self, given: np.ndarray) -> np.ndarray:
        return given

    def embed_pictures(self, pictures: list[Picture]) -> np.ndarray:
        rows = self.preprocess(pictures)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("unit", "expected"), [(True, 0.2), (False, 100.0)])
def test_a_head_gets_the_vectors_it_was_trained_on(tmp_path, unit, expected):
    path = tmp_path / HEAD
    head = {"weight": np.array([[1, -1]], np.float32), "bias": np.zeros(1, np.float32)}
    path.write_bytes(written(head))
    detector = OnClip("h", "m", lambda: Head.load(path), Tower, unit=unit)
    picture = Picture.from_array(np.zeros((300, 400, 3), np.uint8))
    assert detector.logit(picture) == pytest.approx(expected)
    assert len(detector.digest()) == 64


def test_the_linear_head_of_ufd_comes_from_the_store(tmp_path, monkeypatch):
    path = tmp_path / HEAD
    head = {"weight": np.array([[1, -1]], np.float32), "bias": np.ones(1, np.float32)}
    path.write_bytes(written(head))
    monkeypatch.setattr("provenance.detect.published.on_clip.load_tower", lambda *_, **__: Tower())
    detector = OnClip.universal_fake_detect(Folder(UFD, {HEAD: path}))
    picture = Picture.from_array(np.zeros((300, 400, 3), np.uint8))
    assert detector.logit(picture) == pytest.approx(101)


def test_only_what_is_here_is_asked(tmp_path):
    assert installed(Folder("another", {})) == ()
    (check,) = installed(commfor(tmp_path))
    assert check.name == "commfor"
    assert set(known()) == {MODEL, UFD}


def folders(top: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(2)
    for kind, level in (("real", 0), ("generated", 255)):
        for at in range(44):
            folder = top / kind / f"source{at % 4}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.full((130, 130, 3), level, np.uint8)
            pixels[:16, :16] = rng.integers(0, 256, (16, 16, 3))
            Picture.from_array(pixels).to_pil().save(folder / f"{at}.png")
    return top / "real", top / "generated"


class Brightness(Fixed):
    """Calls bright pictures generated."""

    def logit(self, picture: Picture) -> float:
        return float(picture.pixels.mean() / 25.5 - 5)


def test_calibrating_on_ones_own_pictures(tmp_path, monkeypatch, capsys):
    home = tmp_path / "models"
    monkeypatch.setenv("PROVENANCE_MODELS", str(home))
    own = tmp_path / "own.toml"
    own.write_text(
        '[fixed-model]\npurpose="p"\nlicence="MIT"\nsource="url"\norigin="https://a.example/b"\n'
        '[fixed-model.files]\n"w.json"={}\n'
    )
    monkeypatch.setattr(
        module.Store, "standard", classmethod(lambda cls: cls(home, _catalogue(own)))
    )
    _import_weights(home, own, tmp_path)
    monkeypatch.setattr(command, "known", lambda: {"fixed-model": Brightness(0)})
    real, generated = folders(tmp_path)
    arguments = ["fixed-model", "--real", os.fspath(real), "--generated", os.fspath(generated)]
    assert command.main(arguments) == 0
    assert "100.0% of generated pictures found, 0.0% of real ones wrong" in capsys.readouterr().out
    (found,) = PublishedCheck(Brightness(0)).examine(subject(np.full((200, 200, 3), 255, np.uint8)))
    assert found.code == "fixed.generated"
    kept = json.loads((home / "fixed-model" / "imported" / "calibration.json").read_text())
    assert kept["found"]["pictures"] == 22


def _catalogue(own: Path):
    from provenance.weights.catalogue import Catalogue

    return Catalogue.standard(own)


def _import_weights(home: Path, own: Path, folder: Path) -> None:
    from provenance.weights.pull import Source, pull
    from provenance.weights.store import Store

    (folder / "w.json").write_text("{}")
    pull(Store(home, _catalogue(own)), "fixed-model", Source(folder=folder))


def test_calibrating_what_is_not_known(capsys):
    assert command.main(["nothing", "--real", ".", "--generated", "."]) == 2
    assert "expected community-forensics-384" in capsys.readouterr().err


def test_an_absurd_share_is_refused(capsys):
    arguments = [MODEL, "--real", ".", "--generated", ".", "--allowed", "2"]
    assert command.main(arguments) == 2
    assert "--allowed" in capsys.readouterr().err


def test_checks_travel_to_other_processes():
    for detector in known().values():
        copy = pickle.loads(pickle.dumps(PublishedCheck(detector)))
        assert copy.name == detector.name
