"""Pictures that are finished already: they are passed on as they are, and not marked twice."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from provenance.integrations._carrying import assets_of
from provenance.integrations.containers import Found, Place, find
from provenance.moderate.interface import CATEGORIES, Action, Decision
from provenance.picture import Asset, Picture

if TYPE_CHECKING:
    from provenance.pipeline import Pipeline


def finished(pipeline: Pipeline, found: Found) -> list[Asset | None]:
    """For each picture its asset, if it is a finished one of this pipeline; else None.

    Files are read back, as by `Pipeline.issued`. Pixels count if their asset is beside them, as a
    protected function leaves it, and not one of them has been altered since.
    """
    beside = assets_of(found.value)
    known: list[Asset | None] = [None] * len(found.pictures)
    for place in found.places:
        assets = assets_of(place.value)
        if not assets and len(beside) == len(found.pictures):
            assets = beside[place.which]
        if isinstance(found.pictures[place.which.start], bytes):
            for number in range(place.which.start, place.which.stop):
                known[number] = _file(pipeline, found.pictures[number], assets)
        elif _unchanged(place, assets) and all(pipeline.issued(asset.data) for asset in assets):
            known[place.which] = assets
    return known


def file_of(image: Any) -> bytes | None:
    """The finished file whose pixels a Pillow image holds, unaltered; None if it has none."""
    assets = assets_of(image)
    return assets[0].data if assets and _unchanged(find(image).places[0], assets) else None


def _file(pipeline: Pipeline, data: bytes, assets: tuple[Asset, ...]) -> Asset | None:
    if not pipeline.issued(data):
        return None
    for asset in assets:
        if asset.data == data:
            return asset
    return _read(pipeline, data)


def _read(pipeline: Pipeline, data: bytes) -> Asset:
    """The asset that a finished file was, as far as the file says it; `manifest` is left empty."""
    report = pipeline._verifier.verify(data)  # the pipeline's own, which has just said it is ours
    credentials, mark = report.find("credentials")[0], report.find("watermark")[0]
    picture = Picture.open(data)
    note = "finished before: moderated and marked then, and passed on as it is"
    return Asset(
        data=data,
        manifest=b"",
        media_type=report.media_type,
        width=picture.width,
        height=picture.height,
        manifest_id=str(credentials.details["manifest_id"]),
        watermark_id=str(mark.details["payload"]),
        decision=Decision(Action.ALLOW, (), CATEGORIES, "", notes=(note,)),
        report=report,
        timings={},
        notes=(note,),
    )


def _unchanged(place: Place, assets: tuple[Asset, ...]) -> bool:
    if len(assets) != place.which.stop - place.which.start:
        return False
    old: Any = place.value
    new: Any = place.back(assets)
    if isinstance(old, Image.Image):
        same = old.mode == new.mode and old.size == new.size
        return same and bool(old.tobytes() == new.tobytes())
    if isinstance(old, np.ndarray):
        return bool(np.array_equal(old, new))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(old, torch.Tensor):
        return bool(torch.equal(old, new))
    return False
