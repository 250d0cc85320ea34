"""The graph that is written computes what timm's network computes, with weights nobody trained."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.detect.published.vit import to_onnx
from provenance.embed.onnx import session
from provenance.errors import ConfigError

WIDTH, PATCH, ACROSS = 128, 16, 3


def tiny(blocks: int = 2, prefix: str = "vit.") -> dict[str, np.ndarray]:
    """Weights by timm's names, of a network of two heads that sees 48 pixels."""
    rng = np.random.default_rng(11)
    shapes = {
        "cls_token": (1, 1, WIDTH),
        "pos_embed": (1, ACROSS**2 + 1, WIDTH),
        "patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH),
        "patch_embed.proj.bias": (WIDTH,),
        "norm.weight": (WIDTH,),
        "norm.bias": (WIDTH,),
        "head.weight": (1, WIDTH),
        "head.bias": (1,),
    }
    for at in range(blocks):
        shapes |= {
            f"blocks.{at}.norm1.weight": (WIDTH,),
            f"blocks.{at}.norm1.bias": (WIDTH,),
            f"blocks.{at}.attn.qkv.weight": (3 * WIDTH, WIDTH),
            f"blocks.{at}.attn.qkv.bias": (3 * WIDTH,),
            f"blocks.{at}.attn.proj.weight": (WIDTH, WIDTH),
            f"blocks.{at}.attn.proj.bias": (WIDTH,),
            f"blocks.{at}.norm2.weight": (WIDTH,),
            f"blocks.{at}.norm2.bias": (WIDTH,),
            f"blocks.{at}.mlp.fc1.weight": (4 * WIDTH, WIDTH),
            f"blocks.{at}.mlp.fc1.bias": (4 * WIDTH,),
            f"blocks.{at}.mlp.fc2.weight": (WIDTH, 4 * WIDTH),
            f"blocks.{at}.mlp.fc2.bias": (WIDTH,),
        }
    return {
        prefix + name: rng.normal(0, 0.2, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def pixels(side: int) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (1, 3, side, side)).astype(np.float32)


def run(graph: bytes, given: np.ndarray) -> np.ndarray:
    (found,) = session(graph).run(None, {"pixels": given})
    return found


def by_hand(state: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The same network in numpy, in double precision."""
    from scipy.special import erf

    w = {name.removeprefix("vit."): v.astype(np.float64) for name, v in state.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        return x * w[name + ".weight"] + w[name + ".bias"]

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    tiles = x[0].reshape(3, ACROSS, PATCH, ACROSS, PATCH).transpose(1, 3, 0, 2, 4)
    tokens = tiles.reshape(ACROSS**2, -1) @ w["patch_embed.proj.weight"].reshape(WIDTH, -1).T
    tokens = tokens + w["patch_embed.proj.bias"]
    x = np.concatenate([w["cls_token"][0], tokens]) + w["pos_embed"][0]
    at = 0
    while f"blocks.{at}.norm1.weight" in w:
        block = f"blocks.{at}."
        joint = linear(norm(x, block + "norm1"), block + "attn.qkv")
        q, k, v = joint.reshape(len(x), 3, -1, 64).transpose(1, 2, 0, 3)
        scores = np.exp(q @ k.transpose(0, 2, 1) / 8)
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(x), WIDTH)
        x = x + linear(mixed, block + "attn.proj")
        y = linear(norm(x, block + "norm2"), block + "mlp.fc1")
        x = x + linear(y * (1 + erf(y / 2**0.5)) / 2, block + "mlp.fc2")
        at += 1
    return linear(norm(x, "norm")[0], "head")


def test_it_computes_what_the_formula_says():
    given = pixels(PATCH * ACROSS)
    found = run(to_onnx(tiny(), "vit."), given)
    assert found.shape == (1, 1)
    assert np.allclose(found[0], by_hand(tiny(), given), atol=1e-4)


def test_it_computes_what_timm_computes():
    timm = pytest.importorskip("timm")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = timm.create_model("vit_small_patch16_384", pretrained=False, num_classes=1).eval()
    state = {}
    for name, weight in network.state_dict().items():  # biases begin at zero, which hides errors
        noise = 0.02 * torch.randn(weight.shape) if weight.ndim == 1 else 0
        state[name] = weight + noise
    network.load_state_dict(state)
    given = pixels(384)
    with torch.inference_mode():
        expected = network(torch.from_numpy(given)).numpy()
    arrays = {"vit." + name: weight.numpy() for name, weight in state.items()}
    assert sum(a.size for a in arrays.values()) == 21_811_969  # as published
    assert len(arrays) == 152
    assert np.allclose(run(to_onnx(arrays, "vit."), given), expected, atol=1e-4)


def test_a_missing_tensor_is_named():
    state = tiny()
    del state["vit.blocks.1.mlp.fc2.bias"]
    with pytest.raises(ConfigError, match=r"blocks\.1\.mlp\.fc2\.bias is missing"):
        to_onnx(state, "vit.")


def test_a_tensor_without_a_place_is_named():
    with pytest.raises(ConfigError, match=r"vit\.dist_token has no place"):
        to_onnx(tiny() | {"vit.dist_token": np.zeros((1, 1, WIDTH), np.float32)}, "vit.")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("pos_embed", (1, 8, WIDTH)),
        ("pos_embed", (1, 10, 64)),
        ("cls_token", (1, 2, WIDTH)),
        ("blocks.0.attn.qkv.weight", (WIDTH, WIDTH)),
        ("patch_embed.proj.weight", (WIDTH, 1, PATCH, PATCH)),
        ("patch_embed.proj.weight", (WIDTH, 3)),
    ],
)
def test_a_tensor_of_another_shape_is_refused(name, shape):
    with pytest.raises(ConfigError, match="do not fit"):
        to_onnx(tiny() | {"vit." + name: np.zeros(shape, np.float32)}, "vit.")


def test_no_tensors_at_all():
    with pytest.raises(ConfigError, match="missing"):
        to_onnx({}, "vit.")
