"""A picture that lost its credentials finds them again; one that borrowed a mark is found out."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from provenance import Picture, Verifier
from provenance.codec.encode import encode
from provenance.codec.limits import Limits
from provenance.errors import RegistryUnavailable
from provenance.evidence import Origin, Outcome, Status
from provenance.picture import Encoding
from provenance.registry.fingerprint import fingerprint
from provenance.registry.guard import tiles
from provenance.registry.interface import Record
from provenance.registry.recovery import RecoveryCheck
from provenance.registry.remember import Remembering
from provenance.registry.store import SqlRegistry
from provenance.sign.interface import Mark, Statement
from provenance.sign.sign import sign
from provenance.verify.claims import ClaimsCheck
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.interface import Subject
from provenance.verify.mark import MarkCheck
from provenance.verify.media import media_type
from provenance.watermark.interface import Payload, Reading
from tests.conftest import make_scene
from tests.signed import GENERATOR

PAYLOAD = Payload.from_hex("01" + "ab" * 7)


@pytest.fixture(scope="module")
def original():
    return Picture.from_array(make_scene(512, 640))


@pytest.fixture(scope="module")
def watermarker(config):
    return Remembering(config.watermarker())


@pytest.fixture(scope="module")
def marked(original, watermarker):
    return watermarker.embed(original, PAYLOAD)


@pytest.fixture(scope="module")
def issued(config, marked, watermarker):
    """A record as the pipeline makes it, and the signed file."""
    encoded = encode(marked, Encoding("PNG"))
    statement = Statement(GENERATOR, mark=Mark(watermarker.algorithm, PAYLOAD))
    made = sign(encoded, statement, config.signer())
    reading = watermarker.extract(marked)
    record = Record(
        manifest_id=made.manifest_id,
        manifest=made.manifest,
        sha256=hashlib.sha256(made.data).hexdigest(),
        media_type=encoded.media_type,
        width=encoded.width,
        height=encoded.height,
        created_at=datetime.now(UTC),
        key_id="ab" * 32,
        policy="standard",
        action="allow",
        watermark_algorithm=watermarker.algorithm,
        payload=PAYLOAD.hex,
        tiles=tiles(reading.details, marked.width, marked.height),
        fingerprint=fingerprint(marked),
    )
    assert reading.payload == PAYLOAD
    assert record.tiles is not None
    return record, made.data


@pytest.fixture
def registry(tmp_path, issued):
    made = SqlRegistry(tmp_path / "registry.db")
    made.add(issued[0])
    yield made
    made.close()


@pytest.fixture
def check(registry, watermarker, config):
    return RecoveryCheck(registry, [watermarker], config.anchors())


def subject(picture, kind="PNG"):
    data = encode(picture, Encoding(kind)).data if isinstance(picture, Picture) else picture
    return Subject(data, media_type(data), Limits())


def examined(check, picture, kind="PNG"):
    (evidence,) = check.examine(subject(picture, kind))
    json.dumps(evidence.to_dict())
    assert evidence.source == check.name == "recovery"
    return evidence


def cropped(picture, share):
    height, width = (int(share * n) for n in picture.pixels.shape[:2])
    return Picture.from_array(picture.pixels[-height:, -width:].copy())


def compressed(picture, quality):
    buffer = io.BytesIO()
    picture.to_pil().save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def test_a_stripped_picture(check, marked, issued):
    found = examined(check, marked)
    assert found.code == "recovery.found-by-watermark"
    assert found.status is Status.VERIFIED
    assert found.origin is Origin.GENERATED
    assert found.details["manifest_id"] == issued[0].manifest_id
    assert found.details["payload"] == PAYLOAD.hex
    assert found.details["resemblance"] == "same"
    assert found.details["distance"] <= 4
    assert found.details["signature"] == "trusted"
    assert found.details["share"] == pytest.approx(1, abs=0.01)
    assert "does not cover these pixels" in found.explanation
    assert "signed by Provenance development signer" in found.explanation


def test_a_recompressed_and_cropped_picture(check, marked, issued):
    found = examined(check, compressed(cropped(marked, 0.9), 85))
    assert found.code == "recovery.found-by-watermark"
    assert found.status is Status.VERIFIED
    assert found.details["resemblance"] == "edited"
    assert found.details["manifest_id"] == issued[0].manifest_id


def test_a_small_part_is_found_and_not_vouched_for(check, marked):
    found = examined(check, cropped(marked, 0.6))
    assert found.code == "recovery.found-by-watermark"
    assert found.status is Status.CLAIMED
    assert found.details["resemblance"] == "unclear"
    assert "cannot be told" in found.explanation


def test_without_a_mark_it_is_found_by_its_looks(check, original, issued):
    found = examined(check, compressed(original, 50))
    assert found.code == "recovery.found-by-fingerprint"
    assert found.status is Status.CLAIMED
    assert found.details["manifest_id"] == issued[0].manifest_id
    assert found.details["candidates"][0]["distance"] == found.details["distance"]
    assert "Looks prove nothing" in found.explanation


def test_bars_around_it_do_not_hide_its_looks(check, original, issued):
    framed = np.zeros((800, 640, 3), np.uint8)
    framed[144:656] = original.pixels
    found = examined(check, Picture.from_array(framed))
    assert found.code == "recovery.found-by-fingerprint"
    assert found.details["manifest_id"] == issued[0].manifest_id


def test_a_mark_moved_onto_another_picture(check, watermarker):
    rng = np.random.default_rng(4)
    blots = Image.fromarray(rng.integers(40, 216, (12, 16, 3), np.uint8))
    other = Picture.from_pil(blots.resize((640, 512), Image.Resampling.BICUBIC))
    stolen = watermarker.embed(other, PAYLOAD)
    assert watermarker.extract(stolen).payload == PAYLOAD
    found = examined(check, stolen)
    assert found.code == "recovery.transplanted"
    assert found.status is Status.FAILED
    assert found.origin is Origin.UNKNOWN
    assert found.details["distance"] > 88


def test_a_picture_never_issued(check):
    rng = np.random.default_rng(8)
    found = examined(check, Picture.from_array(rng.integers(0, 256, (300, 300, 3), np.uint8)))
    assert (found.code, found.status) == ("recovery.none", Status.ABSENT)


def test_a_mark_without_a_record(check, original, watermarker):
    stranger = Picture.from_array(original.pixels[::-1].copy())
    found = examined(check, watermarker.embed(stranger, Payload.random()))
    assert found.code in ("recovery.none", "recovery.found-by-fingerprint")
    assert found.status in (Status.ABSENT, Status.CLAIMED)


def test_two_records_under_one_payload(check, registry, marked, issued):
    """A payload used twice: the record that looks like the picture is taken."""
    other = replace(
        issued[0],
        manifest_id="urn:c2pa:other",
        fingerprint=fingerprint(Picture.from_array(make_scene(512, 640, 5)[::-1].copy())),
    )
    registry.add(other)
    assert examined(check, marked).details["manifest_id"] == issued[0].manifest_id


def test_a_signer_that_is_not_listed(registry, watermarker, marked, original):
    check = RecoveryCheck(registry, [watermarker])
    for picture, code in ((marked, "watermark"), (original, "fingerprint")):
        found = examined(check, picture)
        assert found.code == f"recovery.found-by-{code}"
        assert found.status is Status.CLAIMED
        assert "not on your trust list" in found.explanation


@pytest.mark.parametrize("change", [{"manifest": b"nonsense"}, {"manifest_id": "urn:c2pa:x"}])
def test_an_altered_registry(tmp_path, watermarker, config, marked, original, issued, change):
    registry = SqlRegistry(tmp_path / "altered.db")
    registry.add(replace(issued[0], **change))
    check = RecoveryCheck(registry, [watermarker], config.anchors())
    for picture in (marked, original):
        found = examined(check, picture)
        assert (found.code, found.status) == ("recovery.record-damaged", Status.UNCHECKED)
    registry.close()


def test_without_a_watermark_key(registry, config, marked):
    found = examined(RecoveryCheck(registry, (), config.anchors()), marked)
    assert found.code == "recovery.found-by-fingerprint"


def test_a_registry_that_cannot_be_used(watermarker, marked, tmp_path):
    (tmp_path / "registry.db").write_bytes(b"no database" * 1000)
    registry = SqlRegistry(tmp_path / "registry.db")
    with pytest.raises(RegistryUnavailable):
        registry.count()
    found = examined(RecoveryCheck(registry, [watermarker]), marked)
    assert (found.code, found.status) == ("recovery.unavailable", Status.UNCHECKED)
    assert "damaged" in found.explanation


def test_a_file_without_pixels(check):
    found = examined(check, b"%PDF-1.7\n")
    assert (found.code, found.status) == ("recovery.no-pixels", Status.UNCHECKED)


def test_a_plain_picture(check):
    plain = Picture.from_array(np.full((300, 300, 3), 90, np.uint8))
    assert examined(check, plain).code == "recovery.none"


def test_within_the_verifier(check, config, watermarker, marked, issued):
    anchors = config.anchors()
    verifier = Verifier((CredentialsCheck(anchors), MarkCheck(watermarker), ClaimsCheck(), check))
    stripped = verifier.verify(encode(marked, Encoding("PNG")).data)
    assert stripped.verdict.outcome is Outcome.VERIFIED
    assert "unchanged" not in stripped.verdict.headline
    assert "recovery.found-by-watermark" in stripped.verdict.because
    whole = verifier.verify(issued[1])
    assert whole.find("credentials")[0].code == "credentials.trusted"
    assert whole.find("recovery")[0].code == "recovery.issued"


class Counting:
    """A watermarker that counts its readings."""

    algorithm = "org.example.mark"
    smallest_side = 16
    count = 0

    def embed(self, picture, payload):
        return picture

    def extract(self, picture):
        self.count += 1
        return Reading(PAYLOAD, 1e-9)


def test_a_mark_is_read_once_for_each_picture(picture):
    inner = Counting()
    once = Remembering(inner)
    same = Picture(picture.pixels)
    assert once.extract(picture) is once.extract(picture)
    assert inner.count == 1
    once.extract(Picture.from_array(picture.pixels.copy()))
    assert inner.count == 2
    once.extract(same)
    assert (once.algorithm, once.smallest_side) == ("org.example.mark", 16)
    assert once.embed(picture, PAYLOAD) is picture
