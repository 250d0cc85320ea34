"""Signing: what goes into the file, what stays out, and that the pixels stay as they are."""

from __future__ import annotations

import io
import json
import uuid

import numpy as np
import pytest
from PIL import Image

from provenance import _c2pa
from provenance.errors import SigningFailed
from provenance.evidence import Origin
from provenance.sign.interface import Generator, Mark, Parent, SourceType, Statement
from provenance.sign.manifest import GENERATION
from provenance.sign.sign import sign
from provenance.watermark.payload import Payload
from tests import signed

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")
PROMPT = "a lighthouse that nobody else may know of"


def manifest(data: bytes) -> dict:
    """The active manifest as c2pa reads it."""
    c2pa = _c2pa.load()
    with _c2pa.context() as context, c2pa.Reader(None, io.BytesIO(data), context=context) as reader:
        store = json.loads(reader.json())
    return store["manifests"][store["active_manifest"]]


def assertion(data: bytes, label: str) -> dict:
    return next(a for a in manifest(data)["assertions"] if a["label"] == label)["data"]


def signed_as(statement: Statement) -> bytes:
    return sign(signed.encoded(), statement, signed.signer()).data


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_signs_and_reads_back_trusted(kind):
    made = signed.signed(kind)
    evidence = signed.examined(made.data, *signed.anchors())
    assert [e.code for e in evidence] == ["credentials.trusted"]
    assert evidence[0].details["manifest_id"] == made.manifest_id


@pytest.mark.parametrize("kind", FORMATS)
def test_signing_leaves_the_decoded_pixels_alone(kind):
    before = np.asarray(Image.open(io.BytesIO(signed.encoded(kind).data)))
    after = np.asarray(Image.open(io.BytesIO(signed.signed(kind).data)))
    np.testing.assert_array_equal(before, after)


def test_signing_a_png_adds_one_chunk_and_nothing_else():
    plain = signed.chunks(signed.encoded().data)
    made = signed.signed()
    assert [c for c in signed.chunks(made.data) if c[0] != b"caBX"] == plain
    assert signed.store_of(made.data) == made.manifest


def test_the_manifest_is_small_for_want_of_thumbnails():
    assert len(signed.signed().manifest) < 6000


def test_every_picture_gets_an_id_of_its_own():
    ids = {signed.signed().manifest_id for _ in range(3)}
    assert len(ids) == 3
    for label in ids:
        assert label.startswith("urn:c2pa:")
        assert uuid.UUID(label.removeprefix("urn:c2pa:")).version == 4


def test_the_first_action_says_who_made_it_and_how():
    data = signed_as(Statement(Generator("maker", "2.1"), SourceType.ALGORITHMIC))
    (action,) = assertion(data, "c2pa.actions.v2")["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/algorithmicMedia")
    assert action["softwareAgent"] == {"name": "maker", "version": "2.1"}


def test_an_unknown_version_is_left_out():
    data = signed_as(Statement(Generator("maker")))
    (action,) = assertion(data, "c2pa.actions.v2")["actions"]
    assert action["softwareAgent"] == {"name": "maker"}


def test_the_watermark_is_named_with_its_payload():
    payload = Payload(0x0123456789ABCDEF)
    data = signed_as(Statement(signed.GENERATOR, mark=Mark("com.example.mark.1", payload)))
    actions = [a["action"] for a in assertion(data, "c2pa.actions.v2")["actions"]]
    assert actions == ["c2pa.created", "c2pa.watermarked.bound"]
    evidence, named = signed.examined(data, *signed.anchors())
    assert evidence.details["soft_bindings"] == [
        {"algorithm": "com.example.mark.1", "payload": payload.hex}
    ]
    assert named.code == "bindings.unknown"


def test_our_assertions_are_vouched_for_not_merely_gathered():
    mark = Mark("com.example.mark.1", Payload(1))
    data = signed_as(Statement(signed.GENERATOR, mark=mark, prompt=PROMPT))
    assert all(a.get("created") for a in manifest(data)["assertions"] if "hash" not in a["label"])


def test_a_prompt_stays_out_unless_it_is_given():
    assert b"prompt" not in signed.signed().data
    data = signed_as(Statement(signed.GENERATOR, prompt=PROMPT))
    assert PROMPT.encode() in data
    assert assertion(data, GENERATION) == {"prompt": PROMPT}


def test_a_prompt_over_c2pas_limit_is_refused_and_not_repeated():
    with pytest.raises(SigningFailed, match="publish a shorter prompt, or none") as info:
        signed_as(Statement(signed.GENERATOR, prompt="secret " * 160_000))
    assert "secret" not in str(info.value)


@pytest.mark.parametrize("prompt", ["", "\0\n\x1b[31m", '"}]}', "日本語 🏔", "{0}"])
def test_any_text_can_be_published(prompt):
    data = signed_as(Statement(signed.GENERATOR, prompt=prompt))
    assert assertion(data, GENERATION) == {"prompt": prompt}


def test_text_that_is_not_unicode_is_refused_and_not_repeated():
    with pytest.raises(SigningFailed) as info:
        signed_as(Statement(signed.GENERATOR, prompt="secret \ud800"))
    assert "secret" not in str(info.value)


def test_a_parent_is_kept_with_its_history():
    grandparent = signed.signed(seed=1)
    parent = signed.signed(seed=2, parent=grandparent.data)
    child = signed.signed("JPEG", seed=3, parent=parent.data)
    (evidence,) = signed.examined(child.data, *signed.anchors())
    assert evidence.code == "credentials.trusted"
    assert evidence.details["ingredients"] == [{"title": "input", "relationship": "parentOf"}]
    assert [a["action"] for a in evidence.details["actions"]] == ["c2pa.opened"]
    for ancestor in (grandparent, parent):
        assert ancestor.manifest_id.encode() in child.manifest
    # The origin is stated by the first of the line.
    assert evidence.origin is Origin.GENERATED


def test_a_parent_without_credentials_is_an_ingredient_too():
    child = signed.signed(parent=signed.encoded(seed=1).data)
    assert signed.codes(child.data, *signed.anchors()) == ["trusted"]


def test_a_parent_that_is_no_picture_is_refused():
    broken = Parent(b"nothing", "image/png")
    with pytest.raises(SigningFailed, match="C2PA refused"):
        sign(signed.encoded(), Statement(signed.GENERATOR, parent=broken), signed.signer())


def test_what_is_shown_of_the_result_is_its_id():
    made = signed.signed()
    assert repr(made) == f"Signed(manifest_id={made.manifest_id!r})"
