"""`Picture`: pixels on their way through the pipeline. `Asset`: the finished, signed bytes.

The two types hold the order of the pipeline: steps before signing map `Picture` to `Picture`,
signing returns an `Asset`, and nothing that alters pixels takes an `Asset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from provenance.codec.decode import Limits
    from provenance.evidence import Report
    from provenance.moderate.interface import Decision

Format = Literal["PNG", "JPEG", "WEBP", "AVIF", "TIFF"]
"""The formats that we write. Reading takes GIF and BMP as well."""

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a picture is, or will be, written.

    Attributes:
        format: one of `Format`.
        quality: 1 to 100 for the lossy formats; None is the format's default.
        lossless: WebP only; PNG and TIFF always are, JPEG and AVIF never.
        subsampling: chroma of a JPEG or AVIF.
        progressive: JPEG only.
        embed_srgb: write a small sRGB profile: the source had a profile, and was converted.
    """

    format: Format = "PNG"
    quality: int | None = None
    lossless: bool = False
    subsampling: Subsampling = "4:4:4"
    progressive: bool = False
    embed_srgb: bool = False


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file said beside its pixels, as raw bytes; orientation and ICC are already applied.

    Attributes:
        exif: EXIF block without orientation and thumbnail, or None.
        xmp: XMP packet, or None.
        text: PNG text chunks, by keyword.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in sRGB, upright, with all that is needed to write them back.

    Attributes:
        pixels: H×W×3 uint8, sRGB, orientation applied, C-contiguous and read-only.
        alpha: H×W uint8 (255 = opaque), or None when the picture has no transparency.
        gray: the source had one channel; it is written back with one.
        encoding: how the source was written, which is the default for the output.
        metadata: EXIF, XMP and text of the source. Dropped on output unless asked for.
        notes: what decoding changed, in plain words ("16 bits a channel reduced to 8").
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    gray: bool = False
    encoding: Encoding = Encoding()
    metadata: Metadata = Metadata()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold the promise on shape and type, so that no later step needs to check.

        Raises:
            ValueError: wrong shape or dtype.
        """
        pixels = self.pixels
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels have shape {pixels.shape} and type {pixels.dtype}; expected H×W×3 uint8 "
                "(use Picture.from_array for other shapes and types)"
            )
        if pixels.shape[0] == 0 or pixels.shape[1] == 0:
            raise ValueError(f"pixels have shape {pixels.shape}; expected at least 1×1")
        alpha = self.alpha
        if alpha is not None and (alpha.shape != pixels.shape[:2] or alpha.dtype != np.uint8):
            raise ValueError(
                f"alpha has shape {alpha.shape} and type {alpha.dtype}; "
                f"expected {pixels.shape[:2]} uint8"
            )
        for name, plane in (("pixels", pixels), ("alpha", alpha)):
            if plane is not None:
                view = np.ascontiguousarray(plane).view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    @property
    def width(self) -> int:
        """Columns, in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows, in pixels."""
        return int(self.pixels.shape[0])

    def with_pixels(self, pixels: NDArray[np.uint8]) -> Picture:
        """The same picture with other pixels of the same size."""
        if pixels.shape != self.pixels.shape:
            raise ValueError(f"pixels have shape {pixels.shape}; expected {self.pixels.shape}")
        return replace(self, pixels=pixels)

    @classmethod
    def open(cls, source: str | Path | bytes, *, limits: Limits | None = None) -> Picture:
        """Decode a file or its bytes. See `provenance.codec.decode`."""
        from provenance.codec.decode import decode, read_bytes

        data = source if isinstance(source, bytes) else read_bytes(source, limits)
        return decode(data, limits)

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Picture:
        """Take H×W, H×W×1, H×W×3 or H×W×4; uint8, or floats in [0, 1], or bool.

        Raises:
            ValueError: another shape or type, NaN or infinity, or floats outside [0, 1].
        """
        from provenance.codec.convert import from_array

        return from_array(array)

    @classmethod
    def from_pil(cls, image: Image.Image) -> Picture:
        """Take a Pillow image of any mode, converting to sRGB by its ICC profile if it has one."""
        from provenance.codec.convert import from_pil

        return from_pil(image)

    def to_pil(self) -> Image.Image:
        """The pixels as a Pillow image: RGB, RGBA, L or LA."""
        from provenance.codec.convert import to_pil

        return to_pil(self)


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture written once, not yet signed."""

    data: bytes = field(repr=False)
    encoding: Encoding
    width: int
    height: int

    @property
    def media_type(self) -> str:
        """IANA media type, such as `image/png`."""
        return f"image/{self.encoding.format.lower()}"


@dataclass(frozen=True, slots=True)
class Asset:
    """A finished picture: moderated, marked, signed, read back and verified. Cannot be altered.

    Attributes:
        data: the bytes of the file.
        manifest: the C2PA manifest store inside it, for a registry of your own.
        media_type: IANA media type, such as `image/png`.
        width: columns, in pixels.
        height: rows, in pixels.
        manifest_id: label of the active C2PA manifest (`urn:c2pa:…`).
        watermark_id: the mark's payload in hexadecimal, or None for a picture that was too small
            and a configuration that allows signing alone.
        decision: what moderation saw and decided.
        report: what `verify` said of these very bytes before they were returned.
        timings: wall seconds of each stage, in order.
        notes: what changed on the way, in plain words.
    """

    data: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    manifest_id: str
    watermark_id: str | None
    decision: Decision = field(repr=False)
    report: Report = field(repr=False)
    timings: Mapping[str, float] = field(repr=False)
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the bytes to `path` through a temporary file and a rename.

        Raises:
            OutputError: the file exists and `overwrite` is false, or it cannot be written.
        """
        from provenance.files import write_atomically

        return write_atomically(path, self.data, overwrite=overwrite)

    def _repr_html_(self) -> str:
        """How notebooks show it: the picture, the verdict, and what it rests on."""
        from provenance.report.notebook import card

        return card(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the bytes and the moderation's scores, ready for JSON."""
        return {
            "media_type": self.media_type,
            "bytes": len(self.data),
            "width": self.width,
            "height": self.height,
            "manifest_id": self.manifest_id,
            "watermark_id": self.watermark_id,
            "moderation": self.decision.public(),
            "report": self.report.to_dict(),
            "timings_ms": {name: round(1000 * s, 2) for name, s in self.timings.items()},
            "notes": list(self.notes),
        }
