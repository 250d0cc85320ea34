"""Headers first; pixels only where the plan asks; nothing in a file is fatal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provenance import Config, Pipeline
from provenance.audit.examine import Examiner
from provenance.audit.interface import Row, Sample, Shard, State, printable
from provenance.audit.plan import Asked, Pixels
from provenance.errors import ConfigError
from provenance.sign.mining import Permission, TrainingMining
from tests.audit.samples import picture

SHARD = Shard(7, "a shard", {})
QUICK = Asked(Pixels.ALL, detector=False, moderation=False, watermark=False)


def examined(data: bytes, asked: Asked = QUICK, path: str = "a.png", **others: object) -> Row:
    sample = Sample(path, 3, lambda: io.BytesIO(data))
    return Examiner(asked, **others).examine(sample, SHARD)  # type: ignore[arg-type]


class Counting(io.BytesIO):
    """Counts what is read of it."""

    got = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        Counting.got += len(data)
        return data


def test_headers_alone_read_a_head_alone() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=95)
    data = buffer.getvalue()
    assert len(data) > 500_000
    Counting.got = 0
    sample = Sample("a.jpg", 0, lambda: Counting(data))
    row = Examiner(Asked(Pixels.NONE)).examine(sample, SHARD)
    assert (row.width, row.height, row.size) == (900, 900, len(data))
    assert row.sha256 == ""
    assert Counting.got < 140_000


def test_a_claim_is_a_claim() -> None:
    row = examined(picture(claimed=True), Asked(Pixels.NONE))
    assert (row.claimed, row.result, row.examined) == ("generated", "unknown", "headers")
    assert row.generator.startswith("Stable Diffusion web UI")
    assert [f.code for f in row.evidence] == ["claims.a1111"]


def test_doubt_means_those_of_which_nothing_is_said() -> None:
    asked = replace(QUICK, pixels=Pixels.DOUBT)
    assert examined(picture(claimed=True), asked).examined == "headers"
    row = examined(picture(), asked)
    assert row.examined == "pixels"
    assert len(row.sha256) == 64
    assert row.fingerprint is None or len(row.fingerprint) == 64


def test_a_sample_is_the_same_every_time_and_of_its_size() -> None:
    asked = Asked(Pixels.SAMPLE, 0.2, seed=1)
    chosen = [asked.chosen(f"{n}.png") for n in range(20_000)]
    assert chosen == [asked.chosen(f"{n}.png") for n in range(20_000)]
    assert sum(chosen) / 20_000 == pytest.approx(0.2, abs=0.01)
    assert chosen != [Asked(Pixels.SAMPLE, 0.2, seed=2).chosen(f"{n}.png") for n in range(20_000)]
    with pytest.raises(ConfigError, match="expected above 0, at most 1"):
        Asked(Pixels.SAMPLE, 0.0)


def test_our_own_pictures_are_verified(
    config: Config, pipeline: Pipeline, scene: np.ndarray
) -> None:
    asked = replace(QUICK, watermark=True)
    row = examined(pipeline(scene).data, asked, config=config)
    assert (row.result, row.watermark) == ("generated", "ours")
    assert {f.code for f in row.evidence} >= {"credentials.trusted", "watermark.found"}
    stranger = examined(pipeline(scene).data, asked)
    assert stranger.claimed == "generated"
    assert stranger.watermark != "ours"


def test_credentials_are_read_without_decoding(config: Config, pipeline: Pipeline) -> None:
    from tests.conftest import make_scene

    asked = replace(QUICK, pixels=Pixels.NONE)
    row = examined(pipeline(make_scene(256, 256)).data, asked, config=config)
    assert (row.examined, row.result) == ("headers", "generated")
    assert len(row.sha256) == 64


def test_statements_against_training_are_found(config: Config, scene: np.ndarray) -> None:
    pipeline = Pipeline.from_config(replace(config, no_training=True))
    row = examined(pipeline(scene).data, config=config)
    assert "cawg.ai_generative_training" in row.opt_out
    assert TrainingMining.all(Permission.NOT_ALLOWED)


@pytest.mark.parametrize(
    ("xmp", "said"),
    [
        ('xmlns:p="http://ns.useplus.org/ldf/xmp/1.0/" p:DataMining='
         '"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"',
         "plus:DMI-PROHIBITED-AIMLTRAINING"),
        ('xmlns:t="http://www.w3.org/ns/tdmrep/" t:reservation="1"', "tdm:reservation"),
        ('xmlns:d="http://purl.org/dc/elements/1.1/" d:rights="all, noai, noimageai"', "noai"),
    ],
)  # fmt: skip
def test_opt_outs_in_xmp(xmp: str, said: str) -> None:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        f'"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description {xmp}/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", xmp=packet.encode())
    assert examined(buffer.getvalue(), Asked(Pixels.NONE)).opt_out == (said,)


@pytest.mark.parametrize(
    ("data", "path", "state"),
    [
        (b"", "a.png", State.CORRUPT),
        (b"no picture", "a.jpeg", State.CORRUPT),
        (b"no picture", "notes.txt", State.OTHER),
        (picture()[:200], "a.png", State.CORRUPT),
        (picture() + b"more", "a.png", State.OK),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "a.png", State.CORRUPT),
    ],
)
def test_what_is_no_whole_picture(data: bytes, path: str, state: State) -> None:
    row = examined(data, path=path)
    assert row.state is state
    assert bool(row.problem) == (state is not State.OK)


def test_a_bomb_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("L", (12_000, 12_000)).save(buffer, "PNG")
    row = examined(buffer.getvalue())
    assert row.state is State.REFUSED
    assert "limit" in row.problem
    assert examined(picture(), replace(QUICK, max_bytes=100)).state is State.REFUSED


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), EOFError("it ends"), OSError("gone")]
)
def test_what_cannot_be_read_is_said(error: Exception) -> None:
    def fail() -> io.BytesIO:
        raise error

    row = Examiner(QUICK).examine(Sample("a.png", 0, fail), SHARD)
    assert row.state is State.UNREADABLE
    assert row.problem.startswith("it could not be read (")


def test_a_film_and_an_animation() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    row = examined(buffer.getvalue(), path="a.gif")
    assert (row.state, row.examined) == (State.OK, "pixels")


def test_any_bytes_give_a_row(shared: Path) -> None:
    """Mutations of real files, none of which may raise."""
    random = np.random.default_rng(5)
    examiner = Examiner(QUICK)
    for path in sorted((shared / "corpus" / "meta").iterdir())[:20]:
        original = bytearray(path.read_bytes()[:200_000])
        for _ in range(5):
            data = bytearray(original)
            for place in random.integers(0, len(data), 20):
                data[place] = random.integers(0, 256)
            sample = Sample(path.name, 0, lambda data=bytes(data): io.BytesIO(data))
            assert examiner.examine(sample, SHARD).path == path.name


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a b.png", "a b.png"), ("é.png", "é.png"), ("\udcff.png", "\\xff.png"), ("a\nb", "a\\nb")],
)
def test_names_are_printable(name: str, shown: str) -> None:
    assert printable(name) == shown


def test_no_file_is_blamed_for_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from provenance.detect.pixels import PixelsCheck

    def fail(_check: PixelsCheck, _subject: object) -> None:
        raise ConfigError("the head is not the one that was measured")

    monkeypatch.setattr(PixelsCheck, "examine", fail)
    with pytest.raises(ConfigError, match="measured"):
        examined(picture(), replace(QUICK, detector=True))
