"""Invisible watermarks: payloads that survive what the web does to pictures.

    picture, payload -> TileWatermarker.embed -> picture
    picture          -> TileWatermarker.extract -> Reading

`interface` is what every scheme offers; `tile` is ours. Inside it: `layout` (key to harmonics),
`code` (error correction), `plane` (pixels to what is read), `mask`, `shaping` and `rehearsal`
(how loud to write), `geometry`, `affine` and `search` (where to read), `reader` (what it says) and
`calibration` (how far to believe it). Beside it: `stamps` of other pipelines (`dwt_dct`
writes and reads them), `foreign` schemes, `batch`.
"""
