"""The package's neural mark: as the package writes and reads it, without importing the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from provenance.errors import CapacityError, ConfigError, TooLarge, TooSmall
from provenance.watermark import rivagan
from provenance.watermark.foreign import BitScheme, ForeignWatermarker
from provenance.watermark.rivagan import RivaGan

BITS = np.random.default_rng(0).integers(0, 2, 32, dtype=np.uint8)


class Network:
    """Stands for both networks: blue of the first pixels carries the bits."""

    def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        frame = inputs["frame"].copy()
        assert frame.dtype == np.float32
        if "data" not in inputs:
            return [frame[0, 0, 0, :1, :32]]
        frame[0, 0, 0, 0, :32] = 2 * inputs["data"][0]  # out of range: must be clipped
        return [frame]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> RivaGan:
    monkeypatch.setattr(rivagan, "_network", lambda part: Network())
    return RivaGan()


@pytest.fixture(scope="module")
def real() -> RivaGan:
    try:
        return RivaGan()
    except ConfigError as error:
        pytest.skip(str(error))


def test_round_trip(fake: RivaGan) -> None:
    photo = data.astronaut()
    marked = fake.write(photo, BITS)
    assert np.array_equal(fake.read(marked), BITS)
    change = np.abs(marked.astype(int) - photo)
    assert change[1:].max() <= 1  # fractions are cut, as the package cuts them
    assert change[..., :2].max() <= 1  # red and green kept their places


def test_has_no_room_for_our_payload(fake: RivaGan) -> None:
    scheme: BitScheme = fake
    with pytest.raises(CapacityError, match="carries 32 bits; a 64-bit payload with its check"):
        ForeignWatermarker(scheme)


def test_refuses_other_lengths_and_small_pictures(fake: RivaGan) -> None:
    with pytest.raises(CapacityError, match="64 bits given"):
        fake.write(data.astronaut(), np.zeros(64, np.uint8))
    for work in (lambda p: fake.write(p, BITS), fake.read):
        with pytest.raises(TooSmall, match="400×255"):
            work(data.astronaut()[:255, :400])


def test_refuses_pictures_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivagan, "_network", lambda part: Network())
    small = RivaGan(max_pixels=511 * 512)
    for work in (lambda p: small.write(p, BITS), small.read):
        with pytest.raises(TooLarge, match="262,144 pixels"):
            work(data.astronaut())


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivagan, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'provenance-kit\[rivagan\]'$"):
        RivaGan()


def test_networks_of_other_versions_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "imwatermark").mkdir()
    (tmp_path / "imwatermark" / "__init__.py").touch()
    (tmp_path / "imwatermark" / "rivagan_encoder.onnx").write_bytes(b"another network")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "imwatermark", raising=False)
    with pytest.raises(ConfigError, match=r"not the network of invisible-watermark 0\.2\.0"):
        RivaGan()


def test_equals_the_package(real: RivaGan) -> None:
    package = pytest.importorskip("imwatermark")
    package.WatermarkEncoder.loadModel()
    encoder = package.WatermarkEncoder()
    encoder.set_watermark("bits", BITS.tolist())
    photo = data.astronaut()[:301, :403]
    wanted = encoder.encode(np.ascontiguousarray(photo[..., ::-1]), "rivaGan")[..., ::-1]
    marked = real.write(photo, BITS)
    assert np.array_equal(marked, wanted)
    decoder = package.WatermarkDecoder("bits", 32)
    for pixels in (photo, marked):
        read = decoder.decode(np.ascontiguousarray(pixels[..., ::-1]), "rivaGan")
        assert np.array_equal(real.read(pixels), read)


def test_real_bits_survive(real: RivaGan) -> None:
    photo = data.astronaut()
    marked = real.write(photo, BITS)
    assert np.array_equal(real.read(marked), BITS)
    assert np.mean((marked.astype(float) - photo) ** 2) < 10  # 38 dB
    assert (real.read(photo) == BITS).sum() < 28


def test_torch_is_not_imported(real: RivaGan) -> None:
    code = (
        "import sys; from provenance.watermark.rivagan import RivaGan; RivaGan(); "
        "sys.exit(bool({'torch', 'cv2', 'imwatermark'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
