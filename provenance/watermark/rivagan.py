"""RivaGan, the neural mark of the invisible-watermark package: 32 bits, as it reads and writes.

The networks come with that package; onnxruntime runs them, and nothing else of the package, nor
torch or OpenCV, is imported. 32 bits hold neither our payload nor a check: what is read is always
32 bits, marked or not, and only agreement with bits that the caller knows means anything.
`ForeignWatermarker` refuses it for that reason.

    scheme = RivaGan()                     # pip install 'provenance-kit[rivagan]'
    marked = scheme.write(picture.pixels, bits)
    bits = scheme.read(marked)

Source: Zhang et al. 2019, arXiv:1909.01285; invisible-watermark 0.2.0 (MIT), rivaGan.py.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.errors import CapacityError, ConfigError, TooLarge, TooSmall

THRESHOLD = 0.52
"""The package's: a bit is one above it."""

_DIGESTS = {
    "encoder": "66bc7814fadac7d686105c8ab26c6cf2cc8e40deb83e67bb6ef5b9de9b8ece0d",
    "decoder": "6b006690cf352fa50a91a0b6d6241dbcded0a9957969e2c0665cf9a7011b3880",
}
"""SHA-256 of the networks in the wheel of invisible-watermark 0.2.0."""


class RivaGan:
    """A scheme of 32 raw bits (`foreign.BitScheme`).

    Takes about five seconds and one gigabyte of memory for a picture of 1024×1024, and both in
    proportion to its pixels.

    Args:
        max_pixels: larger pictures are refused, before the networks fill the memory.

    Raises:
        ConfigError: the package is missing, or is another version.
    """

    name = "rivagan.32"
    capacity = 32
    smallest_side = 256

    def __init__(self, max_pixels: int = 1 << 22) -> None:
        self._max_pixels = max_pixels
        self._encoder = _network("encoder")
        self._decoder = _network("decoder")

    def write(self, pixels: NDArray[np.uint8], bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What WatermarkEncoder.encode returns for these RGB pixels.

        Raises:
            CapacityError: not 32 bits.
            TooSmall: a side is shorter than 256 pixels.
            TooLarge: over the limit on pixels.
        """
        if len(bits) != self.capacity:
            raise CapacityError(f"{len(bits)} bits given; scheme {self.name} carries 32")
        inputs = {"frame": self._frame(pixels), "data": np.asarray(bits, np.float32)[None]}
        marked = np.clip(self._encoder.run(None, inputs)[0][0, :, 0], -1.0, 1.0)
        marked = ((marked + 1.0) * 127.5).astype(np.uint8)
        return np.ascontiguousarray(marked[::-1].transpose(1, 2, 0))

    def read(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What WatermarkDecoder.decode returns: 32 bits, whether or not there is a mark.

        Raises:
            TooSmall: a side is shorter than 256 pixels.
            TooLarge: over the limit on pixels.
        """
        scores = self._decoder.run(None, {"frame": self._frame(pixels)})[0][0]
        return np.asarray(scores > THRESHOLD, np.uint8)

    def _frame(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One frame of a film, blue first, in [-1, 1]."""
        height, width = pixels.shape[:2]
        if min(height, width) < self.smallest_side:
            raise TooSmall(
                f"picture is {width}×{height}; scheme {self.name} needs sides of at least "
                f"{self.smallest_side} pixels"
            )
        if height * width > self._max_pixels:
            raise TooLarge(
                f"picture has {height * width:,} pixels; scheme {self.name} is allowed "
                f"{self._max_pixels:,}; use a smaller picture or a higher max_pixels"
            )
        planes = pixels.transpose(2, 0, 1)[::-1].astype(np.float32)
        return np.asarray((planes / 127.5 - 1.0)[None, :, None], np.float32)


def _network(part: str) -> Any:
    import onnxruntime

    spec = find_spec("imwatermark")  # found, not imported: that would import torch
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "rivaGan needs a package that is not installed: pip install 'provenance-kit[rivagan]'"
        )
    path = Path(spec.submodule_search_locations[0]) / f"rivagan_{part}.onnx"
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != _DIGESTS[part]:
        raise ConfigError(
            f"{path} is not the network of invisible-watermark 0.2.0; install that version: "
            "pip install 'provenance-kit[rivagan]'"
        )
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
