"""Speed of reading claims from headers, false claims on photographs, and thumbnails.

    python -m benchmarks.claims [--write]

`--write` puts the tables into docs/claims.md. CPU time of this process with one thread: the median
of nine passes over all files, which lie in the page cache after the first. Beside it stands what
Pillow takes to open the same files without decoding, and what our decoder takes for all pixels.
Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import contextlib
import statistics
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from provenance.claims.thumbnail import AGREES, likeness
from provenance.codec.decode import decode
from provenance.errors import ProvenanceError
from provenance.evidence import Origin
from provenance.verify.headers import claims_of, headers_of

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
PAGE = ROOT / "docs" / "claims.md"
FOLDERS = ("meta", "real", "ai", "hands", "nsfw_benign", "text", "c2pa")
PHOTOGRAPHS = ("real", "hands/real", "nsfw_benign")
PASSES = 9


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z = 1.959964
    centre = (hits + z * z / 2) / (total + z * z)
    half = z / (total + z * z) * (hits * (total - hits) / total + z * z / 4) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def percent(hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{hits} of {total:,} ({100 * low:.1f}–{100 * high:.1f} %)"


def seconds(work: Callable[[Path], Any], paths: list[Path], passes: int = PASSES) -> float:
    """Median CPU seconds of a pass over the files, after one to warm up."""
    spent = []
    for _ in range(passes + 1):
        start = time.process_time()
        for path in paths:
            work(path)
        spent.append(time.process_time() - start)
    return statistics.median(spent[1:])


def opened(path: Path) -> None:
    """What Pillow reads when a file is opened, and its EXIF."""
    with contextlib.suppress(OSError, ValueError), Image.open(path) as image:
        image.getexif()


def decoded(path: Path) -> None:
    with contextlib.suppress(ProvenanceError):
        decode(path.read_bytes(), first_frame=True)


def speed() -> str:
    paths = [p for f in FOLDERS for p in sorted((CORPUS / f).rglob("*")) if p.is_file()]
    kinds = defaultdict(list)
    for path in paths:
        if kind := headers_of(path).kind:
            kinds[kind].append(path)
    rows = []
    for kind, files in sorted(kinds.items(), key=lambda item: -len(item[1])):
        ours, claims = seconds(headers_of, files), seconds(claims_of, files)
        theirs = seconds(opened, files, 3) if kind not in ("HEIC", "MP4") else None
        pixels = seconds(decoded, files, 1) if kind not in ("HEIC", "MP4") else None
        rows.append((kind, len(files), ours, claims, theirs, pixels))
    lines = [
        "| container | files | median kB | headers, µs | with claims, µs | claims, files/s "
        "| Pillow opens, µs | decode, µs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    total_files = total = 0.0
    for kind, count, ours, claims, theirs, pixels in rows:
        sizes = statistics.median(p.stat().st_size for p in kinds[kind]) / 1000
        total_files, total = total_files + count, total + claims
        cells = (f"{1e6 * s / count:,.0f}" if s is not None else "–" for s in (theirs, pixels))
        lines.append(
            f"| {kind} | {count} | {sizes:,.0f} | {1e6 * ours / count:,.0f} "
            f"| {1e6 * claims / count:,.0f} | {count / claims:,.0f} | {' | '.join(cells)} |"
        )
    lines.append(f"| all | {total_files:.0f} | | | | **{total_files / total:,.0f}** | | |")
    return "\n".join(lines)


def photographs() -> str:
    """Claims of AI on photographs, and what else they say."""
    said: Counter[str] = Counter()
    files = wrong = 0
    for folder in PHOTOGRAPHS:
        for path in sorted((CORPUS / folder).rglob("*")):
            if not path.is_file():
                continue
            claims = claims_of(path)
            files += 1
            wrong += any(c.origin in (Origin.GENERATED, Origin.EDITED) for c in claims)
            said.update({c.family for c in claims})
    others = ", ".join(f"{family} {count}" for family, count in said.most_common())
    return (
        f"Photographs that claim AI: {percent(wrong, files)}. Trivial baseline (no file claims "
        f"anything): the same. What they claim instead: {others}."
    )


def thumbnails() -> str:
    """How often a thumbnail agrees with its own picture, and with another one."""
    found = []
    for folder in ("real", "hands/real"):
        for path in sorted((CORPUS / folder).iterdir()):
            tags = headers_of(path).tags
            if tags.thumbnail:
                found.append((tags, decode(path.read_bytes(), first_frame=True)))
    own = others = 0
    for number, (tags, _) in enumerate(found):
        for place, (_, picture) in enumerate(found):
            alike = likeness(tags.thumbnail, tags.orientation, picture)
            agrees = alike is not None and alike >= AGREES
            own += agrees and number == place
            others += agrees and number != place
    pairs = len(found) * (len(found) - 1)
    return (
        f"Thumbnails that agree with their own picture: {percent(own, len(found))}; with another "
        f"picture: {percent(others, pairs)}."
    )


def main() -> None:
    """Measure, print, write."""
    warnings.simplefilter("ignore")  # Pillow's, about EXIF that it cannot read
    parts = {"speed": speed(), "photographs": photographs(), "thumbnails": thumbnails()}
    for name, text in parts.items():
        print(f"\n{name}\n\n{text}")
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        for name, text in parts.items():
            begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
            head, rest = page.split(begin)
            page = f"{head}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}"
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
