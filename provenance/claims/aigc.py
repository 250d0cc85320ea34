"""China's label for generated content: one JSON object under the key `AIGC`.

It is written as XMP element or attribute, as PNG text, into EXIF UserComment or ImageDescription,
into an application segment of a JPEG (`AIGC{…}`), and under a key of an MP4. All are read.

A producer's signature (`SecurityData` in `ReservedCode1`) is checked where it is over the label and
its key stands beside it; that shows integrity and not who signed.

Source: GB 45438-2025 annexes E and F (fields, values of Label); TC260-PG-20259A (images: XMP
namespace) and TC260-PG-202511A (SecurityData), both as quoted by wiltodelta/remove-ai-watermarks,
whose survey of real files gives the places, the form of producer codes and some of their owners;
GB 32100-2015 (check digit of the unified social credit code).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim
from provenance.evidence import Origin

_NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
_OTHER_FIELDS = frozenset({"ServiceProvider", "ServiceUser"})
"""Of the form that Tencent Cloud writes."""

_LABELS = {
    "1": (Origin.GENERATED, ""),
    "2": (Origin.UNKNOWN, "may have been generated with AI"),
    "3": (Origin.UNKNOWN, "is suspected of being generated with AI"),
}
_MOST_TEXT = 1 << 20
_MOST_BLOBS = 16
_MOST_ENTRIES = 32
_CODE = re.compile(r"001(\d)([0-9A-Z]{18})([0-9A-Z]{5})")
_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)

_OWNERS = {
    "91110102MACQD9K640": "ByteDance",
    "9144030008867405X2": "ByteDance",
    "91440101MA9Y9T4H7A": "Alibaba",
    "91110108335469089C": "Kuaishou",
    "91440300708461136T": "Tencent",
    "91110000802100433B": "Baidu",
}
_NAMES = {"doubao": "ByteDance", "jimeng": "ByteDance", "腾讯云": "Tencent", "minimax": "MiniMax"}


def read(fields: Fields) -> tuple[Claim, ...]:
    """Each label once, also where it stands in several places."""
    claims: dict[str, Claim] = {}
    for place, label in _labels(fields):
        key = json.dumps(label, sort_keys=True, ensure_ascii=True, default=str)
        if key not in claims:
            claims[key] = _claim(place, label, first=not claims)
    return tuple(claims.values())


def _labels(fields: Fields) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in fields.all:
        exact = (field.source, field.name) in (("png", "AIGC"), ("key", "AIGC"))
        if exact or (field.source == "xmp" and field.namespace == _NAMESPACE):
            label = _label(fields.object(field.text))
            if label:
                yield field.place, label
        elif "AIGC" in field.text[:_MOST_TEXT]:
            whole = _label(fields.object(field.text))
            for label in [whole] if whole else _within(field.text[:_MOST_TEXT]):
                yield field.place, label
    for packet in fields.headers.xmp[:1]:
        if b"TC260:AIGC" in packet and not any(f.source == "xmp" for f in fields.all):
            for label in _within(html.unescape(packet[:_MOST_TEXT].decode("utf-8", "replace"))):
                yield "XMP AIGC", label
    for marker, data in fields.headers.segments:
        if b"AIGC" in data:
            for label in _within(data.decode("utf-8", "replace")):
                yield f"JPEG segment {marker}", label


def _within(text: str) -> Iterator[dict[str, Any]]:
    """Objects behind `"AIGC":` or `AIGC`, wherever they stand."""
    at = 0
    for _ in range(_MOST_BLOBS):
        at = text.find("AIGC", at)
        brace = text.find("{", at, at + 12)
        if at < 0:
            return
        at += 4
        if brace < 0:
            continue
        try:
            value, _ = json.JSONDecoder().raw_decode(text, brace)
        except (ValueError, RecursionError):
            continue
        label = _label(value)
        if label:
            yield label


def _label(value: Any) -> dict[str, Any]:
    """The object if it has a field of the standard, or the one within `AIGC`; or nothing."""
    if isinstance(value, dict) and "AIGC" in value:
        value = value["AIGC"]
        if isinstance(value, str):
            value = _parsed(value)
    if not isinstance(value, dict) or not {*FIELDS, *_OTHER_FIELDS} & value.keys():
        return {}
    return value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text[:_MOST_TEXT])
    except (ValueError, RecursionError):
        return None


def _claim(place: str, label: dict[str, Any], *, first: bool) -> Claim:
    said = {name: _word(label[name]) for name in (*FIELDS, *_OTHER_FIELDS) if name in label}
    origin, says = _LABELS.get(said.get("Label", ""), (Origin.UNKNOWN, "carries China's AI label"))
    if not said.get("Label") and said.keys() & _OTHER_FIELDS:
        origin, says = Origin.GENERATED, ""
    producer = said.get("ContentProducer") or said.get("ServiceProvider", "")
    propagator = said.get("ContentPropagator", "")
    details: dict[str, Any] = {"label": said, "problems": problems(said)}
    for name, code in (("producer", producer), ("propagator", propagator)):
        if match := _CODE.fullmatch(code):
            details[name] = {"credit_code": match[2], "suffix": match[3]}
    details |= _signatures(label, check=first)
    owner = _owner(producer)
    return Claim("aigc", place, origin, owner or producer[:100], details, owner, says=says)


def _word(value: Any) -> str:
    if isinstance(value, dict | list):
        return values.text(json.dumps(value, ensure_ascii=False))
    return values.text(value if isinstance(value, str) else str(value)[:100])


def problems(said: dict[str, str]) -> list[str]:
    """How a label departs from the standard, field by field."""
    if said.keys() & _OTHER_FIELDS:
        return ["it has the fields of a service provider, not those of GB 45438-2025"]
    found = [f"{name} is missing" for name in FIELDS if name not in said]
    if said.get("Label", "1") not in _LABELS:
        found.append(f"Label is {said['Label'][:20]!r}, expected 1, 2 or 3")
    for name in ("ContentProducer", "ContentPropagator"):
        match = _CODE.fullmatch(said.get(name, ""))
        if match and not credit_code_holds(match[2]):
            found.append(f"the check digit of the credit code in {name} is wrong")
    if said.get("Label") == "1" and not said.get("ContentProducer"):
        found.append("ContentProducer is empty")
    return found


def credit_code_holds(code: str) -> bool:
    """Whether the last digit of a unified social credit code follows from the others."""
    if len(code) != 18 or any(digit not in _DIGITS for digit in code):
        return False
    total = sum(w * _DIGITS.index(d) for w, d in zip(_WEIGHTS, code, strict=False))
    return _DIGITS.index(code[17]) == -total % 31


def _signatures(label: dict[str, Any], *, check: bool) -> dict[str, Any]:
    """What is said of the signatures; nothing without any.

    Only the producer's is checked, and only that of the first label: each takes time.
    """
    from provenance.claims import securitydata  # loads cryptography, for labels alone

    codes = [_security_data(label.get(name)) for name in ("ReservedCode1", "ReservedCode2")]
    algorithms = {
        values.text(entry.get("AlgID"))[:60] or "unknown"
        for data in codes
        for entry in islice(securitydata.entries(data), _MOST_ENTRIES)
        if entry.get("Type") == "DS"
    }
    if not algorithms:
        return {}
    if check and codes[0]:
        state, why = securitydata.check(label, codes[0])
    else:
        state, why = securitydata.State.UNCHECKED, "only a producer's, in the first label, is"
    return {
        "signature": f"present, {state.value}: {why}",
        "signature_state": state.value,
        "signature_algorithms": sorted(algorithms),
    }


def _security_data(code: Any) -> dict[str, Any]:
    """The object in a reserved field, which is a text of JSON or the object itself."""
    if isinstance(code, str):
        code = _parsed(code) if "SecurityData" in code else None
    data = code.get("SecurityData") if isinstance(code, dict) else None
    return data if isinstance(data, dict) else {}


def _owner(producer: str) -> str:
    match = _CODE.fullmatch(producer)
    if match:
        return _OWNERS.get(match[2], "")
    return _NAMES.get(producer.lower(), "")
