"""Modules of torch that make pictures: they stay what they are, and what they give is marked."""

from __future__ import annotations

import copy
import pickle
from collections import namedtuple

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from provenance import Asset, Config, Pipeline, Verifier  # noqa: E402
from provenance.errors import ConfigError, UnsupportedPicture  # noqa: E402
from provenance.integrations.torch_modules import attach, detach  # noqa: E402
from provenance.moderate.interface import Policy  # noqa: E402
from provenance.moderate.moderator import Moderator  # noqa: E402
from provenance.picture import Picture  # noqa: E402
from provenance.pipeline import Statements  # noqa: E402
from provenance.sign.interface import Generator  # noqa: E402
from provenance.testing import FakeWatermarker  # noqa: E402

Decoded = namedtuple("Decoded", ["sample", "kl"])


class Gan(torch.nn.Module):
    """A small generator after Radford et al. 2015: noise to pictures in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.ConvTranspose2d(8, 16, 4, 4),
            torch.nn.BatchNorm2d(16),
            torch.nn.ReLU(),
            torch.nn.ConvTranspose2d(16, 3, 8, 8),
            torch.nn.Tanh(),
        )

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        return self.layers(noise)


class Decoder(torch.nn.Module):
    """The half of an autoencoder that makes pictures in [0, 1], with a second way in."""

    def __init__(self) -> None:
        super().__init__()
        self.grow = torch.nn.ConvTranspose2d(4, 3, 8, 8)

    def decode(self, latents: torch.Tensor) -> Decoded:
        return Decoded(torch.sigmoid(self.grow(latents)), 0.5)

    def forward(self, latents: torch.Tensor) -> Decoded:
        return self.decode(latents)


@pytest.fixture(scope="module")
def fast(config: Config) -> Pipeline:
    """A real pipeline with a mark that costs nothing."""
    watermarker = FakeWatermarker()
    return Pipeline(
        moderator=Moderator(Policy("test", {}), ()),
        watermarker=watermarker,
        signer=config.signer(),
        verifier=Verifier.standard(anchors=config.anchors(), watermarkers=[watermarker]),
        says=Statements(Generator("test")),
        anchors=config.anchors(),
    )


@pytest.fixture
def gan() -> Gan:
    torch.manual_seed(3)
    return Gan().eval()


NOISE = torch.randn(2, 8, 2, 2, generator=torch.Generator().manual_seed(5))


def pixels(tensor: torch.Tensor, black: float = -1, white: float = 1) -> np.ndarray:
    scaled = (tensor.float() - black) / (white - black) * 255
    return scaled.round().clamp(0, 255).to(torch.uint8).movedim(-3, -1).numpy()


def is_marked(picture: np.ndarray) -> bool:
    return FakeWatermarker().extract(Picture.from_array(picture)).payload is not None


def test_tensors_come_back_marked_with_the_assets(fast, gan):
    plain = gan(NOISE)
    made = attach(gan, fast, value_range=(-1, 1))(NOISE)
    assert (made.shape, made.dtype, made.device) == (plain.shape, plain.dtype, plain.device)
    assert len(made.assets) == 2
    for picture, asset in zip(pixels(made), made.assets, strict=True):
        assert isinstance(asset, Asset)
        assert is_marked(picture)
        assert np.array_equal(picture, Picture.open(asset.data).pixels)
    assert not is_marked(pixels(plain)[0])
    assert (made - plain).abs().max() < 3 / 127.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_types_stay(fast, gan, dtype):
    made = attach(gan, fast, value_range=(-1, 1)).to(dtype)(NOISE.to(dtype))
    assert made.dtype is dtype
    assert len(made.assets) == 2


def test_the_module_is_what_it_was(fast, gan):
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    attached = attach(gan, fast, value_range=(-1, 1))
    assert attached is gan
    assert isinstance(gan, Gan)
    assert type(gan).__name__ == "Gan"
    assert gan.train().training
    assert not gan.eval().training
    assert all(torch.equal(value, before[name]) for name, value in gan.state_dict().items())
    assert gan.load_state_dict(before).missing_keys == []
    assert str(gan) == str(Gan())
    assert [name for name, _ in gan.named_children()] == ["layers"]
    whole = torch.nn.Sequential(gan)
    assert hasattr(whole(NOISE), "assets")


@pytest.mark.parametrize("ways", [lambda m: m(NOISE), lambda m: m.forward(NOISE)])
def test_no_way_around(fast, gan, ways):
    assert is_marked(pixels(ways(attach(gan, fast, value_range=(-1, 1))))[0])


def test_what_a_hook_does_is_marked_as_well(fast, gan):
    gan.register_forward_hook(lambda module, given, made: -made)
    made = attach(gan, fast, value_range=(-1, 1))(NOISE)
    assert is_marked(pixels(made)[0])


def test_a_copy_is_protected_and_a_pickle_is_refused(fast, gan):
    twin = copy.deepcopy(attach(gan, fast, value_range=(-1, 1)))
    assert is_marked(pixels(twin(NOISE))[0])
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(gan)


def test_other_methods_and_containers(fast):
    torch.manual_seed(2)
    decoder = attach(Decoder().eval(), fast, value_range=(0, 1), methods=["decode"])
    latents = torch.randn(1, 4, 4, 4)
    for made in (decoder(latents), decoder.decode(latents)):
        assert isinstance(made, Decoded)
        assert made.kl == 0.5
        assert len(made.assets) == 1
        assert is_marked(pixels(made.sample, 0, 1)[0])


def test_gradients_do_not_pass(fast, gan):
    assert not attach(gan, fast, value_range=(-1, 1))(NOISE).requires_grad
    with torch.inference_mode():
        assert hasattr(gan(NOISE), "assets")


def test_detached(fast, gan):
    detach(attach(gan, fast, value_range=(-1, 1)))
    assert type(gan) is Gan
    assert not hasattr(gan(NOISE), "assets")


def test_attached_again_it_has_the_new_settings(fast, gan):
    attach(gan, fast, value_range=(0, 1))
    made = attach(gan, fast, value_range=(-1, 1))(NOISE)
    assert made.min() < 0
    assert len(made.assets) == 2


def test_latents_are_no_pictures(fast):
    class Encoder(torch.nn.Module):
        def forward(self, x):
            return torch.zeros(1, 16, 8, 8)

    with pytest.raises(UnsupportedPicture, match="shape 1×16×8×8"):
        attach(Encoder(), fast, value_range=(-1, 1))(NOISE)


@pytest.mark.parametrize("value", [lambda z: z, "module", torch.nn.Linear])
def test_what_is_no_module_is_refused(fast, value):
    with pytest.raises(ConfigError, match=r"expected a torch\.nn\.Module"):
        attach(value, fast, value_range=(-1, 1))


def test_wrong_settings(fast, gan):
    with pytest.raises(ConfigError, match="black below white"):
        attach(gan, fast, value_range=(1, -1))
    with pytest.raises(ConfigError, match="no method 'decode'"):
        attach(gan, fast, value_range=(-1, 1), methods=["decode"])
