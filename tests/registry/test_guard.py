"""A mark on another picture is noticed, and an edited copy is not accused."""

import numpy as np
import pytest
from PIL import Image

from provenance.picture import Picture
from provenance.registry.fingerprint import fingerprint
from provenance.registry.guard import Resemblance, compare, tiles
from tests.conftest import make_scene

TILES = 640 * 480 / 200**2


@pytest.fixture(scope="module")
def scene():
    return make_scene(480, 640)


@pytest.fixture(scope="module")
def recorded(scene):
    return fingerprint(Picture.from_array(scene))


def judged(pixels, recorded, period=200.0, lean=0.0):
    reading = {"period": [[period, lean], [-lean, period]]}
    return compare(
        Picture.from_array(np.ascontiguousarray(pixels)),
        recorded,
        recorded_tiles=TILES,
        reading=reading,
    )


def other_scene(height=480, width=640):
    """Blots of many sizes."""
    rng, total = np.random.default_rng(5), np.zeros((height, width))
    for cells in (3, 6, 12, 24):
        blots = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
        total += np.asarray(blots.resize((width, height), Image.Resampling.BICUBIC))
    gray = np.clip(128 + 40 * total, 0, 255).astype(np.uint8)
    return np.stack([gray] * 3, axis=-1)


def test_the_same(scene, recorded):
    answer = judged(scene, recorded)
    assert answer.resemblance is Resemblance.SAME
    assert answer.distance == 0
    assert answer.share == pytest.approx(1)


def test_scaled(scene, recorded):
    half = np.asarray(Image.fromarray(scene).resize((320, 240)))
    answer = judged(half, recorded, period=100.0)
    assert answer.resemblance is Resemblance.SAME
    assert answer.share == pytest.approx(1)


@pytest.mark.parametrize(
    "edit",
    [
        lambda p: p[:, ::-1],
        lambda p: p[::-1],
        np.rot90,
        lambda p: np.rot90(p, 2),
        lambda p: np.rot90(p, 3),
        lambda p: np.transpose(p, (1, 0, 2)),
        lambda p: p[20:460, 20:620],
        lambda p: p[48:, 64:],
        lambda p: p[:-40, :-40],
    ],
)
def test_altered(scene, recorded, edit):
    assert judged(edit(scene), recorded).resemblance is Resemblance.EDITED


def test_moved_onto_another_picture(recorded):
    answer = judged(other_scene(), recorded)
    assert answer.resemblance is Resemblance.OTHER
    assert answer.distance > 88


@pytest.mark.parametrize("size", [(240, 320), (960, 1280)])
def test_moved_onto_a_picture_of_another_size(recorded, size):
    period = 200.0 * size[0] / 480
    assert judged(other_scene(*size), recorded, period).resemblance is Resemblance.OTHER


def test_a_small_part_is_not_accused(scene, recorded):
    answer = judged(scene[100:300, 300:600], recorded)
    assert answer.resemblance is Resemblance.UNCLEAR
    assert answer.share == pytest.approx(200 * 300 / (640 * 480))


def test_a_turned_copy_is_not_accused(scene, recorded):
    turned = np.asarray(Image.fromarray(scene).rotate(25))
    assert judged(turned, recorded, lean=85.0).resemblance is Resemblance.UNCLEAR


@pytest.mark.parametrize("level", [0, 255])
def test_bars_around_the_picture(scene, recorded, level):
    """Letterboxes: none, some or all of the picture's own edge may be cut off as well."""
    for inner in (scene, scene[20:460, 20:620]):
        framed = np.full((700, 700, 3), level, np.uint8)
        framed[100 : 100 + inner.shape[0], 30 : 30 + inner.shape[1]] = inner
        assert judged(framed, recorded).resemblance is Resemblance.EDITED
    half = np.full((480, 640, 3), level, np.uint8)
    half[120:360] = scene[120:360]
    assert judged(half, recorded).resemblance is not Resemblance.OTHER


def test_a_picture_within_a_screen_is_not_accused(scene, recorded):
    screen = make_scene(1000, 900, seed=3)
    screen[200:680, 100:740] = scene
    answer = judged(screen, recorded)
    assert answer.resemblance is Resemblance.UNCLEAR
    assert answer.share > 2


def test_without_knowledge_of_the_share_nobody_is_accused(recorded):
    for tiles_, reading in ((None, {"period": [[200, 0], [0, 200]]}), (TILES, None), (TILES, {})):
        answer = compare(
            Picture.from_array(other_scene()), recorded, recorded_tiles=tiles_, reading=reading
        )
        assert answer.resemblance is Resemblance.UNCLEAR
        assert answer.share is None


def test_nothing_to_compare(scene, recorded):
    plain = np.full((480, 640, 3), 128, np.uint8)
    assert judged(plain, recorded).resemblance is Resemblance.UNCLEAR
    assert judged(scene, None).resemblance is Resemblance.UNCLEAR
    assert judged(scene, None).distance is None


@pytest.mark.parametrize(
    "period",
    [None, 3, "ab", [[1, 2]], [[0, 0], [0, 0]], [["x", 1], [1, 1]], [[float("nan"), 0], [0, 1]]],
)
def test_readings_that_tell_nothing(period):
    assert tiles({"period": period}, 640, 480) is None
    assert tiles({}, 640, 480) is None
