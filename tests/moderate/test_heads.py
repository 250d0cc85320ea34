"""Published heads give what their publishers' arithmetic gives; broken files give one sentence."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.embed.interface import Identity
from provenance.errors import ConfigError
from provenance.moderate._arrays import read_npz, read_safetensors
from provenance.moderate.calibration import Calibration, Curve, sigmoid
from provenance.moderate.embedder import Embedder
from provenance.moderate.heads import Head, HeadClassifier, to_npz
from tests.moderate.towers import GREEN, RED, WIDTH, ColourTower, flat

TOWER = ColourTower()
WEIGHT = np.zeros(WIDTH, np.float32)
WEIGHT[0] = 20.0
CARD = {"category": "clowns", "tower": asdict(TOWER.identity)}


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.fixture
def ours(tmp_path) -> Path:
    (tmp_path / "clowns.npz").write_bytes(to_npz(WEIGHT, -5.0, CARD))
    return tmp_path / "clowns.npz"


def safetensors(tensors: dict[str, np.ndarray], **metadata: str) -> bytes:
    header, body = {"__metadata__": metadata} if metadata else {}, b""
    for name, array in tensors.items():
        data = array.astype("<f4").tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": offsets}
        body += data
    said = json.dumps(header).encode()
    return struct.pack("<Q", len(said)) + said + body


def unit(width: int, n: int = 500) -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal((n, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# The published heads


PUBLISHED = {
    "laion_nsfw_clip_vit_l14": 768,
    "laion_nsfw_clip_vit_b32": 512,
    "q16_prompts_vit_l_14": 768,
    "q16_prompts_vit_b_16": 512,
    "q16_prompts_vit_b_32": 512,
    "laion_aesthetic_vit_l_14": 768,
    "laion_aesthetic_vit_b_16": 512,
    "laion_aesthetic_vit_b_32": 512,
}


@pytest.fixture
def published(shared) -> Path:
    folder = shared / "weights" / "clip-heads"
    if not folder.is_dir():
        pytest.skip("needs the shared heads beside the project")
    return folder


@pytest.mark.parametrize(("name", "width"), PUBLISHED.items())
def test_published_heads_are_read_and_their_hash_is_compared(published, name, width):
    path = published / f"{name}.npz"
    digest = next(
        line.split()[2]
        for line in (published / "SOURCE.md").read_text().splitlines()
        if line.startswith(f"- `{name}.npz`")
    )
    head = Head.load(path, digest)
    assert (head.width, head.digest, head.tower) == (width, digest, None)
    assert np.isfinite(head.logits(unit(width))).all()
    with pytest.raises(ConfigError, match=r"has SHA-256 .*, expected 0000.*; it was altered"):
        Head.load(path, "0" * 64)


@pytest.mark.parametrize(("tower", "layers"), [("l14", 4), ("b32", 3)])
def test_laions_detector_step_by_step(published, tower, layers):
    """Columns to 0, normalise, dense + ReLU, dense: as the layers stand in the Keras model."""
    path = published / f"laion_nsfw_clip_vit_{tower}.npz"
    stored = {k: v.astype(np.float64) for k, v in np.load(path).items()}
    columns = stored["categorical_columns"].astype(int)
    x = unit(len(stored["mean"]))
    for constant in (0.0, 1.0):
        rows = x.copy()
        rows[:, columns] = constant
        rows = (rows - stored["mean"]) / np.sqrt(stored["variance"])
        for n in range(layers):
            rows = rows @ stored[f"dense{n}_kernel"] + stored[f"dense{n}_bias"]
            rows = np.maximum(rows, 0) if n < layers - 1 else rows
        close = 1e-9 if constant == 0 else 0.02
        assert np.abs(Head.load(path).logits(x) - rows[:, 0]).max() < close


@pytest.mark.parametrize("tower", ["l14", "b32"])
def test_laions_detector_is_neutral_on_directions_that_mean_nothing(published, tower):
    head = Head.load(published / f"laion_nsfw_clip_vit_{tower}.npz")
    scores = [sigmoid(float(logit)) for logit in head.logits(unit(head.width))]
    assert np.median(scores) < 0.001


@pytest.mark.parametrize("tower", ["l_14", "b_16", "b_32"])
def test_q16_is_a_softmax_over_its_two_prompts(published, tower):
    path = published / f"q16_prompts_vit_{tower}.npz"
    prompts = np.load(path)["prompts"].astype(np.float64)
    head, x = Head.load(path), unit(prompts.shape[1])
    cosines = x @ (prompts / np.linalg.norm(prompts, axis=1, keepdims=True)).T
    spread = np.exp(100 * cosines)
    expected = spread[:, 1] / spread.sum(axis=1)
    assert np.allclose([sigmoid(float(v)) for v in head.logits(x)], expected)
    acceptable, inappropriate = prompts / np.linalg.norm(prompts, axis=1, keepdims=True)
    assert head.logits(inappropriate)[0] > 0 > head.logits(acceptable)[0]


def test_the_aesthetic_heads_are_linear(published):
    path = published / "laion_aesthetic_vit_b_32.npz"
    stored, x = np.load(path), unit(512)
    expected = x @ stored["weight"][0].astype(np.float64) + stored["bias"][0]
    assert np.allclose(Head.load(path).logits(x), expected)


class Wide(ColourTower):
    """Random unit vectors of any width, by colour."""

    def __init__(self, model: str, width: int) -> None:
        super().__init__(model=model)
        self.width = width

    def embed_pictures(self, pictures):
        seeds = [int(picture.pixels.sum()) for picture in pictures]
        return np.vstack([unit(self.width, seed % 97 + 1)[-1:] for seed in seeds]).astype("f4")


def test_published_heads_as_classifiers(published):
    head = Head.load(published / "laion_nsfw_clip_vit_b32.npz")
    model = "ViT-B-32/openai"
    classifier = HeadClassifier(head, Wide(model, 512), "nudity", made_for=model)
    assert 0.0 <= classifier.scores(flat(RED))["nudity"] <= 1.0
    assert head.digest[:12] in classifier.name
    with pytest.raises(ConfigError, match=r"takes embeddings of 512 numbers, .* gives 768"):
        HeadClassifier(head, Wide(model, 768), "nudity", made_for=model)


def test_a_layout_that_we_do_not_know_is_named(published):
    with pytest.raises(ConfigError, match=r"it holds model\.classification_head"):
        Head.load(published / "clipcues_linear_probe_combined.npz")


# Ours


def test_our_head_scores_its_category(ours):
    classifier = HeadClassifier(Head.load(ours), TOWER)
    assert classifier.categories == ("clowns",)
    assert classifier.scores(flat(RED))["clowns"] > 0.9
    assert classifier.scores(flat(GREEN))["clowns"] < 0.1
    assert classifier.scores_many([flat(RED), flat(GREEN)]) == [
        classifier.scores(flat(RED)),
        classifier.scores(flat(GREEN)),
    ]


def test_the_same_head_as_safetensors(ours, tmp_path):
    tensors = {"weight": WEIGHT[None], "bias": np.array([-5.0])}
    (tmp_path / "h.safetensors").write_bytes(safetensors(tensors, card=json.dumps(CARD)))
    one, other = Head.load(ours), Head.load(tmp_path / "h.safetensors")
    assert np.array_equal(one.logits(unit(WIDTH)), other.logits(unit(WIDTH)))
    assert other.card == one.card == CARD


def test_a_small_network(tmp_path):
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((WIDTH, 8)), rng.standard_normal((8, 1))
    path = save(
        tmp_path / "h.npz",
        dense0_kernel=a,
        dense0_bias=np.ones(8),
        dense1_kernel=b,
        dense1_bias=np.zeros(1),
    )
    x = unit(WIDTH)
    assert np.allclose(Head.load(path).logits(x), (np.maximum(x @ a + 1, 0) @ b)[:, 0])


def test_heads_share_an_embedder(ours):
    tower, picture = ColourTower(), flat(RED)
    shared = Embedder(tower)
    for _ in range(3):
        HeadClassifier(Head.load(ours), shared).scores(picture)
    assert tower.pictures == 1


def test_a_calibration_belongs_to_the_file(ours):
    head = Head.load(ours)
    curve = Curve(head.digest, 10, 10, platt=(0.5, 0.0))
    classifier = HeadClassifier(
        head, TOWER, calibration=Calibration(TOWER.identity, {"clowns": curve})
    )
    (evidence,) = classifier.evidence_many([flat(RED)])
    assert classifier.scores(flat(RED))["clowns"] == sigmoid(0.5 * evidence["clowns"])
    assert "(calibrated)" in classifier.name
    other = Calibration(TOWER.identity, {"clowns": Curve("0" * 64, 10, 10, platt=(0.5, 0.0))})
    with pytest.raises(ConfigError, match="another head"):
        HeadClassifier(head, TOWER, calibration=other)


def test_it_pickles(ours):
    classifier = HeadClassifier(Head.load(ours), TOWER)
    again = pickle.loads(pickle.dumps(classifier))
    assert again.scores(flat(RED)) == classifier.scores(flat(RED))


# Heads on the wrong tower


def test_a_head_for_another_tower_is_refused(ours):
    with pytest.raises(ConfigError, match=r"was trained on colour@.*, the tower is other@"):
        HeadClassifier(Head.load(ours), ColourTower(model="other"))


def test_a_head_that_says_nothing_needs_a_caller_who_does(tmp_path):
    head = Head.load(save(tmp_path / "h.npz", weight=WEIGHT[None], bias=np.zeros(1)))
    with pytest.raises(ConfigError, match="does not say what it scores"):
        HeadClassifier(head, TOWER)
    with pytest.raises(ConfigError, match="does not say which tower"):
        HeadClassifier(head, TOWER, "clowns")
    with pytest.raises(ConfigError, match="was trained on ViT-B-32/openai, the tower is colour"):
        HeadClassifier(head, TOWER, "clowns", made_for="ViT-B-32/openai")
    assert HeadClassifier(head, TOWER, "clowns", made_for="colour").categories == ("clowns",)


def test_a_head_of_another_width_is_refused(tmp_path):
    head = Head.load(save(tmp_path / "h.npz", weight=np.ones((1, 7)), bias=np.zeros(1)))
    with pytest.raises(ConfigError, match=r"takes embeddings of 7 numbers, .* gives 64"):
        HeadClassifier(head, TOWER, "clowns", made_for="colour")
    with pytest.raises(ConfigError, match="takes embeddings of 7 numbers"):
        head.logits(unit(8))


# Files that are no heads


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"weight": np.array([[np.nan, 1]]), "bias": np.zeros(1)}, "not finite"),
        ({"weight": np.array([[np.inf, 1]]), "bias": np.zeros(1)}, "not finite"),
        ({"weight": np.zeros((1, 0)), "bias": np.zeros(1)}, "gives|fit"),
        ({"weight": np.zeros((1, 4)), "bias": np.zeros(2)}, "do not fit"),
        ({"weight": np.zeros((1, 4))}, "holds weight"),
        ({"prompts": np.zeros((2, 4))}, "instead of 2"),
        ({"prompts": np.ones((3, 4))}, "instead of 2"),
        ({"prompts": np.ones(4)}, "instead of 2"),
        ({"weight": np.array([["a"]]), "bias": np.zeros(1)}, "could not convert"),
        ({"dense0_kernel": np.zeros(4), "dense0_bias": np.zeros(1)}, "no matrix"),
        ({"dense0_kernel": np.zeros((4, 1))}, "dense0_bias"),
        ({"dense0_kernel": np.ones((4, 2)), "dense0_bias": np.ones(2)}, "gives 2 numbers"),
        (
            {"dense0_kernel": np.ones((4, 1)), "dense0_bias": np.ones(1), "x": np.ones(1)},
            "no layers",
        ),
        (
            {"dense0_kernel": np.ones((4, 1)), "dense0_bias": np.ones(1), "variance": np.zeros(4)},
            "mean or variance",
        ),
        (
            {
                "dense0_kernel": np.ones((4, 1)),
                "dense0_bias": np.ones(1),
                "categorical_columns": np.array([4]),
            },
            "categorical columns",
        ),
        (
            {
                "dense0_kernel": np.ones((4, 3)),
                "dense0_bias": np.ones(3),
                "dense1_kernel": np.ones((2, 1)),
                "dense1_bias": np.ones(1),
            },
            "do not fit",
        ),
        ({}, "holds nothing"),
    ],
)
def test_arrays_that_are_no_head(tmp_path, arrays, says):
    with pytest.raises(ConfigError, match=says) as info:
        Head.load(save(tmp_path / "h.npz", **arrays))
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    "card",
    [b"[]", b"{", b"\xff", b'{"tower": {"model": 3}}', b'{"tower": {"x": "y"}}', b'{"tower": "x"}'],
)
def test_cards_that_are_no_cards(tmp_path, card):
    arrays = {"weight": np.ones((1, 4)), "bias": np.ones(1), "card": np.frombuffer(card, np.uint8)}
    with pytest.raises(ConfigError, match="cannot be used"):
        Head.load(save(tmp_path / "h.npz", **arrays))


def test_pickles_are_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "boom",))

    path = save(tmp_path / "h.npz", weight=np.array([Bomb()], object), bias=np.zeros(1))
    with pytest.raises(ConfigError, match="no plain array"):
        Head.load(path)
    assert not (tmp_path / "boom").exists()


def test_a_header_that_claims_a_terabyte_is_not_believed(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        claim = {"descr": "<f8", "fortran_order": False, "shape": (1 << 37,)}
        member = io.BytesIO()
        np.lib.format.write_array_header_1_0(member, claim)
        archive.writestr("weight.npy", member.getvalue() + b"\0" * 8)
    (tmp_path / "h.npz").write_bytes(out.getvalue())
    with pytest.raises(ConfigError, match="cut short"):
        Head.load(tmp_path / "h.npz")


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0), (9, 9)])
def test_versions_of_arrays(tmp_path, version):
    """1 and 2 are read; 3 is for names of fields, which no head has."""
    with zipfile.ZipFile(tmp_path / "h.npz", "w") as archive:
        for name, array in (("weight", np.ones((1, 4))), ("bias", np.zeros(1))):
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=min(version, (3, 0)))
            data = bytearray(member.getvalue())
            data[6:8] = bytes(version)
            archive.writestr(f"{name}.npy", bytes(data))
    if version in {(1, 0), (2, 0)}:
        assert Head.load(tmp_path / "h.npz").width == 4
    else:
        with pytest.raises(ConfigError, match=r"unknown version|cannot be used"):
            Head.load(tmp_path / "h.npz")


def test_other_files_in_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "h.npz", "w") as archive:
        archive.writestr("weight.pkl", b"x")
    with pytest.raises(ConfigError, match="other files than arrays"):
        Head.load(tmp_path / "h.npz")


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "h.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weight.npy", b"\0" * (65 << 20))
    with pytest.raises(ConfigError, match="more than 64 MiB"):
        Head.load(tmp_path / "h.npz")


@pytest.mark.parametrize("name", ["h.npz", "h.safetensors", "h.pt", "h"])
@pytest.mark.parametrize("data", [b"", b"hello", b"PK\3\4", b"\xff" * 100, b"\0" * 100])
def test_files_that_are_something_else(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match="cannot be used") as info:
        Head.load(tmp_path / name)
    assert "\n" not in str(info.value)


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            Head.load(path)


def test_every_truncation_is_refused(ours, tmp_path):
    data = ours.read_bytes()
    for length in range(0, len(data), 97):
        (tmp_path / "cut.npz").write_bytes(data[:length])
        with pytest.raises(ConfigError):
            Head.load(tmp_path / "cut.npz")


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_flipped_bytes_are_refused_or_harmless(place, flip):
    data = bytearray(to_npz(WEIGHT, -5.0, CARD))
    data[place % len(data)] ^= flip
    try:
        read_npz(bytes(data))
    except ValueError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=200))
def test_hostile_safetensors(data):
    with_length = len(data).to_bytes(8, "little") + data
    for each in (data, with_length):
        try:
            read_safetensors(each)
        except ValueError as error:
            assert type(error).__name__ in {"ValueError", "JSONDecodeError", "UnicodeDecodeError"}


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4]},
        {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]},
        {"shape": [1], "data_offsets": [0, 4]},
        [],
    ],
)
def test_hostile_tensors(entry):
    said = json.dumps({"weight": entry}).encode()
    with pytest.raises(ValueError, match=r"tensor|intact"):
        read_safetensors(struct.pack("<Q", len(said)) + said + b"\0\0\0\0")


def test_the_digest_is_that_of_the_file(ours):
    assert Head.load(ours).digest == hashlib.sha256(ours.read_bytes()).hexdigest()
    assert Head.load(ours).tower == Identity("colour", "0" * 40, "fake")
