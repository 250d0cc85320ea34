"""Reads Content Credentials (C2PA) and puts them into one of a few plain classes.

c2pa's own state is not enough: *Trusted* hides parents that were bad when they were added, and
certificates that expired behind a time-stamp that anybody could have made; *Valid* lists an unknown
signer as a failure; a parent changed later leaves the active manifest without any failure. So all
three places where failures hide are read: the active manifest, the deltas, and each ingredient
(`validation_results`, and `validation_status` of claims in version 1).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from provenance import _c2pa
from provenance.evidence import Evidence, Origin, Status
from provenance.verify import store as stores
from provenance.verify.bindings import Bindings
from provenance.verify.interface import Subject
from provenance.verify.media import media_type
from provenance.verify.remote import NotFetched

_ALTERED = (
    "assertion.dataHash.mismatch",
    "assertion.bmffHash.mismatch",
    "assertion.boxesHash.mismatch",
    "assertion.collectionHash.mismatch",
)
"""C2PA 2.2, section 15.2.2: the content is not what was signed."""

_INTACT = ("claimSignature.validated", "signingCredential.trusted")
_CONTENT = tuple(code.replace("mismatch", "match") for code in _ALTERED)

_UNTRUSTED = "signingCredential.untrusted"
_EXPIRED = "signingCredential.expired"
_IDENTITY = "cawg."
"""Identity assertions are not judged here, since that takes the network; their codes say nothing
about the picture."""

_SIGNED = ("trusted", "expired", "untrusted-signer")
"""The classes whose signature is good."""

_ADDRESS = re.compile(r"remote manifests from url (\S+)")
"""How c2pa says that the manifest lies elsewhere."""

_ASK = "Ask the source for the original file."

_CLASSES: Mapping[str, tuple[Status, str, str]] = {
    "trusted": (
        Status.VERIFIED,
        "Signed by {who}, whom you trust, and the content has not been changed since.",
        "",
    ),
    "revoked": (
        Status.FAILED,
        "Signed by {who} with a key that you have revoked, so that anybody may have signed it.",
        _ASK,
    ),
    "altered": (
        Status.FAILED,
        "The file was changed after {who} signed it, or the credentials were moved here from "
        "another file.",
        _ASK,
    ),
    "damaged": (
        Status.FAILED,
        "The credentials themselves are damaged or forged: their signature or their contents do "
        "not hold.",
        _ASK,
    ),
    "parent-altered": (
        Status.FAILED,
        "A picture in the history fails its checks, and nothing says that it did when it was "
        "added: the history was changed afterwards, or was never checked.",
        _ASK,
    ),
    "expired": (
        Status.CLAIMED,
        "Intact since it was signed in the name of {who}, but the certificate has expired, and no "
        "trusted time-stamp shows that the signature is older. An expired signer is not looked up "
        "on your trust list, and anybody can make such a signature.",
        "If it has a time-stamp and you know the authority, add their root to timestamp_anchors in "
        "[trust]; or ask the source for a file signed with a current certificate.",
    ),
    "untrusted-signer": (
        Status.CLAIMED,
        "Intact since it was signed, but the signer ({who}) is not on your trust list. Anybody can "
        "make such a signature.",
        "If you know this signer, add their root certificate: provenance trust add FILE.",
    ),
    "none": (
        Status.ABSENT,
        "The file has no Content Credentials. Most pictures have none, and most platforms strip "
        "them, so this says nothing about where it comes from.",
        "",
    ),
    "remote": (
        Status.UNCHECKED,
        "The credentials are not in the file but at an address that it names, and nothing is "
        "fetched from the network.",
        "Ask the source for a file with embedded credentials.",
    ),
    "unsupported": (
        Status.UNCHECKED,
        "Content Credentials cannot be read from this kind of file.",
        "",
    ),
    "unreadable": (
        Status.FAILED,
        "There are Content Credentials in the file, but they are damaged and cannot be read. "
        "Programs that rewrite a file without knowing of credentials do this.",
        _ASK,
    ),
    "parent-not-verified": (
        Status.CLAIMED,
        "A picture that this one was made from already failed its checks when it was added, so "
        "the earlier history cannot be relied upon.",
        "",
    ),
}
"""Every class: how far it can be relied upon, what it means, what to do about it."""


class CredentialsCheck:
    """Looks for a C2PA manifest inside the file. Goes to the network only if given a way to.

    Args:
        anchors: PEM bundles of the signers that you trust.
        timestamp_anchors: PEM bundles of the time-stamp authorities that you trust.
        revoked: serial numbers, in decimal, of certificates whose key you have revoked.
        fetch: gets a manifest that lies at an address which the file names; None goes nowhere.
        bindings: reports the marks and fingerprints of others that credentials name.

    Raises:
        ConfigError: a bundle holds no certificate, or a damaged one.
    """

    name = "credentials"

    def __init__(
        self,
        anchors: Sequence[str] = (),
        timestamp_anchors: Sequence[str] = (),
        fetch: Callable[[str], bytes] | None = None,
        revoked: Collection[str] = (),
        bindings: Bindings | None = None,
    ) -> None:
        for bundle in (*anchors, *timestamp_anchors):
            _c2pa.check_anchors(bundle)
        self._anchors = tuple(anchors)
        self._timestamp_anchors = tuple(timestamp_anchors)
        self._fetch = fetch
        self._revoked = frozenset(revoked)
        self._bindings = bindings or Bindings()

    def examine(self, subject: Subject) -> Sequence[Evidence]:
        """One piece of evidence for the credentials; more for bad parents and others' marks."""
        sniffed = None if subject.media_type != "image/svg+xml" else subject.media_type
        return self._read(subject, sniffed, None)

    def _read(
        self, subject: Subject, media_type: str | None, manifest: bytes | None
    ) -> tuple[Evidence, ...]:
        """Judge the manifest given, or the one inside the file."""
        c2pa = _c2pa.load()
        try:
            with (
                _c2pa.context(self._anchors, self._timestamp_anchors) as context,
                c2pa.Reader(media_type, io.BytesIO(subject.data), manifest, context) as reader,
            ):
                store = json.loads(reader.json())
                outdated = _outdated(store, reader)
        except c2pa.C2paError.ManifestNotFound:
            return (_evidence("none"),)
        except c2pa.C2paError as error:
            address = _ADDRESS.search(str(error))
            if address is not None and manifest is None and self._fetch is not None:
                return self._fetched(subject, address[1], self._fetch)
            return (_refused(str(error), isinstance(error, c2pa.C2paError.NotSupported)),)
        named = self._bindings.report(stores.bindings(store), subject)
        return (*_judged(store, outdated, self._revoked), *named)

    def _fetched(
        self, subject: Subject, address: str, fetch: Callable[[str], bytes]
    ) -> tuple[Evidence, ...]:
        """Judge the manifest at an address that the file names."""
        try:
            manifest = fetch(address)
        except NotFetched as error:
            return (_evidence("remote", {"address": address, "error": str(error)}),)
        return self._read(subject, media_type(subject.data), manifest)


def _refused(error: str, unsupported: bool) -> Evidence:
    """What c2pa's refusal to read the file means."""
    if error.startswith("Remote:"):
        return _evidence("remote")
    if unsupported:
        return _evidence("unsupported")
    return _evidence("unreadable", details={"error": error})


def _judged(
    store: Mapping[str, Any], outdated: bool, revoked: Collection[str] = ()
) -> tuple[Evidence, ...]:
    results = store.get("validation_results") or {}
    newest = results.get("activeManifest") or {}
    own = set(_codes(newest.get("failure") if results else store.get("validation_status")))
    later = set(_delta_failures(results))
    state = str(store.get("validation_state"))
    listed = str(results.get("trustListUri") or _c2pa.SIGNERS).startswith(_c2pa.SIGNERS)
    vouched = (state == "Trusted" and listed) or (
        _identity_alone(state, own | later)
        and _UNTRUSTED not in own
        and _holds(set(_codes(newest.get("success"))))
    )
    if outdated:
        own.add(_EXPIRED)
    kind = _class(state, own, later, vouched)
    if kind in _SIGNED and stores.serial(store) in revoked:
        kind = "revoked"
    facts = {**stores.facts(store), "failures": sorted(own | later)}
    origin = stores.origin(store, trusted=kind == "trusted")
    evidence = [_evidence(kind, facts, origin)]
    parents = _serious(_parent_failures(store))
    if parents:
        evidence.append(_evidence("parent-not-verified", {"failures": sorted(parents)}))
    return tuple(evidence)


def _class(state: str, own: set[str], later: set[str], vouched: bool) -> str:
    """The class of the newest manifest, hardest first."""
    serious = _serious(own)
    if serious:
        return "damaged" if serious.isdisjoint(_ALTERED) else "altered"
    if state == "Invalid" and _serious(later):
        return "parent-altered"
    if _EXPIRED in own:
        return "expired"
    if vouched:
        return "trusted"
    intact = state in {"Valid", "Trusted"} or _identity_alone(state, own | later)
    return "untrusted-signer" if intact else "damaged"


def _serious(codes: Iterable[str]) -> set[str]:
    """The codes that speak of the credentials themselves: not of trust, time or identity."""
    return {c for c in codes if c not in (_UNTRUSTED, _EXPIRED) and not c.startswith(_IDENTITY)}


def _identity_alone(state: str, codes: set[str]) -> bool:
    """True if only an identity assertion, which is not judged here, keeps it from *Trusted*.

    That the signer is trusted is to be asked besides.
    """
    others = _serious(codes) or _EXPIRED in codes
    named = any(code.startswith(_IDENTITY) for code in codes)
    return state in {"Valid", "Invalid"} and named and not others


def _holds(codes: Iterable[str]) -> bool:
    """True if signature, signer and content were each checked and hold."""
    successes = set(codes)
    return successes.issuperset(_INTACT) and not successes.isdisjoint(_CONTENT)


def _evidence(
    kind: str, details: Mapping[str, Any] | None = None, origin: Origin = Origin.UNKNOWN
) -> Evidence:
    status, explanation, advice = _CLASSES[kind]
    facts = details or {}
    return Evidence(
        "credentials",
        f"credentials.{kind}",
        status,
        explanation.format(who=facts.get("signer") or "an unnamed signer"),
        advice,
        origin=origin,
        details=facts,
    )


def _codes(entries: Any) -> Iterator[str]:
    return (str(entry.get("code")) for entry in entries or () if isinstance(entry, Mapping))


def _delta_failures(results: Mapping[str, Any]) -> Iterator[str]:
    """Failures of ancestors that were not there when the ancestor was added."""
    for delta in results.get("ingredientDeltas") or ():
        yield from _codes((delta.get("validationDeltas") or {}).get("failure"))


def _parent_failures(store: Mapping[str, Any]) -> Iterator[str]:
    """Failures recorded when a parent was added, in either version of the record."""
    for manifest in store["manifests"].values():
        for ingredient in manifest.get("ingredients") or ():
            results = ingredient.get("validation_results") or {}
            yield from _codes((results.get("activeManifest") or {}).get("failure"))
            yield from _delta_failures(results)
            yield from _codes(ingredient.get("validation_status"))


def _outdated(store: Mapping[str, Any], reader: Any) -> bool:
    """True if the certificate has expired and a time-stamp that nobody vouches for hides it.

    c2pa takes any time-stamp authority for claims in version 1, so that whoever holds an expired
    key could stamp its signatures with an authority of their own, and have them trusted. A signer
    on no list is asked the same: their root would not help.
    """
    if not stores.time(store) or stores.trusted_time(store):
        return False
    for manifest in json.loads(reader.crjson())["manifests"]:
        if manifest["label"] == store["active_manifest"]:
            validity = manifest["signature"]["certificateInfo"]["validity"]
            return datetime.fromisoformat(validity["notAfter"]) < datetime.now(UTC)
    return True
