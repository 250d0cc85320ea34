"""Checks the signature inside China's label: `SecurityData` in a reserved field.

It holds a signature over the label's first half and the key to check it with. The key stands in
the same file, so a signature that holds shows that the label is whole, and never who wrote it.
Producers differ in what they sign, so one that does not hold accuses nobody.

Source: TC260-PG-202511A, annex A.1 (the message), as quoted by wiltodelta/remove-ai-watermarks,
which finds the labels of MiniMax to hold so, with half a key; labels of StepFun sign the SM3 hash
of that message, as those in tests/claims/test_securitydata.py show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from provenance.claims import sm2

SM3_WITH_SM2 = "1.2.156.10197.1.501"
"""The one algorithm that is checked."""

SIGNED = ("Label", "ContentProducer", "ProduceID")
"""Fields of the message, in its order."""

_OVER_THE_LABEL = frozenset({"Md", "LabelMataData"})
"""How a signature names what it covers: in the guide, and as most spell it."""

_MOST = 2
"""Signatures and keys that are tried; hostile labels have thousands, and each pair costs time."""

_LONGEST = 400
"""Digits of a key or a signature."""


class State(StrEnum):
    """What became of the signature."""

    HOLDS = "holds"
    BROKEN = "does not hold"
    UNCHECKED = "not checked"


def check(label: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[State, str]:
    """The state of the label's signature, and in a few words why, or what that means.

    Args:
        label: as it stands in the file.
        data: the object `SecurityData` of its field `ReservedCode1`.
    """
    ours = [each for each in entries(data) if each.get("AlgID") == SM3_WITH_SM2]
    pairs = [_pair(each) for each in ours if each.get("Type") == "DS" and _covers_label(each)]
    if not pairs:
        return State.UNCHECKED, "only signatures over the label by SM2 with SM3 are checked"
    keys = [each for each in ours if each.get("Type") == "PubKey"][:_MOST]
    points = [point for each in keys for point in _points(each)]
    if not points:
        return State.UNCHECKED, "there is no key beside it that can be read"
    message = ",".join(f"{_quoted(name)}:{_quoted(label.get(name, ''))}" for name in SIGNED)
    try:
        held = any(_signs(point, message, pair) for pair in pairs[:_MOST] for point in points)
    except UnsupportedAlgorithm:
        return State.UNCHECKED, "OpenSSL on this machine has no SM3"
    if held:
        return State.HOLDS, "the label is as it was signed; the file does not show whose key it is"
    return State.BROKEN, "the label was changed, or its maker signs something else"


def entries(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Signatures, keys, and whatever else is public."""
    found = data.get("PubSD", data.get("PubSd"))
    if isinstance(found, list):
        yield from (each for each in found if isinstance(each, dict))


def _signs(key: sm2.Point, message: str, pair: tuple[int, int] | None) -> bool:
    """Whether the pair signs the message, or its hash, which some sign in its stead."""
    if pair is None or (found := sm2.signed(key, *pair)) is None:
        return False
    text = message.encode("utf-8", "replace")
    return found in {sm2.digest(key, said) % sm2.N for said in (text, sm2.sm3(text))}


def _covers_label(entry: Mapping[str, Any]) -> bool:
    covered = entry.get("TBSData")
    return isinstance(covered, dict) and covered.get("Type") in _OVER_THE_LABEL


def _quoted(value: Any) -> str:
    return json.dumps(value if isinstance(value, str) else str(value), ensure_ascii=False)


def _bytes(value: Any) -> bytes:
    """Hexadecimal digits as bytes; nothing if they are none, or too many."""
    try:
        return bytes.fromhex(value) if isinstance(value, str) and len(value) <= _LONGEST else b""
    except ValueError:
        return b""


def _pair(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """The two numbers: one after the other, or in DER."""
    raw = _bytes(entry.get("Signature"))
    if len(raw) == 64:
        return int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    try:
        return decode_dss_signature(raw)
    except ValueError:
        return None


def _points(entry: Mapping[str, Any]) -> tuple[sm2.Point, ...]:
    """The key: x and y, at the end of its DER or behind a 04; or x alone, with either y."""
    raw = _bytes(entry.get("KeyValue"))
    if len(raw) in {32, 33}:
        return sm2.at(int.from_bytes(raw[-32:], "big"))
    if len(raw) == 64 or raw[-65:-64] == b"\x04":
        return (sm2.Point(int.from_bytes(raw[-64:-32], "big"), int.from_bytes(raw[-32:], "big")),)
    return ()
