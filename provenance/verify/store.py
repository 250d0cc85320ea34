"""What a manifest store says, as plain facts. Nothing here judges whether it may be believed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from provenance.evidence import Origin
from provenance.sign.interface import SourceType
from provenance.verify.bindings import Binding

MAX_DEPTH = 32
"""Ancestors followed when looking for the picture's origin; histories may be cyclic by malice."""


def active(store: Mapping[str, Any]) -> Mapping[str, Any]:
    """The newest manifest; empty if it could not be read at all."""
    found: Mapping[str, Any] = store["manifests"].get(store["active_manifest"]) or {}
    return found


def serial(store: Mapping[str, Any]) -> str:
    """The serial number of the signer's certificate, in decimal; empty if it names none."""
    return str((active(store).get("signature_info") or {}).get("cert_serial_number") or "")


def time(store: Mapping[str, Any]) -> str | None:
    """The time in the signature's time-stamp, whoever made it."""
    stamped = (active(store).get("signature_info") or {}).get("time")
    return str(stamped) if stamped else None


def trusted_time(store: Mapping[str, Any]) -> str | None:
    """The time-stamp's time, if its authority is on a trust list."""
    results = store.get("validation_results") or {}
    passed = (results.get("activeManifest") or {}).get("success") or ()
    # On claims in version 1 c2pa calls every authority trusted; on later ones it names no list.
    vouched = active(store).get("claim_version") != 1 and any(
        entry.get("code") == "timeStamp.trusted" for entry in passed
    )
    return time(store) if vouched or results.get("timestampTrustListUri") else None


def facts(store: Mapping[str, Any]) -> dict[str, Any]:
    """What the credentials say, for programs and for the rendering."""
    newest = active(store)
    signature = newest.get("signature_info") or {}
    issuer, common = signature.get("issuer"), signature.get("common_name")
    generators = _items(newest.get("claim_generator_info"))
    return {
        "manifest_id": store["active_manifest"],
        "signer": ", ".join(str(part) for part in (common, issuer) if part),
        "serial": serial(store),
        "algorithm": signature.get("alg"),
        "signed_at": trusted_time(store),
        "tool": ", ".join(_named(g) for g in generators) or newest.get("claim_generator"),
        "actions": [
            {
                "action": str(action.get("action")),
                "agent": _named(action.get("softwareAgent")),
                "when": action.get("when"),
                "source_type": _source_type(action),
            }
            for action in _actions(newest)
        ],
        "soft_bindings": list(_soft_bindings(newest)),
        "opt_out": sorted(set(_refused_uses(newest))),
        "ingredients": [
            {"title": i.get("title"), "relationship": i.get("relationship")}
            for i in _items(newest.get("ingredients"))
        ],
    }


def _items(value: Any) -> list[Any]:
    """The list, or nothing: assertions hold whatever their signer wrote."""
    return value if isinstance(value, list) else []


def _named(agent: Any) -> str:
    if isinstance(agent, Mapping):
        return " ".join(str(agent[k]) for k in ("name", "version") if agent.get(k))
    return str(agent) if agent else ""


def _assertions(manifest: Mapping[str, Any], label: str) -> Iterator[Mapping[str, Any]]:
    for assertion in _items(manifest.get("assertions")):
        data = assertion.get("data")
        if str(assertion.get("label", "")).startswith(label) and isinstance(data, Mapping):
            yield data


def _actions(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for data in _assertions(manifest, "c2pa.actions"):
        yield from (a for a in _items(data.get("actions")) if isinstance(a, Mapping))


def _source_type(action: Mapping[str, Any]) -> str | None:
    """The last part of the URI, which is the IPTC code."""
    uri = action.get("digitalSourceType")
    return uri.rstrip("/").rsplit("/", 1)[-1] if isinstance(uri, str) else None


def bindings(store: Mapping[str, Any]) -> tuple[Binding, ...]:
    """The soft bindings that the newest manifest names, with their values as they stand there."""
    return tuple(_bindings(active(store)))


def _bindings(manifest: Mapping[str, Any]) -> Iterator[Binding]:
    for data in _assertions(manifest, "c2pa.soft-binding"):
        for block in _items(data.get("blocks")):
            value = block.get("value") if isinstance(block, Mapping) else None
            yield Binding(str(data.get("alg")), value if isinstance(value, str) else "")


def _soft_bindings(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for binding in _bindings(manifest):
        try:
            payload = base64.b64decode(binding.value, validate=True).hex()
        except (binascii.Error, ValueError):
            payload = ""  # a foreign scheme may use another form
        yield {"algorithm": binding.algorithm, "payload": payload}


def _refused_uses(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Uses that the training and mining assertion refuses or ties to conditions."""
    for label in ("cawg.training-mining", "c2pa.training-mining"):
        for data in _assertions(manifest, label):
            entries = data.get("entries")
            for use, entry in entries.items() if isinstance(entries, Mapping) else ():
                if isinstance(entry, Mapping) and entry.get("use") in ("notAllowed", "constrained"):
                    yield str(use)[:80]


def origin(store: Mapping[str, Any], *, trusted: bool) -> Origin:
    """Follow the history from the last step back to the first that states a source type.

    A claim of AI is taken from any ancestor; a claim of another source only from a manifest whose
    signer is trusted, since that is the claim worth forging.
    """
    newest = active(store)
    manifest: Mapping[str, Any] | None = newest
    for _ in range(MAX_DEPTH):
        if manifest is None:
            break
        stated = {t for t in map(_source_type, _actions(manifest)) if t}
        if SourceType.EDITED.value in stated:
            return Origin.EDITED
        if SourceType.GENERATED.value in stated:
            return Origin.GENERATED
        if stated:
            return Origin.OTHER if trusted and manifest is newest else Origin.UNKNOWN
        manifest = next(
            (
                store["manifests"].get(i.get("active_manifest"))
                for i in _items(manifest.get("ingredients"))
                if i.get("relationship") == "parentOf"
            ),
            None,
        )
    return Origin.UNKNOWN
