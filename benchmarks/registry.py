"""Precision and recall of fingerprints under attack, and the speed of registry, index and log.

    python benchmarks/registry.py [--every 2] [--entries 1000000] [--write]

`--write` puts the tables into docs/registry.md.

Half of the sources (repositories that the pictures come from) served to choose the thresholds in
provenance/registry/fingerprint.py, the other half is reported. Intervals are Wilson's, 95 %.
Times are CPU times of one process with one thread.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import csv
import hashlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from provenance.picture import Picture
from provenance.registry import fingerprint as prints
from provenance.registry.bars import without_bars
from provenance.registry.entry import Issued
from provenance.registry.fingerprint import MATCH, SAME, Fingerprint, Probes
from provenance.registry.guard import Resemblance, compare
from provenance.registry.index import FingerprintIndex
from provenance.registry.interface import Record
from provenance.registry.log import Log
from provenance.registry.store import SqlRegistry

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
PAGE = ROOT / "docs" / "registry.md"
ORDER = (Resemblance.SAME, Resemblance.EDITED, Resemblance.UNCLEAR, Resemblance.OTHER)
START, END = "<!-- benchmark -->", "<!-- /benchmark -->"
LONGEST = 1024

Attack = Callable[[Image.Image, np.random.Generator], Image.Image]


def jpeg(quality: int) -> Attack:
    return lambda image, _: written(image, "JPEG", quality)


def written(image: Image.Image, kind: str, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return Image.open(buffer).convert("RGB")


def scaled(share: float) -> Attack:
    return lambda image, _: image.resize(
        tuple(max(8, round(share * side)) for side in image.size), Image.Resampling.LANCZOS
    )


def cropped(share: float) -> Attack:
    def attack(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        width, height = (round(share * side) for side in image.size)
        x, y = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
        return image.crop((x, y, x + width, y + height))

    return attack


def titled(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """A white bar with text over 12 % of the picture."""
    copy = image.copy()
    draw = ImageDraw.Draw(copy)
    draw.rectangle((0, int(0.88 * copy.height), copy.width, copy.height), fill="white")
    draw.text((10, int(0.9 * copy.height)), "breaking news " * 5, fill="black")
    return copy


def barred(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.expand(image, (0, round(0.15 * image.height)))


def noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32) + 12 * rng.standard_normal((*image.size[::-1], 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def together(*attacks: Attack) -> Attack:
    def attack(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        for one in attacks:
            image = one(image, rng)
        return image

    return attack


ATTACKS: dict[str, Attack] = {
    "JPEG quality 75": jpeg(75),
    "JPEG quality 30": jpeg(30),
    "WebP quality 50": lambda image, _: written(image, "WEBP", 50),
    "half size": scaled(0.5),
    "quarter size": scaled(0.25),
    "brightness × 1.4": lambda image, _: ImageEnhance.Brightness(image).enhance(1.4),
    "brightness × 0.6": lambda image, _: ImageEnhance.Brightness(image).enhance(0.6),
    "contrast × 0.6": lambda image, _: ImageEnhance.Contrast(image).enhance(0.6),
    "gray": lambda image, _: image.convert("L").convert("RGB"),
    "blur, radius 2": lambda image, _: image.filter(ImageFilter.GaussianBlur(2)),
    "noise, σ 12": noisy,
    "title over 12 %": titled,
    "mirrored": lambda image, _: ImageOps.mirror(image),
    "turned by 2°": lambda image, _: image.rotate(2, Image.Resampling.BICUBIC),
    "crop to 97 % of each side": cropped(0.97),
    "crop to 95 %": cropped(0.95),
    "crop to 90 %": cropped(0.90),
    "crop to 87 %": cropped(0.87),
    "crop to 80 %": cropped(0.80),
    "crop to 90 %, half size, JPEG 50": together(cropped(0.9), scaled(0.5), jpeg(50)),
    "black bars, 15 % above and below": barred,
}
SHARES = {name: float(name[8:10]) ** 2 / 1e4 for name in ATTACKS if name.startswith("crop to")} | {
    "black bars, 15 % above and below": 1.3
}
"""Area of the result, in areas of the picture, where scaling alone does not explain it."""


@dataclass(frozen=True)
class Source:
    path: Path
    repository: str

    @property
    def reported(self) -> bool:
        return bool(hashlib.sha256(self.repository.encode()).digest()[0] & 1)


def sources(every: int) -> list[Source]:
    with (CORPUS / "manifest.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["path"].startswith(("ai/", "real/"))]
    rows = [r for r in rows if not r["path"].endswith((".heif", ".heic", ".dng"))]
    return [Source(CORPUS / r["path"], r["source_repo"]) for r in rows[::every]]


def opened(source: Source) -> Image.Image:
    image = ImageOps.exif_transpose(Image.open(source.path)).convert("RGB")
    image.thumbnail((LONGEST, LONGEST))
    return image


def picture(image: Image.Image) -> Picture:
    return Picture.from_array(np.asarray(image))


def wilson(hits: int, n: int) -> str:
    if n == 0:
        return "–"
    z, p = 1.96, hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    spread = z * ((p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5) / (1 + z * z / n)
    return f"{p:.3f} ({max(0, middle - spread):.3f}–{min(1, middle + spread):.3f})"


def cpu_ms(call: Callable[[], Any], runs: int) -> float:
    spent = []
    for _ in range(runs):
        start = time.process_time()
        call()
        spent.append(1000 * (time.process_time() - start))
    return statistics.median(spent)


def calibration(half: list[tuple[Source, Fingerprint, Probes]]) -> list[str]:
    """How near pictures of other repositories come, with all probes."""
    near = []
    for source, _, offered in half:
        others = [kept for other, kept, _ in half if other.repository != source.repository]
        near.append(min(prints.nearest(offered, kept) for kept in others))
    near.sort()
    return [
        f"On the half for choosing ({len(half)} pictures), the nearest picture of another source "
        f"is at {near[0]} bits, all probes tried; the median of the nearest is "
        f"{near[len(near) // 2]}. `MATCH` = {MATCH} leaves {near[0] - MATCH} bits to it, because "
        "among a million there are nearer ones."
    ]


def attacked(
    registered: list[tuple[Source, Fingerprint]], strangers: list[Source]
) -> tuple[list[str], list[str]]:
    """Each attack on each registered picture, searched among all; and pictures never registered."""
    index = FingerprintIndex()
    for number, (_, kept) in enumerate(registered, 1):
        index.add(number, kept)
    rng = np.random.default_rng(20260101)
    found = dict.fromkeys(ATTACKS, 0)
    wrong = dict.fromkeys(ATTACKS, 0)
    siblings = dict.fromkeys(ATTACKS, 0)
    guard = {name: dict.fromkeys(Resemblance, 0) for name in ATTACKS}
    moved = dict.fromkeys(Resemblance, 0)
    tile = {"period": [[256.0, 0.0], [0.0, 256.0]]}
    for number, (source, kept) in enumerate(registered, 1):
        image = opened(source)
        recorded_tiles = image.width * image.height / 256**2
        for name, attack in ATTACKS.items():
            copy = attack(image, rng)
            subject = picture(copy)
            offered = prints.probes(subject)
            hits = index.search(offered, limit=1) if offered else []
            if not hits and (inner := without_bars(subject)) is not subject:
                offered = prints.probes(inner)
                hits = index.search(offered, limit=1) if offered else []
            if hits and hits[0][0] == number:
                found[name] += 1
            elif hits:
                same = registered[hits[0][0] - 1][0].repository == source.repository
                (siblings if same else wrong)[name] += 1
            # The mark would tell the share of the area; scaling leaves it, cropping does not.
            seen = recorded_tiles * SHARES.get(name, 1.0)
            side = (subject.width * subject.height / seen) ** 0.5
            reading = {"period": [[side, 0.0], [0.0, side]]}
            answer = compare(subject, kept, recorded_tiles=recorded_tiles, reading=reading)
            guard[name][answer.resemblance] += 1
        other = registered[(number + len(registered) // 2) % len(registered)][1]
        answer = compare(picture(image), other, recorded_tiles=recorded_tiles, reading=tile)
        moved[answer.resemblance] += 1
    n = len(registered)
    table = [
        "| attack | found, and rightly | another source's picture "
        "| guard: same / edited / unclear / other |",
        "|---|---|---|---|",
    ]
    for name in ATTACKS:
        counts = " / ".join(str(guard[name][r]) for r in ORDER)
        table.append(f"| {name} | {wilson(found[name], n)} | {wrong[name]} of {n} | {counts} |")
    asked = found_any = near = 0
    repositories = {source.repository for source, _ in registered}
    for source in strangers:
        offered = prints.probes(picture(written(opened(source), "JPEG", 75)))
        if offered and source.repository not in repositories:
            asked += 1
            found_any += bool(index.search(offered, limit=1))
    near = sum(siblings.values())
    answers = sum(found.values()) + sum(wrong.values()) + near
    text = [
        "",
        f"n = {n} registered pictures for each attack. Of {answers} answers, {near} named another "
        f"picture of the same source and {sum(wrong.values())} one of another source: precision "
        f"{wilson(sum(found.values()), answers)}. Of {asked} pictures from sources that were not "
        f"registered, {found_any} were found: {wilson(found_any, asked)}.",
        "",
        f"A mark moved onto another picture of the same size (n = {n}): "
        + ", ".join(f"{count} {name}" for name, count in moved.items()) + ".",
    ]  # fmt: skip
    return table, text


def speed(entries: int) -> list[str]:
    rng = np.random.default_rng(1)
    index = FingerprintIndex()
    rows = rng.integers(0, 256, (entries, 64), np.uint8)
    index.extend(np.arange(1, entries + 1), rows.tobytes())
    known = Fingerprint.from_bytes(rows[entries // 2].tobytes())
    hit = Probes((known.whole, known.whole[::-1]), (known.middle,) * 22)
    unknown = [rng.bytes(32) for _ in range(24)]
    miss = Probes(tuple(unknown[:2]), tuple(unknown[2:]))
    assert index.search(hit)[0] == (entries // 2 + 1, 0)
    large = Picture.from_array(rng.integers(0, 256, (1024, 1024, 3), np.uint8))
    lines = [
        "| | CPU ms |",
        "|---|---|",
        f"| fingerprint of a 1024×1024 picture | {cpu_ms(lambda: prints.small(large), 21):.1f} "
        "to reduce it, "
        f"{cpu_ms(lambda: prints.hash_of(rng.random((64, 64), np.float32)), 21):.2f} a hash |",
        f"| all probes of it | {cpu_ms(lambda: _forced_probes(large), 21):.1f} |",
        f"| search among {entries:,}, found as a whole | "
        f"{cpu_ms(lambda: index.search(hit), 51):.1f} |",
        f"| search among {entries:,}, not found, crops tried | "
        f"{cpu_ms(lambda: index.search(miss), 51):.1f} |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        registry, log = SqlRegistry(Path(folder) / "registry.db"), Log(Path(folder) / "log.jsonl")
        registry.add(record(0))
        numbers = iter(range(1, 10**6))
        start, spent = time.perf_counter(), time.process_time()
        for _ in range(300):
            registry.add(record(next(numbers)))
        added = (time.process_time() - spent) / 0.3, (time.perf_counter() - start) / 0.3
        event = Issued.of(record(0))
        log.append(event)
        start, spent = time.perf_counter(), time.process_time()
        for _ in range(300):
            log.append(event)
        logged = (time.process_time() - spent) / 0.3, (time.perf_counter() - start) / 0.3
        lines += [
            f"| add a record to SQLite, on the disk | {added[0]:.2f} ({added[1]:.1f} ms wall) |",
            f"| append to the log, on the disk | {logged[0]:.2f} ({logged[1]:.1f} ms wall) |",
            "| find a record by its payload | "
            f"{cpu_ms(lambda: registry.by_payload('alg', f'{7:016x}'), 201):.2f} |",
        ]
    return lines


def _forced_probes(subject: Picture) -> None:
    canvas = prints.small(subject)
    for _ in range(24):
        prints.hash_window(canvas, prints.window(0.9, 0.05, 0.05))


def record(number: int) -> Record:
    return Record(
        manifest_id=f"urn:c2pa:{number}", manifest=bytes(12_000), sha256="ab" * 32,
        media_type="image/png", width=1024, height=1024, created_at=datetime.now(UTC),
        key_id="cd" * 32, policy="standard", action="allow", watermark_algorithm="alg",
        payload=f"{number:016x}", tiles=16.0,
        fingerprint=Fingerprint(os.urandom(32), os.urandom(32)),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=2, help="take every n-th picture")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/registry.md")
    arguments = parser.parse_args()
    lines = speed(arguments.entries)
    if CORPUS.is_dir():
        chosen, reported, plain, strangers = [], [], 0, []
        for source in sources(arguments.every):
            subject = picture(opened(source))
            kept, offered = prints.fingerprint(subject), prints.probes(subject)
            if kept is None or offered is None:
                plain += 1
            elif source.reported:
                reported.append((source, kept))
            else:
                chosen.append((source, kept, offered))
                strangers.append(source)
        table, text = attacked(reported, strangers)
        total = plain + len(chosen) + len(reported)
        lines += [
            "", *calibration(chosen), "",
            f"{plain} of {total} pictures are too plain for a fingerprint. `SAME` = {SAME}.", "",
            *table, *text,
        ]  # fmt: skip
    block = "\n".join(lines)
    print(block)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(START, 1)
        after = rest.split(END, 1)[1]
        PAGE.write_text(f"{before}{START}\n{block}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
