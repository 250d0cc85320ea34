"""`Resolver`: finds manifests by binding and by content. Knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provenance.codec.decode import decode
from provenance.codec.limits import Limits
from provenance.picture import Picture
from provenance.registry.bars import without_bars
from provenance.registry.fingerprint import ALGORITHM as FINGERPRINT
from provenance.registry.fingerprint import Probes, probes
from provenance.registry.guard import Comparison, Resemblance, compare
from provenance.registry.interface import Record, Registry
from provenance.server import binding, jumbf
from provenance.server.errors import Refusal, invalid
from provenance.watermark.interface import Watermarker

_UNRELATED = 128
"""Bits, of 256, that differ between unrelated pictures: a score of 0."""


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest that answers a query.

    Attributes:
        manifest_id: label of the manifest.
        score: 0 to 100; None where the binding was found and the pictures cannot be compared.
    """

    manifest_id: str
    score: int | None = None


class Resolver:
    """Answers the questions of the Soft Binding Resolution API from a registry.

    Args:
        registry: where manifests are kept.
        watermarkers: the scheme with each of your keys.
        limits: on bytes and pixels of pictures.
    """

    def __init__(
        self, registry: Registry, watermarkers: Sequence[Watermarker], limits: Limits | None = None
    ) -> None:
        self._registry = registry
        self._watermarkers = tuple(watermarkers)
        self._limits = limits or Limits()
        self.watermarks = tuple(dict.fromkeys(w.algorithm for w in self._watermarkers))
        self.fingerprints = (FINGERPRINT,)

    def check(self) -> None:
        """Ask the registry something cheap.

        Raises:
            RegistryUnavailable: it does not answer.
        """
        self._registry.by_manifest("urn:c2pa:00000000-0000-4000-8000-000000000000")

    def by_binding(self, algorithm: str, value: str, limit: int) -> list[Found]:
        """Manifests that name this binding; for a fingerprint, also those that come near.

        Raises:
            Refusal: 400, for an algorithm or a value that is not ours.
            RegistryUnavailable: the registry does not answer.
        """
        return self._named(self._known(algorithm), value, limit)

    def by_content(
        self,
        data: Iterable[bytes],
        limit: int,
        *,
        algorithm: str | None = None,
        hint: tuple[str, str] | None = None,
    ) -> list[Found]:
        """Manifests for a picture: by its mark under each key, failing that by its looks.

        Args:
            data: the file, in pieces.
            limit: at most so many.
            algorithm: look for this kind of binding alone.
            hint: algorithm and value of another binding; what it names counts only if it looks
                like the picture, since a hint is nothing but a claim.

        Raises:
            Refusal: 400, for an algorithm or a value that is not ours.
            InputError: the picture cannot be read.
            RegistryUnavailable: the registry does not answer.
        """
        if algorithm is not None:
            self._known(algorithm)
        picture = decode(b"".join(data), self._limits, first_frame=True)
        found: list[Found] = []
        if algorithm != FINGERPRINT:
            found = self._by_mark(picture, algorithm)
        if hint is not None:
            found += self._by_hint(picture, *hint, limit)
        if not found and algorithm in (None, FINGERPRINT):
            found = self._by_looks(picture, limit)
        unique = {match.manifest_id: match for match in reversed(found)}
        ranked = sorted(unique.values(), key=lambda match: -(match.score or 0))
        return ranked[:limit]

    def manifest(self, manifest_id: str, *, active_only: bool = False) -> bytes | None:
        """The manifest store that a manifest is the newest of, or None.

        Args:
            manifest_id: label of the manifest.
            active_only: leave its ancestors out.

        Raises:
            ValueError: the stored manifest is damaged.
            RegistryUnavailable: the registry does not answer.
        """
        record = self._registry.by_manifest(manifest_id)
        if record is None:
            return None
        return jumbf.only(record.manifest, manifest_id) if active_only else record.manifest

    def _known(self, algorithm: str) -> str:
        if algorithm not in (*self.watermarks, *self.fingerprints):
            known = ", ".join((*self.watermarks, *self.fingerprints))
            raise invalid(f"the algorithm is not supported; this service knows {known}")
        return algorithm

    def _named(self, algorithm: str, value: str, limit: int) -> list[Found]:
        if algorithm == FINGERPRINT:
            kept = binding.fingerprint(value)
            return self._near(Probes((kept.whole,), (kept.middle,)), limit)
        return [Found(r.manifest_id, 100) for r in self._carrying(algorithm, value)[:limit]]

    def _carrying(self, algorithm: str, value: str) -> tuple[Record, ...]:
        return self._registry.by_payload(algorithm, binding.payload(value).hex)

    def _near(self, offered: Probes, limit: int) -> list[Found]:
        matches = self._registry.by_fingerprint(offered, limit)
        return [Found(m.record.manifest_id, _score(m.distance)) for m in matches]

    def _by_mark(self, picture: Picture, algorithm: str | None) -> list[Found]:
        """Under the first key that finds a mark of ours, without those it was moved from."""
        for watermarker in self._watermarkers:
            if algorithm not in (None, watermarker.algorithm):
                continue
            reading = watermarker.extract(picture)
            if reading.payload is None:
                continue
            records = self._registry.by_payload(watermarker.algorithm, reading.payload.hex)
            compared = [
                (
                    record,
                    compare(
                        picture,
                        record.fingerprint,
                        recorded_tiles=record.tiles,
                        reading=reading.details,
                    ),
                )
                for record in records
            ]
            return [_found(r, c) for r, c in compared if c.resemblance is not Resemblance.OTHER]
        return []

    def _by_hint(self, picture: Picture, algorithm: str, value: str, limit: int) -> list[Found]:
        """What a hint names, if it looks like the picture; a foreign hint is passed over."""
        if algorithm not in (*self.watermarks, *self.fingerprints):
            return []
        found = []
        for named in self._named(algorithm, value, limit):
            record = self._registry.by_manifest(named.manifest_id)
            if record is None:
                continue
            comparison = compare(picture, record.fingerprint)
            if comparison.resemblance in (Resemblance.SAME, Resemblance.EDITED):
                found.append(_found(record, comparison))
        return found

    def _by_looks(self, picture: Picture, limit: int) -> list[Found]:
        """Nearest fingerprints; if there are none, again without plain bars along the edges."""
        inner = picture
        for _ in range(2):
            offered = probes(inner)
            found = self._near(offered, limit) if offered else []
            if found or (inner := without_bars(picture)) is picture:
                return found
        return []


def checked_hint(algorithm: str | None, value: str | None) -> tuple[str, str] | None:
    """Both parts of a hint, or None.

    Raises:
        Refusal: 400, for one without the other.
    """
    if (algorithm is None) != (value is None):
        raise invalid("hintAlg and hintValue belong together; give both or neither")
    return (algorithm, value) if algorithm is not None and value is not None else None


def damaged() -> Refusal:
    """500: what the registry holds cannot be cut."""
    return Refusal(500, "manifest-damaged", "the stored manifest is damaged; tell the operator")


def _found(record: Record, comparison: Comparison) -> Found:
    likely = comparison.resemblance in (Resemblance.SAME, Resemblance.EDITED)
    alike = comparison.distance if likely else None
    return Found(record.manifest_id, None if alike is None else _score(alike))


def _score(distance: int) -> int:
    """100 for equal fingerprints, 50 at the threshold of a match, 0 for unrelated ones."""
    return max(0, round(100 * (1 - distance / _UNRELATED)))
