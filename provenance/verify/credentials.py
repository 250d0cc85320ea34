"""Reads Content Credentials (C2PA) and puts them into one of a few plain classes.

c2pa's own state is not enough: *Trusted* hides parents that were bad when they were added, *Valid*
lists an unknown signer as a failure, and a parent changed later leaves the active manifest without
any failure. So all three places where failures hide are read: the active manifest, the deltas, and
each ingredient (`validation_results`, and `validation_status` of claims in version 1).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provenance import _c2pa
from provenance.evidence import Evidence, Origin, Status
from provenance.sign.interface import SourceType
from provenance.verify.interface import Subject

_ALTERED = (
    "assertion.dataHash.mismatch",
    "assertion.bmffHash.mismatch",
    "assertion.boxesHash.mismatch",
    "assertion.collectionHash.mismatch",
)
"""C2PA 2.2, section 15.2.2: the content is not what was signed."""

_UNTRUSTED = ("signingCredential.untrusted",)
_EXPIRED = ("signingCredential.expired",)
_IDENTITY = "cawg."
"""Identity assertions are not judged here; their codes say nothing about the picture."""

MAX_DEPTH = 32
"""Ancestors followed when looking for the picture's origin; histories may be cyclic by malice."""


class CredentialsCheck:
    """Looks for a C2PA manifest inside the file. Never goes to the network.

    Args:
        anchors: PEM bundles of the signers that you trust.
    """

    name = "credentials"

    def __init__(self, anchors: Sequence[str] = ()) -> None:
        self._anchors = tuple(anchors)

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """One piece of evidence for the credentials, and one more for bad parents."""
        c2pa = _c2pa.load()
        media_type = "image/svg+xml" if subject.media_type == "image/svg+xml" else None
        try:
            with (
                c2pa.Context.from_dict(_c2pa.settings(self._anchors)) as context,
                c2pa.Reader(media_type, io.BytesIO(subject.data), context=context) as reader,
            ):
                store = json.loads(reader.json())
        except c2pa.C2paError.ManifestNotFound:
            return (_absent(),)
        except c2pa.C2paError as error:
            return (_unreadable(error, isinstance(error, c2pa.C2paError.NotSupported)),)
        return _classify(store)


def carries_credentials(data: bytes) -> bool:
    """True if the file holds a manifest of its own, sound or not; nothing is judged."""
    c2pa = _c2pa.load()
    try:
        with (
            c2pa.Context.from_dict(_c2pa.settings()) as context,
            c2pa.Reader(None, io.BytesIO(data), context=context),
        ):
            return True
    except c2pa.C2paError:
        return False


def _absent() -> Evidence:
    return Evidence(
        "credentials",
        "credentials.none",
        Status.ABSENT,
        "The file has no Content Credentials. Most pictures have none, and most platforms strip "
        "them, so this says nothing about where it comes from.",
    )


def _unreadable(error: Exception, unsupported: bool) -> Evidence:
    text = str(error)
    if text.startswith("Remote:"):
        return Evidence(
            "credentials",
            "credentials.remote",
            Status.UNCHECKED,
            "The credentials are not in the file but at an address that it names, and nothing is "
            "fetched from the network.",
            "Ask the source for a file with embedded credentials.",
        )
    if unsupported:
        return Evidence(
            "credentials",
            "credentials.unsupported",
            Status.UNCHECKED,
            "Content Credentials cannot be read from this kind of file.",
        )
    return Evidence(
        "credentials",
        "credentials.damaged",
        Status.FAILED,
        "There are Content Credentials in the file, but they are damaged and cannot be read. "
        "Programs that rewrite a file without knowing of credentials do this.",
        "Ask the source for the original file.",
        details={"error": text},
    )


def _classify(store: Mapping[str, Any]) -> tuple[Evidence, ...]:
    active = store["manifests"][store["active_manifest"]]
    results = store.get("validation_results") or {}
    state = store.get("validation_state")
    own = _codes((results.get("activeManifest") or {}).get("failure"))
    later = [
        code
        for delta in results.get("ingredientDeltas") or ()
        for code in _codes((delta.get("validationDeltas") or {}).get("failure"))
    ]
    if not results:
        own = _codes(store.get("validation_status"))
    facts = _facts(store, active)
    facts["failures"] = sorted({*own, *later})
    origin = _origin(store, active, trusted=state == "Trusted")
    evidence = [_grade(state, own, later, facts, origin)]
    parents = sorted(set(_parent_failures(store)) - set(_UNTRUSTED))
    if parents:
        evidence.append(
            Evidence(
                "credentials",
                "credentials.parent-not-verified",
                Status.CLAIMED,
                "A picture that this one was made from already failed its checks when it was "
                "added, so the earlier history cannot be relied upon.",
                details={"failures": parents},
            )
        )
    return tuple(evidence)


def _grade(
    state: str | None, own: list[str], later: list[str], facts: dict[str, Any], origin: Origin
) -> Evidence:
    """The class of the active manifest, hardest first."""
    who = facts["signer"] or "an unnamed signer"
    serious = [c for c in own if c not in (*_UNTRUSTED, *_EXPIRED) and not c.startswith(_IDENTITY)]

    def graded(code: str, status: Status, explanation: str, advice: str = "") -> Evidence:
        return Evidence(
            "credentials", code, status, explanation, advice, origin=origin, details=facts
        )

    if state == "Trusted":
        return graded(
            "credentials.trusted",
            Status.VERIFIED,
            f"Signed by {who}, whom you trust, and the content has not been changed since.",
        )
    if any(code in _ALTERED for code in serious):
        return graded(
            "credentials.altered",
            Status.FAILED,
            f"The file was changed after {who} signed it, or the credentials were moved here from "
            "another file.",
            "Ask the source for the original file.",
        )
    if serious:
        return graded(
            "credentials.damaged",
            Status.FAILED,
            "The credentials themselves are damaged or forged: their signature or their contents "
            "do not hold.",
            "Ask the source for the original file.",
        )
    if later:
        return graded(
            "credentials.parent-altered",
            Status.FAILED,
            "The history inside the credentials was changed after it was signed.",
            "Ask the source for the original file.",
        )
    if any(code in _EXPIRED for code in own):
        return graded(
            "credentials.expired",
            Status.CLAIMED,
            f"Intact and signed by {who}, but the certificate has expired and no trusted "
            "time-stamp shows that the signature is older.",
            "Ask the source for a file signed with a current certificate.",
        )
    if state == "Valid":
        return graded(
            "credentials.untrusted-signer",
            Status.CLAIMED,
            f"Intact since it was signed, but the signer ({who}) is not on your trust list. "
            "Anybody can make such a signature.",
            "If you know this signer, add their root certificate to [trust] anchors in "
            "provenance.toml.",
        )
    return graded(
        "credentials.damaged",
        Status.FAILED,
        "The credentials did not validate, and no reason was given.",
        "Ask the source for the original file.",
    )


def _codes(entries: Any) -> list[str]:
    return [str(entry.get("code")) for entry in entries or () if isinstance(entry, Mapping)]


def _parent_failures(store: Mapping[str, Any]) -> Iterator[str]:
    """Failures recorded when a parent was added, in either version of the record."""
    for manifest in store["manifests"].values():
        for ingredient in manifest.get("ingredients") or ():
            results = (ingredient.get("validation_results") or {}).get("activeManifest") or {}
            yield from _codes(results.get("failure"))
            yield from _codes(ingredient.get("validation_status"))


def _facts(store: Mapping[str, Any], active: Mapping[str, Any]) -> dict[str, Any]:
    """What the credentials say, for programs and for the rendering."""
    signature = active.get("signature_info") or {}
    issuer, common = signature.get("issuer"), signature.get("common_name")
    generators = active.get("claim_generator_info") or ()
    return {
        "manifest_id": store["active_manifest"],
        "signer": ", ".join(str(part) for part in (common, issuer) if part),
        "algorithm": signature.get("alg"),
        "signed_at": signature.get("time"),
        "tool": ", ".join(_named(g) for g in generators) or active.get("claim_generator"),
        "actions": [
            {
                "action": str(action.get("action")),
                "agent": _named(action.get("softwareAgent")),
                "when": action.get("when"),
                "source_type": _source_type(action),
            }
            for action in _actions(active)
        ],
        "soft_bindings": list(_soft_bindings(active)),
        "ingredients": [
            {"title": i.get("title"), "relationship": i.get("relationship")}
            for i in active.get("ingredients") or ()
        ],
    }


def _named(agent: Any) -> str:
    if isinstance(agent, Mapping):
        return " ".join(str(agent[k]) for k in ("name", "version") if agent.get(k))
    return str(agent) if agent else ""


def _assertions(manifest: Mapping[str, Any], label: str) -> Iterator[Mapping[str, Any]]:
    for assertion in manifest.get("assertions") or ():
        data = assertion.get("data")
        if str(assertion.get("label", "")).startswith(label) and isinstance(data, Mapping):
            yield data


def _actions(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for data in _assertions(manifest, "c2pa.actions"):
        yield from (a for a in data.get("actions") or () if isinstance(a, Mapping))


def _source_type(action: Mapping[str, Any]) -> str | None:
    """The last part of the URI, which is the IPTC code."""
    uri = action.get("digitalSourceType")
    return uri.rstrip("/").rsplit("/", 1)[-1] if isinstance(uri, str) else None


def _soft_bindings(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for data in _assertions(manifest, "c2pa.soft-binding"):
        for block in data.get("blocks") or ():
            value = block.get("value") if isinstance(block, Mapping) else None
            try:
                payload = base64.b64decode(value, validate=True).hex() if value else ""
            except (binascii.Error, TypeError, ValueError):
                payload = ""  # a foreign scheme may use another form
            yield {"algorithm": str(data.get("alg")), "payload": payload}


def _origin(store: Mapping[str, Any], active: Mapping[str, Any], *, trusted: bool) -> Origin:
    """Follow the history from the last step back to the first that states a source type.

    A claim of AI is taken from any ancestor; a claim of another source only from a manifest whose
    signer is trusted, since that is the claim worth forging.
    """
    manifest: Mapping[str, Any] | None = active
    for _ in range(MAX_DEPTH):
        if manifest is None:
            break
        stated = {t for t in map(_source_type, _actions(manifest)) if t}
        if SourceType.EDITED.value in stated:
            return Origin.EDITED
        if SourceType.GENERATED.value in stated:
            return Origin.GENERATED
        if stated:
            return Origin.OTHER if trusted and manifest is active else Origin.UNKNOWN
        manifest = next(
            (
                store["manifests"].get(i.get("active_manifest"))
                for i in manifest.get("ingredients") or ()
                if i.get("relationship") == "parentOf"
            ),
            None,
        )
    return Origin.UNKNOWN
