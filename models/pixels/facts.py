"""What is known of a picture without a network: what trivial rules see, and kinds of photographs.

    python -m models.pixels.facts LIST.csv... --of FEATURES.npz -o FEATURES.npz

Writes the facts of a table of features.py anew, from the same lists in the same order.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from models.pixels.listed import listed, opened
from provenance import Picture
from provenance.detect.graphics import flatness
from provenance.detect.views import QUALITY, SHRUNK, views

TRIVIAL = ("PNG", "square", "sides in eights", "bytes a pixel", "pixels")
"""Numbers that need no look at the picture."""

EDITORS = ("photoshop", "lightroom", "gimp", "picasa", "paint.net", "affinity", "snapseed")
"""Programs that people retouch with, as they name themselves in EXIF."""


def trivial(path: Path, picture: Picture) -> list[float]:
    """`TRIVIAL` of the file as it is."""
    png = path.suffix.lower() == ".png"
    return _numbers(png, (picture.width, picture.height), path.stat().st_size)


def equalised(picture: Picture) -> list[float]:
    """`TRIVIAL` of what the detector sees first, as a file of its own."""
    view, out = views(picture)[SHRUNK], io.BytesIO()
    view.save(out, "JPEG", quality=QUALITY)
    with Image.open(out) as file:
        return _numbers(file.format == "PNG", file.size, len(out.getvalue()))


def _numbers(png: bool, size: tuple[int, int], length: int) -> list[float]:
    width, height = size
    eights = width % 8 == 0 and height % 8 == 0
    pixels = float(width * height)
    return [float(png), float(width == height), float(eights), length / pixels, pixels]


def about(path: Path, picture: Picture) -> list[float]:
    """Flatness, mean luminance, mean saturation, and whether EXIF names a camera and an editor."""
    small = Image.fromarray(picture.pixels)
    small.thumbnail((256, 256))
    light = float(np.asarray(small.convert("L")).mean())
    colour = float(np.asarray(small.convert("HSV"))[..., 1].mean())
    with Image.open(path) as file:
        exif = file.getexif()
        program = str(exif.get(ExifTags.Base.Software, "")).lower()
        edited = any(name in program for name in EDITORS) or "photoshop" in file.info
        return [flatness(picture), light, colour, float(ExifTags.Base.Make in exif), float(edited)]


def main() -> None:
    """Compute and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lists", nargs="+", type=Path)
    parser.add_argument("--of", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    with np.load(given.of, allow_pickle=False) as file:
        table = {name: file[name] for name in file.files}
    wanted = zip(table["name"], table["label"], table["source"], strict=True)
    rows = list(_facts(given.lists, {(str(n), str(c), str(s)) for n, c, s in wanted}))
    names, *facts = zip(*rows, strict=True)
    if list(names) != list(zip(table["name"], table["source"], strict=True)):
        raise SystemExit("the lists have other pictures than the table, or another order")
    table["trivial"], table["equalised"], table["about"] = map(np.array, facts)
    np.savez(given.output, **table)


def _facts(
    lists: list[Path], wanted: set[tuple[str, str, str]]
) -> Iterator[tuple[tuple[str, str], list[float], list[float], list[float]]]:
    for path, label, source in listed(lists):
        if (path.name, label, source) in wanted and (picture := opened(path)) is not None:
            yield (
                (path.name, source),
                trivial(path, picture),
                equalised(picture),
                about(path, picture),
            )


if __name__ == "__main__":
    main()
