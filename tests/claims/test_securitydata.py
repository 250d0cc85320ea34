"""Signatures inside China's labels, on labels that a service wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.claims import securitydata, sm2
from provenance.claims.securitydata import State
from tests.claims.test_sm2 import KEY, R, S

OID = "1.2.156.10197.1.501"
PRODUCER = "001191310104MACE0YX63918020"
POINT = (
    "5728F08C58D9C72150A705693EF7337859F8FF216E802630041AFAE5C036F0A6"
    "7CB1FDF8C57F5F8B623284AE09E4E545464B7140B26BBDA51BAE965F854C57AA"
)
SPKI = "3059301306072A8648CE3D020106082A811CCF5501822D03420004" + POINT


def stepfun(number: str, signature: str, key: str = SPKI) -> dict[str, str]:
    """The producer's half of a label as StepFun writes it at the head of its texts (2025)."""
    data = {
        "Type": "TC260PG",
        "Version": 1,
        "PubSD": [
            {
                "Type": "DS",
                "AlgID": OID,
                "TBSData": {"Type": "LabelMataData"},
                "Signature": signature,
            },
            {"Type": "PubKey", "AlgID": OID, "KeyValue": key},
        ],
    }
    return {
        "Label": "1",
        "ContentProducer": PRODUCER,
        "ProduceID": number,
        "ReservedCode1": json.dumps({"SecurityData": data}),
    }


ONE = (
    "142569260085903360",
    "3046022100AE6B84B3342128AE301A597596FCD9EECF3EA0FC2DB6C250BAF234E167298E9002210097223ABB647B"
    "786A90D0A1B93CB9382EA879563B2C7F025FA006BE16AE926C14",
)
TWO = (
    "147392816552226816",
    "3045022100E816A5872275AE5414E7E0FD3D9B2C30F7B7FD68609D6486A38DF7CFAA1417B902201A510FBBE50819"
    "BAFF1FCC7B8527FF23CD40447D41A6776E6BCF1F773AE0DBBC",
)
RAW = (
    "AE6B84B3342128AE301A597596FCD9EECF3EA0FC2DB6C250BAF234E167298E90"
    "97223ABB647B786A90D0A1B93CB9382EA879563B2C7F025FA006BE16AE926C14"
)
"""The first signature without its DER."""


def state(label: dict[str, Any]) -> State:
    data = json.loads(label["ReservedCode1"])["SecurityData"]
    return securitydata.check(label, data)[0]


@pytest.mark.parametrize("label", [ONE, TWO])
def test_real_labels_hold(label):
    assert state(stepfun(*label)) is State.HOLDS


@pytest.mark.parametrize("key", [SPKI, "04" + POINT, POINT, POINT[:64], "00" + POINT[:64]])
def test_forms_of_the_key(key):
    assert state(stepfun(*ONE, key)) is State.HOLDS


def test_a_signature_without_der():
    assert state(stepfun(ONE[0], RAW)) is State.HOLDS


@pytest.mark.parametrize(
    "change",
    [{"ProduceID": TWO[0]}, {"Label": "2"}, {"ContentProducer": "x"}, {"Label": 1.5}],
)
def test_a_changed_label_does_not_hold(change):
    assert state(stepfun(*ONE) | change) is State.BROKEN


@pytest.mark.parametrize("signature", [TWO[1], RAW[:-2], "", "30", "zz", "00" * 64, "FF" * 64])
def test_another_signature_does_not_hold(signature):
    assert state(stepfun(ONE[0], signature)) is State.BROKEN


@pytest.mark.parametrize("key", ["", "04", "zz", POINT[:-2], "0" * 1000])
def test_a_key_that_cannot_be_read(key):
    assert state(stepfun(*ONE, key)) is State.UNCHECKED


def test_the_message_itself_may_be_signed(monkeypatch: pytest.MonkeyPatch):
    """As MiniMax does: here with the standard's own key and numbers, and their message."""
    label = stepfun("x", f"{R:064X}{S:064X}", f"{KEY.x:064X}{KEY.y:064X}")
    assert state(label) is State.BROKEN
    digest = sm2.digest
    message = b'"Label":"1","ContentProducer":"%b","ProduceID":"x"' % PRODUCER.encode()
    monkeypatch.setattr(
        sm2,
        "digest",
        lambda key, said: digest(key, b"message digest" if said == message else said),
    )
    assert state(label) is State.HOLDS


def test_other_algorithms_and_contents_are_not_checked():
    text = stepfun(*ONE)["ReservedCode1"]
    for old, new in ((OID, "1.2.840.113549.1.1.11"), ("LabelMataData", "Binding"), ('"DS"', "1")):
        assert state(stepfun(*ONE) | {"ReservedCode1": text.replace(old, new)}) is State.UNCHECKED


def test_without_sm3_it_is_not_checked(monkeypatch: pytest.MonkeyPatch):
    def none(data: bytes) -> bytes:
        raise securitydata.UnsupportedAlgorithm("no SM3")

    monkeypatch.setattr(sm2, "sm3", none)
    assert state(stepfun(*ONE)) is State.UNCHECKED


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.sampled_from(["DS", "PubKey", OID, "Md"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["PubSD", "PubSd", "Type", "AlgID", "TBSData", "Signature", "KeyValue"]
            ),
            inner,
            max_size=5,
        )
    ),
)


@settings(max_examples=200, deadline=None)
@given(label=st.dictionaries(st.sampled_from(securitydata.SIGNED), JSON), entries=JSON)
def test_any_data_is_taken(label, entries):
    found, why = securitydata.check(label, {"PubSD": entries})
    assert found is not State.HOLDS
    assert why
