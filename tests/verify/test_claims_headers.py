"""Claims from headers alone, for audits."""

from __future__ import annotations

import os

import pytest

from provenance.errors import InputError
from provenance.evidence import Origin
from provenance.verify.headers import claims_of, headers_of
from tests.claims import files

LINE = "a cat\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512"


def test_claims_of_a_file(tmp_path):
    path = tmp_path / "picture.bin"
    path.write_bytes(files.png(files.text("parameters", LINE), late=True))
    (claim,) = claims_of(path)
    assert (claim.family, claim.origin) == ("a1111", Origin.GENERATED)
    assert headers_of(str(path)).kind == "PNG"


def test_a_file_without_pixels_still_has_claims(tmp_path):
    whole = files.png(files.text("parameters", LINE))
    path = tmp_path / "cut.png"
    path.write_bytes(whole[: whole.index(b"IDAT")])
    assert [c.family for c in claims_of(path)] == ["a1111"]


def test_other_files_have_none(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text(LINE)
    assert claims_of(path) == ()
    assert headers_of(path).kind == ""


@pytest.mark.parametrize("name", ["missing.png", "", "a\0b"])
def test_files_that_cannot_be_read(tmp_path, name):
    with pytest.raises(InputError, match=r"could not be read|no regular file"):
        claims_of(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no regular file"):
        claims_of(tmp_path / "pipe")
