"""Community Forensics: a ViT-S/16 trained on the pictures of 4,803 generators.

Park and Owens, "Community Forensics: Using Thousands of Generators to Train Fake Image Detectors",
CVPR 2025. Weights and code are MIT. The shorter side is scaled to 440 pixels (bilinear), the middle
384 are seen, with ImageNet's mean and spread: `models.py` of https://github.com/JeongsooP/Community-Forensics.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provenance._per_process import PerProcess
from provenance.detect.published import arrays
from provenance.detect.published.vit import to_onnx
from provenance.embed.preprocess import over_white
from provenance.picture import Picture
from provenance.weights.interface import WeightStore
from provenance.weights.store import Store, sha256_of

MODEL = "community-forensics-384"
FILE = "model.safetensors"

_SHORTER, _SIDE = 440, 384
_LONGEST = 4
"""Of a longer picture only the middle is scaled: nothing else is seen."""

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


class CommunityForensics:
    """The detector of 384 pixels. Thread-safe; needs neither torch nor timm.

    Args:
        store: gives the checked weights; the user's own by default.
    """

    name = "commfor"
    model = MODEL
    least = 128

    def __init__(self, store: WeightStore | None = None) -> None:
        self._store = store
        self._session = PerProcess(self._load)

    def digest(self) -> str:
        """SHA-256 of the weights."""
        return sha256_of(self._path())

    def logit(self, picture: Picture) -> float:
        """One number; the authors call a picture generated above 0."""
        (found,) = self._session().run(None, {"pixels": prepared(picture)})
        return float(found[0, 0])

    def _path(self) -> Path:
        return (self._store or Store.standard()).get(MODEL).files[FILE]

    def _load(self) -> Any:
        from provenance.embed.onnx import session

        return session(to_onnx(arrays.read(self._path()), "vit."))


def prepared(picture: Picture) -> NDArray[np.float32]:
    """1×3×384×384, as the authors prepare it; transparent pictures over white."""
    image = over_white(picture)
    width, height = image.size
    limit = _LONGEST * min(width, height)
    across, down = max(0, width - limit) // 2, max(0, height - limit) // 2
    image = image.crop((across, down, width - across, height - down))
    scale = _SHORTER / min(image.size)
    size = (max(_SHORTER, int(image.width * scale)), max(_SHORTER, int(image.height * scale)))
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - _SIDE) / 2), round((size[1] - _SIDE) / 2)
    seen = np.asarray(image.crop((left, top, left + _SIDE, top + _SIDE)), np.float32) / 255
    return np.ascontiguousarray(((seen - _MEAN) / _SPREAD).transpose(2, 0, 1)[None])
