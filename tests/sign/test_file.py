"""Signing files: every format, the source untouched, nothing half-done, no history lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provenance.codec.limits import Limits
from provenance.errors import (
    InputError,
    OutputError,
    ReadbackFailed,
    SigningFailed,
    TooLarge,
    UnreadablePicture,
    UnsupportedPicture,
)
from provenance.evidence import Origin
from provenance.sign.development import create
from provenance.sign.file import sign_file
from provenance.sign.interface import Edit, Ingredient, Statement
from provenance.sign.local import LocalSigner
from provenance.verify.media import media_type
from tests import signed
from tests.sign.media import MADE, bmp

SAYS = Statement(signed.GENERATOR)
CORPUS = {
    "jpg": "c2pa-rs/jpg/no_manifest.jpg",
    "png": "c2pa-rs/png/libpng-test.png",
    "webp": "c2pa-rs/webp/test_lossless.webp",
    "gif": "c2pa-python/gif/sample1.gif",
    "avif": "c2pa-rs/avif/sample1.avif",
    "heif": "c2pa-rs/heif/sample1.heif",
    "dng": "c2pa-python/dng/C.dng",
    "svg": "c2pa-rs/svg/sample1.svg",
    "mp4": "c2pa-python/mp4/video1.mp4",
    "wav": "c2pa-python/wav/sample1_signed.wav",
    "pdf": "c2pa-rs/pdf/basic.pdf",
}


def run(source: Path, target: Path, says: Statement = SAYS, **options):
    return sign_file(source, target, says, signed.signer(), signed.anchors(), **options)


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "in.png"
    path.write_bytes(signed.encoded().data)
    return path


@pytest.mark.parametrize("suffix", MADE)
def test_every_format_is_signed_and_trusted(suffix, tmp_path):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    data = MADE[suffix]()
    source.write_bytes(data)
    made = run(source, target)
    assert source.read_bytes() == data
    assert target.stat().st_size == made.size
    assert signed.codes(target.read_bytes(), *signed.anchors()) == ["trusted"]
    assert made.evidence[0].details["manifest_id"] == made.manifest_id
    assert sorted(p.name for p in tmp_path.iterdir()) == [source.name, target.name]


@pytest.mark.parametrize("suffix", CORPUS)
def test_files_from_the_world_are_signed_and_trusted(suffix, shared, tmp_path):
    source = shared / "corpus" / "c2pa" / CORPUS[suffix]
    if not source.is_file():
        pytest.skip(f"needs {CORPUS[suffix]}")
    made = run(source, tmp_path / f"out.{suffix}")
    data = made.path.read_bytes()
    assert signed.codes(data, *signed.anchors())[0] == "trusted"
    assert media_type(data) == media_type(source.read_bytes())


def test_the_same_file_may_be_source_and_target(png):
    with pytest.raises(OutputError, match="exists already"):
        run(png, png)
    made = run(png, png, overwrite=True)
    assert signed.codes(made.path.read_bytes(), *signed.anchors()) == ["trusted"]


def test_existing_credentials_become_the_parent(tmp_path):
    first = signed.signed()
    source = tmp_path / "signed.png"
    source.write_bytes(first.data)
    made = run(source, tmp_path / "again.png")
    assert made.kept_history
    assert first.manifest_id.encode() in made.manifest
    (evidence,) = made.evidence
    assert [a["action"] for a in evidence.details["actions"]] == ["c2pa.opened"]
    assert evidence.origin is Origin.GENERATED


def test_damaged_credentials_are_kept_as_they_are_and_reported(tmp_path):
    first = signed.signed().data
    parts = signed.chunks(first)
    altered = signed.joined([*parts[:-1], (b"tEXt", b"a\0b"), parts[-1]])
    (tmp_path / "in.png").write_bytes(altered)
    made = run(tmp_path / "in.png", tmp_path / "out.png")
    assert [e.code for e in made.evidence] == [
        "credentials.trusted",
        "credentials.parent-not-verified",
    ]


def test_credentials_at_another_address_are_kept_as_a_parent(shared, tmp_path):
    source = shared / "corpus" / "c2pa" / "c2pa-rs" / "png" / "libpng-test_with_url.png"
    made = run(source, tmp_path / "out.png")
    assert made.kept_history
    assert [e.code for e in made.evidence][1:] == ["credentials.parent-not-verified"]


def test_credentials_that_cannot_be_read_are_not_dropped_in_silence(shared, tmp_path):
    for name in ("no_alg.jpg", "malformed_cbor.jpg"):
        source = shared / "corpus" / "c2pa" / "c2pa-rs" / "jpg" / name
        with pytest.raises(SigningFailed, match="already carries are broken"):
            run(source, tmp_path / "out.jpg")
        assert not (tmp_path / "out.jpg").exists()
    made = signed.signed()
    store = bytearray(made.manifest)
    store[60] ^= 0xFF
    (tmp_path / "in.png").write_bytes(signed.with_store(made.data, bytes(store)))
    assert run(tmp_path / "in.png", tmp_path / "out.png").kept_history


def test_an_edit_of_a_named_parent(tmp_path, png):
    parent = Ingredient(signed.signed(seed=4).data, "image/png", title="photo.png")
    says = Statement(signed.GENERATOR, parent=parent, edits=(Edit(),))
    made = run(png, tmp_path / "out.png", says)
    assert not made.kept_history
    assert [a["action"] for a in made.evidence[0].details["actions"]] == [
        "c2pa.opened",
        "c2pa.edited",
    ]
    assert made.evidence[0].origin is Origin.EDITED


def test_another_parent_does_not_push_out_the_history(tmp_path):
    source = tmp_path / "in.png"
    source.write_bytes(signed.signed(seed=1).data)
    other = Ingredient(signed.signed(seed=2).data, "image/png")
    with pytest.raises(SigningFailed, match="its history would be lost"):
        run(source, tmp_path / "out.png", Statement(signed.GENERATOR, parent=other))
    assert not (tmp_path / "out.png").exists()


def test_a_parent_whose_credentials_were_copied_along_is_history_enough(tmp_path):
    parent = signed.signed(seed=1)
    source = tmp_path / "edited.png"
    source.write_bytes(signed.with_store(signed.encoded(seed=2).data, parent.manifest))
    says = Statement(signed.GENERATOR, parent=Ingredient(parent.data, "image/png"), edits=(Edit(),))
    made = run(source, tmp_path / "out.png", says)
    assert [e.code for e in made.evidence] == ["credentials.trusted"]


def test_a_signer_outside_the_anchors_is_refused_unless_allowed(png, tmp_path):
    stranger = create("Stranger")
    signer = LocalSigner(stranger.certificates, stranger.key)
    target = tmp_path / "out.png"
    with pytest.raises(ReadbackFailed, match="signer is not trusted: the chain ends with"):
        sign_file(png, target, SAYS, signer, signed.anchors())
    assert not target.exists()
    made = sign_file(png, target, SAYS, signer, signed.anchors(), allow_untrusted=True)
    assert [e.code for e in made.evidence] == ["credentials.untrusted-signer"]


def test_files_that_cannot_be_signed(tmp_path):
    for name, data, error in (
        ("text.txt", b"hello", UnreadablePicture),
        ("empty.png", b"", UnreadablePicture),
        ("picture.bmp", bmp(), UnsupportedPicture),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(error):
            run(tmp_path / name, tmp_path / "out")
    with pytest.raises(InputError):
        run(tmp_path / "missing.png", tmp_path / "out")
    (tmp_path / "cut.png").write_bytes(signed.encoded().data[:60])
    with pytest.raises(SigningFailed, match="C2PA refused to sign the image/png file"):
        run(tmp_path / "cut.png", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(400_000_000)
    with pytest.raises(TooLarge, match="400,000,000 bytes, the limit is 268,435,456"):
        run(huge, tmp_path / "out.jpg")
    with pytest.raises(TooLarge):
        run(huge, tmp_path / "out.jpg", limits=Limits(max_bytes=1000))


def test_a_target_that_cannot_be_written(png, tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        run(png, tmp_path / "missing" / "out.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="exists already"):
        run(png, tmp_path / "link.png")


def test_what_expires_between_load_and_signing(png, tmp_path, monkeypatch):
    made = create("Late", start=datetime.now(UTC) - timedelta(days=1), days=2)
    signer = LocalSigner(made.certificates, made.key)

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=3)

    monkeypatch.setattr("provenance.sign.chain.datetime", Tomorrow)
    with pytest.raises(Exception, match="install a current certificate"):
        sign_file(png, tmp_path / "out.png", SAYS, signer, (made.anchors.decode(),))
