"""Pictures in a report are ours: decoded, scaled and written anew."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
from PIL import Image

from provenance.codec.limits import Limits
from provenance.report.pictures import LARGEST, heat_map, preview, thumbnail, thumbnail_of


def image_in(address: str) -> Image.Image:
    head, body = address.split(",", 1)
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(io.BytesIO(base64.b64decode(body, validate=True)))


def written(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_large_picture_is_scaled_and_keeps_its_measures():
    shown = preview(written(Image.new("RGB", (3000, 1500), "teal")))
    assert (shown.width, shown.height) == (3000, 1500)
    assert image_in(shown.address).size == (LARGEST, LARGEST // 2)


def test_metadata_does_not_travel():
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    data = written(Image.new("RGB", (40, 30), "teal"), "JPEG", exif=exif, comment=b"a secret")
    address = preview(data).address
    assert b"secret" not in base64.b64decode(address.split(",", 1)[1])
    assert not image_in(address).getexif()


def test_the_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = preview(written(Image.new("RGB", (40, 30)), "JPEG", exif=exif))
    assert (shown.width, shown.height) == (30, 40)
    assert image_in(shown.address).size == (30, 40)


def test_transparency_is_kept():
    shown = preview(written(Image.new("RGBA", (20, 20), (255, 0, 0, 100))))
    assert image_in(shown.address).mode == "RGBA"


@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (1, 1)])
def test_odd_shapes(size):
    shown = preview(written(Image.new("RGB", size)))
    assert (shown.width, shown.height) == size
    assert min(image_in(shown.address).size) >= 1


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg></svg>", b"%PDF-1.7", b"\xff\xd8\xff" * 9])
def test_what_cannot_be_decoded_is_not_shown(data):
    assert preview(data) is None
    assert thumbnail(data) is None


def test_limits_hold():
    data = written(Image.new("RGB", (100, 100)))
    assert preview(data, Limits(max_pixels=9_999)) is None
    assert thumbnail_of(data, Limits(max_pixels=9_999)) is None
    assert thumbnail(written(Image.new("L", (5000, 5000)))) is None  # a bomb in the credentials
    assert max(image_in(thumbnail_of(written(Image.new("L", (999, 9)))).address).size) == 192


def test_heat_is_a_small_picture_whose_opacity_is_the_value():
    values = np.asarray(image_in(heat_map([[0.0, 0.5], [1.0, 2.0]])))
    assert values.shape == (2, 2, 4)
    assert values[..., 3].tolist() == [[0, 95], [190, 190]]


@pytest.mark.parametrize(
    "heat",
    [[], [[]], [[0.1], [0.1, 0.2]], [[math.nan]], [[math.inf]], [[0.0] * 65], [[0.0]] * 65],
)
def test_what_is_no_grid_is_not_drawn(heat):
    assert heat_map(heat) is None
