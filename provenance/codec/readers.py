"""Pillow's plugin classes, used directly and made strict.

`Image.open` is avoided: it asks every plugin, warns about large pictures through process-wide
state, and heeds `ImageFile.LOAD_TRUNCATED_IMAGES`, which other libraries in the process set.
The classes here read one known format, refuse what is cut short whatever that flag says, and
leave limits to `Limits`, which was asked before.
"""

from __future__ import annotations

import io
import struct
from typing import IO, TYPE_CHECKING

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from provenance.codec.sniff import Source

if TYPE_CHECKING:
    from PIL._imaging import ImagingDecoder, PixelAccess


def _held(fp: IO[bytes] | None) -> IO[bytes]:
    """The stream, which Pillow holds until the pixels are loaded."""
    if fp is None:
        raise OSError("the stream is closed")
    return fp


class _Strict(ImageFile.ImageFile):
    """Decodes every tile to its end, or raises."""

    def load(self) -> PixelAccess | None:
        """Decode the pixels; the loop of `ImageFile.load` without its leniency."""
        if not self.tile:
            return super().load()
        fp = _held(self.fp)
        seek = getattr(self, "load_seek", fp.seek)
        self.load_prepare()
        # Strips that repeat the same place cost time and change nothing: the last one wins.
        tiles = {(tile.codec_name, tile.extents, tile.args): tile for tile in self.tile}
        for codec, extents, offset, args in sorted(tiles.values(), key=lambda tile: tile.offset):
            seek(offset)
            decoder = Image._getdecoder(self.mode, codec, args, self.decoderconfig)
            try:
                decoder.setimage(self.im, extents)
                if decoder.pulls_fd:
                    decoder.setfd(fp)
                    error = decoder.decode(b"")[1]
                else:
                    error = self._feed(decoder)
            finally:
                decoder.cleanup()
            if error < 0:
                raise OSError(f"decoder error {error}")
        self.tile = []
        self.readonly = 0
        self.load_end()
        self.fp = None
        return Image.Image.load(self)

    def _feed(self, decoder: ImagingDecoder | ImageFile.PyDecoder) -> int:
        read = getattr(self, "load_read", _held(self.fp).read)
        pending = b""
        while True:
            try:
                more = read(self.decodermaxblock)
            except (IndexError, struct.error) as error:
                raise OSError("the picture data ends early") from error
            if not more:
                raise OSError("the picture data ends early")
            pending += more
            used, error_code = decoder.decode(pending)
            if used < 0:
                return int(error_code)
            pending = pending[used:]


class _Png(_Strict, PngImagePlugin.PngImageFile):
    """PNG."""


class _Jpeg(_Strict, JpegImagePlugin.JpegImageFile):
    """JPEG; the first picture where a file holds several (MPO)."""

    def load_read(self, read_bytes: int) -> bytes:
        """Read on, never pretending that the file ended well."""
        return _held(self.fp).read(read_bytes)

    def _read_dpi_from_exif(self) -> None:
        """Skip: resolution is not used, and Pillow warns about EXIF that it cannot read."""


class _Gif(_Strict, GifImagePlugin.GifImageFile):
    """GIF."""


class _Bmp(_Strict, BmpImagePlugin.BmpImageFile):
    """BMP."""


class _Tiff(TiffImagePlugin.TiffImageFile, _Strict):
    """TIFF; Pillow applies its orientation while loading."""

    def load_prepare(self) -> None:
        """Take memory without asking Pillow's own limit on pixels."""
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        ImageFile.ImageFile.load_prepare(self)


_READERS: dict[Source, type[ImageFile.ImageFile]] = {
    "PNG": _Png,
    "JPEG": _Jpeg,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": _Tiff,
    "GIF": _Gif,
    "BMP": _Bmp,
}


def reader(kind: Source, data: bytes) -> ImageFile.ImageFile:
    """Open `data` as `kind`; the pixels are decoded by `load()`."""
    return _READERS[kind](io.BytesIO(data), "")
