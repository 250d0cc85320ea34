"""Every class that credentials can fall into, on files that were really signed and altered."""

from __future__ import annotations

import io
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from provenance import _c2pa
from provenance.errors import ConfigError
from provenance.evidence import Origin, Status
from provenance.sign.development import create
from provenance.sign.interface import Generator, SourceType, Statement
from provenance.sign.local import LocalSigner
from provenance.sign.manifest import definition
from provenance.sign.sign import sign
from provenance.verify import credentials
from provenance.verify.credentials import CredentialsCheck
from tests import signed


def cbor(*labels: str):
    """A forger who changes one bit near the end of one box of the newest manifest."""

    def forge() -> bytes:
        made = signed.signed()
        store = signed.store_of(made.data)
        box = signed.content(store, made.manifest_id, *labels)
        return signed.with_store(made.data, signed.flipped(store, box[-1]))

    return forge


def pixel_changed() -> bytes:
    parts = signed.chunks(signed.signed().data)
    other = dict(signed.chunks(signed.encoded(seed=5).data))[b"IDAT"]
    return signed.joined([(k, other if k == b"IDAT" else body) for k, body in parts])


def claim_changed() -> bytes:
    made = signed.signed()
    store = signed.store_of(made.data)
    box = signed.content(store, made.manifest_id, "c2pa.claim.v2")
    at = store.index(b"provenance-kit", box.start, box.stop)
    return signed.with_store(made.data, signed.flipped(store, at))


def jpeg_pixel_changed() -> bytes:
    data = signed.signed("JPEG").data
    scan = data.rindex(b"\xff\xda")
    return signed.flipped(data, scan + (len(data) - scan) // 2)


def transplanted() -> bytes:
    return signed.with_store(signed.encoded(seed=9).data, signed.signed().manifest)


def parent_changed_later() -> bytes:
    parent = signed.signed(seed=1)
    child = signed.signed(seed=2, parent=parent.data)
    store = signed.store_of(child.data)
    box = signed.content(store, parent.manifest_id, "c2pa.claim.v2")
    at = store.index(b"provenance-kit", box.start, box.stop)
    return signed.with_store(child.data, signed.flipped(store, at))


def unreadable() -> bytes:
    data = signed.signed().data
    store = signed.store_of(data)
    return signed.with_store(data, store[: len(store) // 2])


STATES = {
    "as signed": (lambda: signed.signed().data, ["trusted"]),
    "no credentials": (lambda: signed.encoded().data, ["none"]),
    "other pixels": (pixel_changed, ["altered"]),
    "a bit of the JPEG scan": (jpeg_pixel_changed, ["altered"]),
    "bytes appended": (lambda: signed.signed().data + b"more", ["altered"]),
    "a manifest from another picture": (transplanted, ["altered"]),
    "a bit of the signature": (cbor("c2pa.signature"), ["damaged"]),
    "a bit of the actions": (cbor("c2pa.assertions", "c2pa.actions.v2"), ["damaged"]),
    "a bit of the claim": (claim_changed, ["damaged"]),
    "a bit of the parent's claim": (parent_changed_later, ["parent-altered"]),
    "half of the store": (unreadable, ["unreadable"]),
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_has_its_class(state):
    make, expected = STATES[state]
    assert signed.codes(make(), *signed.anchors()) == expected


@pytest.mark.parametrize(
    "state", [s for s, (_, expected) in STATES.items() if expected not in (["trusted"], ["none"])]
)
def test_what_does_not_hold_fails_and_says_what_to_do(state):
    (evidence,) = signed.examined(STATES[state][0](), *signed.anchors())
    assert evidence.status is Status.FAILED
    assert evidence.advice
    assert evidence.explanation.endswith(".")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_appended_bytes_are_noticed_in_every_format(kind):
    data = signed.signed(kind).data
    # In ISO media files what follows must be a box. (One of type `free` is not hashed,
    # since it is empty space by definition.)
    data += b"\0\0\0\x0cwordmore" if kind == "AVIF" else b"more"
    assert signed.codes(data, *signed.anchors())[0] in {"altered", "unreadable"}


def test_a_parent_that_was_bad_already_does_not_hide_behind_trust():
    child = signed.signed(seed=3, parent=pixel_changed())
    first, second = signed.examined(child.data, *signed.anchors())
    assert first.code == "credentials.trusted"
    assert second.code == "credentials.parent-not-verified"
    assert second.status is Status.CLAIMED
    assert second.details["failures"] == ["assertion.dataHash.mismatch"]


def test_nor_does_a_bad_grandparent():
    parent = signed.signed(seed=3, parent=pixel_changed())
    child = signed.signed(seed=4, parent=parent.data)
    assert signed.codes(child.data, *signed.anchors()) == ["trusted", "parent-not-verified"]


def test_a_parent_by_an_unknown_signer_is_no_failure():
    stranger = create("Stranger")
    parent = signed.signed(by=LocalSigner(stranger.certificates, stranger.key))
    child = signed.signed(seed=3, parent=parent.data)
    assert signed.codes(child.data, *signed.anchors()) == ["trusted"]
    assert signed.codes(child.data) == ["untrusted-signer"]


def test_the_certificate_expires_after_signing():
    start = datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=3)
    short = create("Short-lived", start=start, days=1)
    data = signed.signed(by=LocalSigner(short.certificates, short.key)).data
    root = short.anchors.decode()
    assert signed.codes(data, root) == ["trusted"]
    time.sleep(max(0.0, (short.expires - datetime.now(UTC)).total_seconds()) + 1.1)
    (evidence,) = signed.examined(data, root)
    assert evidence.code == "credentials.expired"
    assert evidence.status is Status.CLAIMED
    # c2pa looks up no expired signer, so that ours and a stranger's read the same, and say so.
    assert "anybody can make such a signature" in evidence.explanation
    assert signed.codes(data) == ["expired"]
    # Changed pixels are the harder finding.
    assert signed.codes(data + b"more", root) == ["altered"]


def test_what_an_unknown_signer_says_is_a_claim():
    (evidence,) = signed.examined(signed.signed().data)
    assert evidence.status is Status.CLAIMED
    assert "Provenance development signer, Test signers" in evidence.explanation
    assert "provenance trust add" in evidence.advice
    assert evidence.origin is Origin.GENERATED


def test_the_facts_are_ready_for_programs():
    made = signed.signed()
    (evidence,) = signed.examined(made.data, *signed.anchors())
    facts = evidence.details
    assert facts["manifest_id"] == made.manifest_id
    assert facts["signer"] == "Provenance development signer, Test signers"
    assert facts["algorithm"] == "Es256"
    assert facts["signed_at"] is None  # no time-stamp: the clock of the signer proves nothing
    assert facts["tool"].startswith("provenance-kit ")
    assert facts["failures"] == []
    (action,) = facts["actions"]
    assert action["agent"] == "test-generator 1.0"
    assert action["source_type"] == "trainedAlgorithmicMedia"


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        (SourceType.GENERATED, Origin.GENERATED),
        (SourceType.EDITED, Origin.EDITED),
        (SourceType.ALGORITHMIC, Origin.OTHER),
    ],
)
def test_the_origin_is_what_a_trusted_signer_states(source, origin):
    made = sign(signed.encoded(), Statement(Generator("g"), source), signed.signer())
    (trusted,) = signed.examined(made.data, *signed.anchors())
    assert trusted.origin is origin
    # The claim of another source is the one worth forging: from a stranger it counts for nothing.
    (claimed,) = signed.examined(made.data)
    assert claimed.origin is (Origin.UNKNOWN if origin is Origin.OTHER else origin)


@pytest.mark.parametrize("anchors", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMIIxx\n"])
def test_anchors_that_c2pa_would_pass_over_are_refused(anchors):
    with pytest.raises(ConfigError, match="hold no certificate, or a damaged one"):
        CredentialsCheck([anchors])


def test_several_bundles_of_anchors():
    other = create("Other").anchors.decode()
    both = other + signed.anchors()[0]
    data = signed.signed().data
    assert signed.codes(data, other, *signed.anchors()) == ["trusted"]
    assert signed.codes(data, both) == ["trusted"]


def test_every_class_has_words():
    for status, explanation, advice in credentials._CLASSES.values():
        assert explanation.endswith(".")
        assert advice == "" or advice.endswith(".")
        assert advice or status is not Status.FAILED


def identified() -> bytes:
    """Signed by us, with an identity assertion that proves nothing."""
    wanted = definition(Statement(signed.GENERATOR), f"urn:c2pa:{uuid.uuid4()}")
    payload = {"referenced_assertions": [], "sig_type": "cawg.x509.cose"}
    identity = {"signer_payload": payload, "signature": "AAAA", "pad1": "AA"}
    wanted["assertions"].append({"label": "cawg.identity", "data": identity})
    c2pa = _c2pa.load()
    target = io.BytesIO()
    with (
        _c2pa.context() as context,
        signed.signer().open() as handle,
        c2pa.Builder(json.dumps(wanted), context) as builder,
    ):
        builder.sign(handle, "image/png", io.BytesIO(signed.encoded().data), target)
    return target.getvalue()


def test_an_identity_that_cannot_be_checked_says_nothing_of_the_signer():
    """c2pa grades it *Valid*, as it does for signers that nobody knows."""
    data = identified()
    (evidence,) = signed.examined(data, *signed.anchors())
    assert any(code.startswith("cawg.") for code in evidence.details["failures"])
    assert evidence.code == "credentials.trusted"
    assert signed.codes(data) == ["untrusted-signer"]
    assert signed.codes(data + b"more", *signed.anchors()) == ["altered"]


# Reports of c2pa that no file at hand gives


def judged(state: str, failures: list[str], successes: list[str], deltas: list[str] | None = None):
    store = {
        "active_manifest": "m",
        "manifests": {"m": {}},
        "validation_state": state,
        "validation_results": {
            "activeManifest": {
                "failure": [{"code": c} for c in failures],
                "success": [{"code": c} for c in successes],
            },
            "ingredientDeltas": [
                {"validationDeltas": {"failure": [{"code": c} for c in deltas or ()]}}
            ],
        },
    }
    return [e.code.removeprefix("credentials.") for e in credentials._judged(store, False)]


HOLDS = ["claimSignature.validated", "signingCredential.trusted", "assertion.dataHash.match"]


@pytest.mark.parametrize(
    ("state", "failures", "successes", "deltas", "expected"),
    [
        # An identity that takes the network to check makes c2pa say Invalid.
        ("Invalid", ["cawg.ica.did_unavailable"], HOLDS, [], "trusted"),
        ("Invalid", [], HOLDS, ["cawg.ica.did_unavailable"], "trusted"),
        ("Invalid", ["cawg.x", "signingCredential.untrusted"], HOLDS[:1], [], "untrusted-signer"),
        ("Invalid", ["cawg.x"], HOLDS[:2], [], "untrusted-signer"),
        ("Valid", ["cawg.x", "signingCredential.untrusted"], HOLDS, [], "untrusted-signer"),
        ("Invalid", ["cawg.x", "claimSignature.mismatch"], HOLDS, [], "damaged"),
        ("Invalid", ["cawg.x"], HOLDS, ["assertion.dataHash.mismatch"], "parent-altered"),
        ("Invalid", ["cawg.x", "signingCredential.expired"], HOLDS, [], "expired"),
        # Whatever has no reason is not good.
        ("Invalid", [], HOLDS, [], "damaged"),
        ("None", [], HOLDS, [], "damaged"),
        ("Unheard-of", [], [], [], "damaged"),
        ("Valid", ["signingCredential.untrusted"], [], ["signingCredential.untrusted"], None),
    ],
)
def test_invalid_is_looked_into(state, failures, successes, deltas, expected):
    assert judged(state, failures, successes, deltas) == [expected or "untrusted-signer"]


def test_a_time_stamp_that_nobody_vouches_for_hides_no_expiry_of_a_stranger_either():
    """To add the stranger's root would not help, and we would have advised it."""
    failure = [{"code": "signingCredential.untrusted"}]
    store = {
        "active_manifest": "m",
        "manifests": {"m": {}},
        "validation_state": "Valid",
        "validation_results": {"activeManifest": {"failure": failure, "success": []}},
    }
    for outdated, kind in ((False, "untrusted-signer"), (True, "expired")):
        (evidence,) = credentials._judged(store, outdated)
        assert evidence.code == f"credentials.{kind}"


def test_failures_of_version_1_are_read_where_there_are_no_results():
    store = {
        "active_manifest": "m",
        "manifests": {"m": {"ingredients": [{"validation_status": [{"code": "x.y"}]}]}},
        "validation_state": "Invalid",
        "validation_status": [{"code": "assertion.dataHash.mismatch"}],
    }
    kinds = [e.code for e in credentials._judged(store, False)]
    assert kinds == ["credentials.altered", "credentials.parent-not-verified"]


def test_the_newest_manifest_may_be_missing_from_the_store():
    store = {"active_manifest": "m", "manifests": {}, "validation_state": "Invalid"}
    assert credentials._judged(store, False)[0].code == "credentials.damaged"
