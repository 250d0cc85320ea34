"""How large a picture may be, checked before any memory is taken for it."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.errors import TooLarge


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest picture that is read.

    Attributes:
        max_bytes: of the file.
        max_pixels: width times height; the default admits 10,000 x 10,000.
        max_side: width or height; the default is the most that JPEG can hold.
    """

    max_bytes: int = 256 * 1024 * 1024
    max_pixels: int = 100_000_000
    max_side: int = 65_535

    def check_bytes(self, size: int) -> None:
        """Raise `TooLarge` for a file of more than `max_bytes`."""
        if size > self.max_bytes:
            raise TooLarge(
                f"the file has {size:,} bytes, the limit is {self.max_bytes:,}; "
                "use a smaller file or raise the limit"
            )

    def check_size(self, width: int, height: int) -> None:
        """Raise `TooLarge` for a picture of more than `max_pixels` or a side over `max_side`."""
        if width * height > self.max_pixels:
            raise TooLarge(
                f"the picture has {width:,}x{height:,} pixels, the limit is "
                f"{self.max_pixels:,} in all; scale it down or raise the limit"
            )
        if max(width, height) > self.max_side:
            raise TooLarge(
                f"the picture has {width:,}x{height:,} pixels, the limit is "
                f"{self.max_side:,} a side; scale it down or raise the limit"
            )
