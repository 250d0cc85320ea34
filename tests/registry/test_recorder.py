"""What the pipeline hands over reaches registry and log, or the pipeline is told."""

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from provenance.errors import Blocked, RegistryConflict, RegistryUnavailable
from provenance.moderate.interface import Action, Decision
from provenance.picture import Picture
from provenance.registry.entry import Issued, Refused
from provenance.registry.fingerprint import fingerprint
from provenance.registry.log import Log
from provenance.registry.recorder import Recorder, key_id, record_of
from provenance.registry.store import SqlRegistry
from provenance.watermark.interface import Payload
from tests import signed
from tests.conftest import make_scene
from tests.registry.samples import a_record


@pytest.fixture
def registry(tmp_path):
    made = SqlRegistry(tmp_path / "registry.db")
    yield made
    made.close()


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "log")


def test_both_have_it(registry, log):
    recorder = Recorder(registry, log)
    recorder.issued(a_record(1))
    recorder.refused(Blocked("nudity", 0.9, 0.8, "standard"))
    assert registry.by_manifest("urn:c2pa:1") == a_record(1)
    assert [e.event for e in log.export()] == [
        Issued.of(a_record(1)),
        Refused("nudity", "picture", "standard"),
    ]
    assert (
        Issued.of(a_record(1)).manifest_sha256 == hashlib.sha256(a_record(1).manifest).hexdigest()
    )


def test_without_either():
    Recorder().issued(a_record(1))
    Recorder().refused(Blocked("nudity", 0.9, 0.8, "standard"))


def test_what_was_not_kept_is_not_logged(registry, log):
    recorder = Recorder(registry, log)
    recorder.issued(a_record(1))
    with pytest.raises(RegistryConflict):
        recorder.issued(a_record(1, manifest=b"other"))
    assert log.head().size == 1


def test_a_log_that_fails_is_told(registry, tmp_path):
    with pytest.raises(RegistryUnavailable, match=r"it is a folder"):
        Recorder(registry, Log(tmp_path)).issued(a_record(1))


def test_the_record_of_a_finished_picture():
    pixels = Picture.from_array(make_scene(200, 300))
    record = record_of(
        data=b"file",
        media_type="image/png",
        manifest=b"store",
        manifest_id="urn:c2pa:1",
        pixels=pixels,
        decision=Decision(Action.FLAG, (), (), "standard"),
        certificates=signed.chain().certificates,
        algorithm="org.example.mark",
        payload=Payload(7),
        reading={"period": [[100.0, 0.0], [0.0, 100.0]]},
    )
    assert record.sha256 == hashlib.sha256(b"file").hexdigest()
    assert (record.width, record.height, record.tiles) == (300, 200, 6.0)
    assert (record.policy, record.action) == ("standard", "flag")
    assert (record.watermark_algorithm, record.payload) == ("org.example.mark", "0" * 15 + "7")
    assert record.fingerprint == fingerprint(pixels)


def test_the_key_id_is_that_of_openssl():
    leaf = load_pem_x509_certificates(signed.chain().certificates)[0]
    der = leaf.public_bytes(Encoding.DER)
    assert key_id(signed.chain().certificates) == hashlib.sha256(der).hexdigest()
