"""A manifest without its file: whose signature holds, and what an altered registry cannot do."""

from dataclasses import replace

import pytest

from provenance.evidence import Origin
from provenance.registry.fingerprint import ALGORITHM
from provenance.registry.stored import State, judge
from provenance.sign.interface import Mark, Statement
from provenance.sign.sign import sign
from provenance.watermark.payload import Payload
from tests import signed
from tests.registry.samples import a_fingerprint, a_record


def recorded(made, **others):
    facts = {"watermark_algorithm": None, "payload": None}
    return a_record(1, manifest_id=made.manifest_id, manifest=made.manifest, **facts | others)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_every_format(kind):
    answer = judge(recorded(signed.signed(kind)), signed.anchors())
    assert answer.state is State.TRUSTED
    assert answer.failures == ()
    assert answer.origin is Origin.GENERATED
    assert "Test signers" in answer.facts["signer"]


def test_a_manifest_with_history():
    child = signed.signed("PNG", 1, parent=signed.signed("JPEG").data)
    answer = judge(recorded(child), signed.anchors())
    assert answer.state is State.TRUSTED
    assert answer.facts["ingredients"]


def test_a_signer_that_is_not_listed():
    answer = judge(recorded(signed.signed()), ())
    assert answer.state is State.UNTRUSTED
    assert answer.failures == ("signingCredential.untrusted",)


@pytest.mark.parametrize("label", [("c2pa.actions.v2",), ("c2pa.claim.v2",), ("c2pa.signature",)])
def test_an_altered_manifest(label):
    made = signed.signed()
    at = signed.content(made.manifest, *label)
    broken = signed.flipped(made.manifest, at[len(at) // 2])
    answer = judge(replace(recorded(made), manifest=broken), signed.anchors())
    assert answer.state is State.DAMAGED


@pytest.mark.parametrize("manifest", [b"", b"x", bytes(5000)])
def test_what_is_no_manifest(manifest):
    answer = judge(replace(recorded(signed.signed()), manifest=manifest), signed.anchors())
    assert answer.state is State.DAMAGED
    assert answer.facts == {}


def test_a_manifest_cut_short():
    made = signed.signed()
    for share in (0.2, 0.5, 0.9, 0.99):
        cut = made.manifest[: int(share * len(made.manifest))]
        answer = judge(replace(recorded(made), manifest=cut), signed.anchors())
        assert answer.state is State.DAMAGED


def test_the_good_manifest_of_another_record():
    mine, other = signed.signed(seed=1), signed.signed(seed=2)
    swapped = replace(recorded(mine), manifest=other.manifest)
    assert judge(swapped, signed.anchors()).state is State.DAMAGED


def test_a_mark_that_the_manifest_does_not_name():
    claimed = recorded(signed.signed(), watermark_algorithm="org.example.mark", payload="00" * 8)
    assert judge(claimed, signed.anchors()).state is State.DAMAGED


def test_a_fingerprint_that_no_manifest_names_is_taken_as_it_is():
    made = recorded(signed.signed(), fingerprint=a_fingerprint(3))
    assert judge(made, signed.anchors()).state is State.TRUSTED


def test_a_fingerprint_other_than_the_manifest_names():
    """Whoever alters the registry cannot lead another picture to a good manifest."""
    named = Statement(signed.GENERATOR, mark=Mark(ALGORITHM, Payload(5)))
    made = sign(signed.encoded(), named, signed.signer(), signed.anchors())
    claimed = recorded(made, fingerprint=a_fingerprint(3))
    assert judge(claimed, signed.anchors()).state is State.DAMAGED
