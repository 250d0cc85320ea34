"""Many pictures at once give what one at a time gives."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from provenance.picture import Picture
from provenance.watermark.batch import embed_many, extract_many
from provenance.watermark.interface import Payload
from provenance.watermark.tile import TileWatermarker


@pytest.mark.parametrize("processes", [False, True])
def test_batch_equals_single(processes: bool) -> None:
    marker = TileWatermarker(b"b" * 32)
    photo = np.ascontiguousarray(data.astronaut())
    pictures = [Picture(np.ascontiguousarray(photo[i:, : 512 - i])) for i in (0, 40, 80)]
    payloads = [Payload(i) for i in range(3)]
    pairs = zip(pictures, payloads, strict=True)
    marked = list(embed_many(marker, pairs, workers=2, processes=processes))
    readings = list(extract_many(marker, marked, workers=2, processes=processes))
    assert [r.payload for r in readings] == payloads
    alone = marker.embed(pictures[1], payloads[1])
    assert np.array_equal(marked[1].pixels, alone.pixels)
