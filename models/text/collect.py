"""Finds lines in drawn pictures and in files, and keeps what is known of each.

    python models/text/collect.py JOB CORPUS FONTS WORDS DICT OUT

JOB is `tune` or `report` (drawn lines of a half) or `files`. CORPUS holds `manifest.csv` (path,
label, source_repo). FONTS is a folder of fonts with the Latin, Chinese and other scripts of
render.py; WORDS and DICT are those of make_language.py. OUT gets `JOB.npz` and `JOB.json`, which
train.py and evaluate.py read; it is no part of the project.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from render import PSEUDO, Material, Placed, half, picture

from provenance.detect.text.again import agreement
from provenance.detect.text.find import Finder
from provenance.detect.text.judge import TURNS, clarity, features, without_score
from provenance.detect.text.read import Reader
from provenance.errors import InputError
from provenance.picture import Picture

GOOD = ("words",) * 5 + ("codes",) * 3 + ("mild",) * 2 + ("chinese",) * 4
BAD = (*PSEUDO * 2, *(f"zh-{kind}" for kind in PSEUDO))

EACH = 50
"""Pictures for each seed."""

SEEDS = {
    "tune": {
        "plain": (*range(1000, 1010), *range(2000, 2008)),
        "scene": tuple(range(4000, 4008)),
        "scene real": tuple(range(4200, 4204)),
    },
    "report": {
        "plain": tuple(range(7000, 7004)),
        "scene": tuple(range(7100, 7103)),
        "plain real": tuple(range(7200, 7208)),
        "scene real": tuple(range(7300, 7302)),
    },
}
"""Seeds of each half and style: lines on a picture or parts of a scene, all kinds or real alone."""

FOLDERS = ("real", "ai", "text", "hands", "nsfw_benign")
"""Of the corpus."""


def judged(fact: dict[str, Any]) -> bool:
    """Whether the line gets as far as a score."""
    keys = ("text", "mean", "height", "long", "contrast", "edge")
    return without_score(*(fact[key] for key in keys)) is None


class Collector:
    """Finds and reads lines, and keeps facts of each, and features of those that need a score.

    Facts: `group` (picture), `part` (`tune` or `report`), `kind` (what was drawn there, `part KIND`
    for a part of it, `nothing` beside it; or `real`, `ai` in files), `text`, `mean` sureness,
    `x`, `y`, `height`, `long` (width over height), `detector` (score), `contrast`, `edge`, `turned`
    (best mean sureness of the other ways to hold it), and what the caller adds.
    """

    def __init__(self) -> None:
        self.finder, self.reader = Finder(), Reader()
        self.facts: list[dict[str, Any]] = []
        self.rows: list[np.ndarray] = []

    def take(self, image: Image.Image, placed: list[Placed] | None = None, **known: Any) -> None:
        """The lines of one picture, on which `placed` were drawn."""
        for line in self.finder.lines(image):
            x, y = line.centre
            kind = known.get("kind", "nothing")
            for one in placed or ():
                left, top, right, bottom = one.place
                if left - 4 < x < right + 4 and top < y < bottom:
                    whole = line.width > 0.5 * (right - left)
                    kind = one.kind if whole else f"part {one.kind}"
            cut = line.cut(image)
            reading = self.reader.read(cut)
            contrast, edge = clarity(cut)
            fact = {
                **known,
                "kind": kind,
                "text": reading.text,
                "mean": reading.mean,
                "x": x,
                "y": y,
                "height": cut.height,
                "long": cut.width / cut.height,
                "detector": line.score,
                "contrast": contrast,
                "edge": edge,
                "turned": 0.0,
            }
            if judged(fact):
                fact["turned"] = max(self._turned(cut))
                agreed = agreement(cut, reading, self.reader)
                self.rows.append(features(cut, reading, agreed).astype(np.float32))
            self.facts.append(fact)

    def _turned(self, cut: Image.Image) -> Iterator[float]:
        for turn in TURNS:
            reading = self.reader.read(cut.transpose(turn))
            yield reading.mean if len(reading.text.strip()) > 2 else 0.0


def draw(collector: Collector, material: Material, pictures: int, seed: int, style: str) -> None:
    """Lines of `pictures` drawn pictures, in a style of `SEEDS`."""
    random = np.random.default_rng(seed)
    odd = (*material.others, "mirrored", "mirrored", "random")
    scene = style.startswith("scene")
    for number in range(pictures):
        mixed = (GOOD, GOOD, GOOD, BAD, BAD, BAD, odd, odd)
        groups = (GOOD,) * 8 if style.endswith("real") else mixed
        kinds = [str(random.choice(group)) for group in groups]
        random.shuffle(kinds)
        image, placed = picture(kinds, material, random, scene)
        group = f"{seed}-{number}"
        collector.take(image, placed, part=material.part, group=group, scene=scene)


@dataclass(frozen=True, slots=True)
class File:
    """A file of the corpus: its path in it, what it is, where from, and which half it is in."""

    path: str
    generated: bool
    source: str
    part: str


def files(corpus: Path) -> list[File]:
    """All pictures, halved by source: for ImageNet samples, the class; else the repository."""
    found = []
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if row["path"].split("/")[0] in FOLDERS:
                synset = re.search(r"__(n\d{8})_", row["path"])
                source = synset[1] if synset else row["source_repo"]
                found.append(File(row["path"], row["label"] == "ai", source, half(source)))
    return found


def opened(corpus: Path, file: File) -> Image.Image | None:
    """Its pixels, or None where we cannot read it."""
    try:
        return Image.fromarray(Picture.open(corpus / file.path).pixels)
    except InputError as error:
        print(f"left out: {file.path}: {error}")
        return None


def photograph(collector: Collector, corpus: Path, file: File) -> bool:
    """Lines of a file; of tuning, also at other sizes, mirrored and turned. Or False."""
    image = opened(corpus, file)
    if image is None:
        return False
    kind = "ai" if file.generated else "real"
    known = {"part": file.part, "group": file.path, "kind": kind, "source": file.source}
    collector.take(image, **known)
    if file.part == "tune" and not file.generated:
        for scale in (0.6, 1.6):
            size = (max(32, int(image.width * scale)), max(32, int(image.height * scale)))
            if max(size) < 2600:
                collector.take(image.resize(size), **known, again=scale)
        collector.take(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), **known, again="mirrored")
        collector.take(image.transpose(Image.Transpose.ROTATE_180), **known, again="turned")
    return True


def main(job: str, corpus: Path, fonts: Path, words: Path, dictionary: Path, out: Path) -> None:
    """Draw, find, read, write."""
    collector = Collector()
    known = files(corpus)
    if job == "files":
        looked_at = [asdict(file) for file in known if photograph(collector, corpus, file)]
        (out / "looked_at.json").write_text(json.dumps(looked_at), encoding="utf-8")
    else:
        photographs = [
            corpus / f.path
            for f in known
            if f.part == job and f.path.startswith("real/") and "hei" not in f.path[-5:]
        ]
        material = Material(fonts, words, dictionary, photographs, job)
        for style, seeds in SEEDS[job].items():
            for seed in seeds:
                draw(collector, material, EACH, seed, style)
    print(job, len(collector.rows))
    np.savez_compressed(out / f"{job}.npz", rows=np.array(collector.rows))
    (out / f"{job}.json").write_text(json.dumps(collector.facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:]))
