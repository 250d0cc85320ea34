"""Body parts by NudeNet: which are shown, and where, so that blurring spares the rest.

An extra, never a default: `pip install nudenet`. Its wheel holds AGPL-3.0 licence files beside
metadata that says MIT; read them before you use it in a service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from provenance._per_process import PerProcess
from provenance.errors import ConfigError
from provenance.moderate.interface import Region
from provenance.picture import Picture

_NUDE = frozenset(
    {
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    }
)
_FACES = frozenset({"FACE_FEMALE", "FACE_MALE"})
_PARTS: Mapping[str, frozenset[str]] = {"nudity": _NUDE, "people": _FACES}

_LEAST = 0.25
"""Score from which the package keeps a box (its constant), and below which none is blurred."""


def _load() -> Any:
    try:
        from nudenet import NudeDetector
    except ImportError as error:
        raise ConfigError(
            "the classifier 'nudenet' needs a package that is not installed: pip install nudenet "
            "(its model is under AGPL-3.0)"
        ) from error
    return NudeDetector()


class NudeNetClassifier:
    """Scores nudity in [0, 1] by the surest part that is shown, and locates it. Thread-safe.

    Uncalibrated. False positives are common: of 25 benign pictures of swimwear, statues and
    hairless animals, 3 had an exposed part at 0.38 to 0.74 (version 3.4.2).

    Args:
        category: `nudity`, or `people`, which stands for faces.

    Raises:
        ConfigError: the package is not installed, or there is no such category.
    """

    def __init__(self, category: str = "nudity") -> None:
        if category not in _PARTS:
            raise ConfigError(
                f"nudenet finds {' and '.join(_PARTS)}, not {category!r}; write 'nudenet' or "
                "'nudenet:people'"
            )
        self.name = f"nudenet/{category}"
        self.categories = (category,)
        self._parts = _PARTS[category]
        self._model = PerProcess(_load)
        self._model()  # a missing package is a fault of the settings, not of a picture

    def scores(self, picture: Picture) -> Mapping[str, float]:
        """The highest score of a part; 0 where none was found."""
        found = self._found(picture)
        return {self.categories[0]: max((float(part["score"]) for part in found), default=0.0)}

    def regions(self, picture: Picture, category: str) -> Sequence[Region]:
        """A box around each part that was found."""
        if category not in self.categories:
            return ()
        boxes = (part["box"] for part in self._found(picture) if part["score"] >= _LEAST)
        return tuple(Region(x, y, x + w, y + h) for x, y, w, h in boxes)

    def _found(self, picture: Picture) -> list[dict[str, Any]]:
        # The package takes arrays as OpenCV reads them: blue first.
        pixels = np.ascontiguousarray(picture.pixels[..., ::-1])
        return [part for part in self._model().detect(pixels) if part["class"] in self._parts]
