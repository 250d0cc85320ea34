"""Build the tuning and test pictures: two sets that share no source.

Run: python -m models.watermark.pictures --corpus DIR --bench DIR --out DIR

`--corpus` holds manifest.csv and the files it lists; its pictures are split by source
repository. `--bench` holds the benchmark's own folders 512 and 1024; every third picture of them
is for tuning, the rest for testing. Pictures are cut square and shrunk to 512 or 1024 pixels;
every third of a source keeps its aspect.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections import Counter
from pathlib import Path

from PIL import Image

SIZES = {512: 500, 1024: 900}
"""Sides of the pictures, and the least side of a source for each."""

FOLDERS = {"ai", "real", "text", "nsfw_benign"}
MOST = {"tune": 5, "test": 4}
"""Pictures of one source, at most."""


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def split(source: str) -> str:
    """Which set a source belongs to."""
    return "tune" if _hash("split" + source) % 3 == 0 else "test"


def build(corpus: Path, bench: Path, out: Path, size: int) -> Counter[str]:
    """Write both sets of one size; returns how many pictures each holds."""
    made: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    with (corpus / "manifest.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["path"].split("/")[0] in FOLDERS]
    rows = [r for r in rows if r["width"] and "cell" not in r["notes"]]
    for row in sorted(rows, key=lambda r: _hash(r["path"])):
        if min(int(row["width"]), int(row["height"])) < SIZES[size]:
            continue
        source, group = row["source_repo"], split(row["source_repo"])
        if taken[source] >= MOST[group]:
            continue
        try:
            image = Image.open(corpus / row["path"])
            image.load()
        except OSError:
            continue
        if image.mode not in {"RGB", "L", "P", "RGBA"}:
            continue
        taken[source] += 1
        shrunk = _shrink(image.convert("RGB"), size, keep=taken[source] % 3 == 0)
        if shrunk is None:
            continue
        kind = "a_" if row["path"].startswith("ai") else "r_"
        name = kind + hashlib.md5(row["path"].encode(), usedforsecurity=False).hexdigest()[:8]
        shrunk.save(_folder(out, group, size) / f"{name}.png")
        made[group] += 1
    for number, path in enumerate(sorted((bench / str(size)).glob("*.png"))):
        group = "tune" if number % 3 == 0 else "test"
        Image.open(path).save(_folder(out, group, size) / path.name)
        made[group] += 1
    return made


def unmarked(corpus: Path, out: Path) -> int:
    """Link every picture of the test sources, as it is, for the count of false positives."""
    folder = out / "unmarked"
    folder.mkdir(parents=True, exist_ok=True)
    made = 0
    with (corpus / "manifest.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = corpus / row["path"]
            plain = path.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"}
            if not plain or row["path"].startswith("c2pa") or split(row["source_repo"]) != "test":
                continue
            link = folder / row["path"].replace("/", "_")
            if not link.exists():
                link.symlink_to(path.resolve())
            made += 1
    return made


def _shrink(image: Image.Image, size: int, *, keep: bool) -> Image.Image | None:
    width, height = image.size
    lanczos = Image.Resampling.LANCZOS
    if keep:
        scale = size / max(width, height)
        if min(width, height) * scale < 300:
            return None
        return image.resize((round(width * scale), round(height * scale)), lanczos)
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return image.resize((size, size), lanczos, box=(left, top, left + side, top + side))


def _folder(out: Path, group: str, size: int) -> Path:
    folder = out / f"{group}{size}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    """Parse and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for size in SIZES:
        print(size, dict(build(options.corpus, options.bench, options.out, size)))
    print("unmarked", unmarked(options.corpus, options.out))


if __name__ == "__main__":
    main()
