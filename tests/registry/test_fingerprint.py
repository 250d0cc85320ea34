"""A copy keeps its fingerprint, another picture has another."""

import csv
import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from provenance.picture import Picture
from provenance.registry import fingerprint as prints
from provenance.registry.fingerprint import MATCH, SAME, Fingerprint, distance, fingerprint, probes
from tests.conftest import make_scene


@pytest.fixture(scope="module")
def image():
    return Image.fromarray(make_scene(480, 640))


HASH = "056daaeb4aeb69d2adad6974aad6b5695d2aad5ad569534a8ad42b506950d2a0"


def picture(image):
    return Picture.from_pil(image)


def apart(copy, image):
    """Bits between a copy and what was recorded, with all that a search tries."""
    return prints.nearest(probes(picture(copy)), fingerprint(picture(image)))


def test_it_is_the_same_in_every_run(image):
    """Registries outlive releases: the hash of a known picture may never change."""
    kept = fingerprint(picture(image))
    assert Fingerprint.from_bytes(kept.to_bytes()) == kept
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    grid = 100 + 30 * np.sin(x / 5) + 20 * np.cos(y / 7) + 10 * np.sin(x * y / 300)
    assert prints.hash_of(grid.astype(np.float32)).hex() == HASH


@pytest.mark.parametrize("side", [200, 500, 900])
def test_scaling(image, side):
    assert apart(image.resize((side, side)), image) <= SAME


@pytest.mark.parametrize(("kind", "quality"), [("JPEG", 30), ("WEBP", 30)])
def test_compression(image, kind, quality):
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    assert apart(Image.open(buffer), image) <= SAME


def test_gray_and_dark(image):
    assert apart(image.convert("L"), image) <= SAME
    assert apart(image.point(lambda v: v // 2), image) <= SAME


def test_mirrored(image):
    assert distance(fingerprint(picture(ImageOps.mirror(image))), fingerprint(picture(image))) > 90
    assert apart(ImageOps.mirror(image), image) <= SAME


@pytest.mark.parametrize("box", [(0, 0, 600, 450), (40, 30, 640, 480), (20, 0, 596, 432)])
def test_a_crop(image, box):
    assert apart(image.crop(box), image) <= MATCH


def test_another_picture(image):
    other = Image.fromarray(make_scene(480, 640, seed=99)[::-1, :, ::-1].copy())
    assert apart(other, image) > MATCH


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_picture_has_none(level):
    plain = Picture.from_array(np.full((300, 300, 3), level, np.uint8))
    assert fingerprint(plain) is None
    assert probes(plain) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 3)])
def test_pictures_of_any_shape(shape):
    rng = np.random.default_rng(0)
    tiny = Picture.from_array(rng.integers(0, 256, (*shape, 3), np.uint8))
    fingerprint(tiny)
    probes(tiny)


def test_it_has_64_bytes():
    with pytest.raises(ValueError, match=r"32 and 31 bytes; expected 32"):
        Fingerprint.from_bytes(bytes(63))


def test_real_pictures_are_far_apart(shared):
    """Of one picture from each source, none is near another."""
    chosen = {}
    with (shared / "corpus" / "manifest.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["path"].startswith("real/") and row["path"].endswith((".jpg", ".png")):
                chosen.setdefault(row["source_repo"], row["path"])
    kept = [fingerprint(Picture.open(shared / "corpus" / path)) for path in chosen.values()]
    kept = [one for one in kept if one]
    assert len(kept) > 10
    near = [distance(a, b) for n, a in enumerate(kept) for b in kept[:n]]
    assert min(near) > MATCH + SAME
