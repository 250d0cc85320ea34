"""Views are kept as the check would see them, and evaluate's groups keep persons together."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.hands import evaluate
from models.hands.views import STUDIO, cut, read, write
from provenance.detect.hands.geometry import Region
from provenance.detect.hands.view import SIDE, View, alike, wide


def test_a_view_comes_back_as_the_check_sees_it(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    points = np.random.default_rng(1).uniform(100, 200, (21, 2))
    region = Region(150, 150, 0.4, 120)
    row = {**cut(picture, region, points), "path": "a", "full": True, "side": 120.0}
    write(tmp_path / "some.npz", [row, {"path": "b", "set": "picture"}])
    table, (first, second) = read(tmp_path / "some.npz")
    view = View(region, points, 1.0, alike(wide(region).crop(picture, SIDE)))
    assert second is None and first is not None
    assert (np.asarray(first) == np.asarray(view.image)).all()
    assert np.allclose(table["points"][0], view.inner, atol=1e-4)
    assert table["full"].tolist() == [True, False]
    assert table["path"].tolist() == ["a", "b"]


def test_pictures_of_a_person_are_never_parted():
    numbers = [1126, 4136, 4218, 4474, 4503, 4875, 4924, 5384, 5448, 5922]
    table = {
        "path": np.array([f"hands/real/{STUDIO}__4_IMG_{n}.JPG" for n in numbers] + ["real/x.jpg"]),
        "source": np.array([STUDIO] * len(numbers) + ["BSDS500"]),
    }
    found = evaluate.groups(table)
    assert [len(set(found[i : i + 2])) for i in range(0, 10, 2)] == [1] * 5
    assert len(set(found)) == 6


def test_the_rule_weighs_both_cues_alike_and_caps_the_spread():
    rng = np.random.default_rng(0)
    cues = {"spread": rng.normal(-3, 0.5, 200), "malformed": rng.normal(-2, 3, 200)}
    real = np.ones(200, bool)
    rule = evaluate.ruled(cues, real)
    assert np.isclose(rule["spread"] * cues["spread"].std(), 1, atol=1e-3)
    assert np.isclose(rule["malformed"] * cues["malformed"].std(), 1, atol=1e-3)
    assert (evaluate.scored(cues, rule) > rule["threshold"]).sum() == 2
    most = evaluate.scored({**cues, "spread": cues["spread"] + 9}, rule)
    assert np.allclose(most, rule["spread"] * rule["most"] + rule["malformed"] * cues["malformed"])
