"""The sentences for files that are damaged or hold more than one picture."""

from __future__ import annotations

from provenance.errors import UnreadablePicture, UnsupportedPicture

_NAMES = {"WEBP": "WebP"}


def name_of(format: str) -> str:
    """The format as people write it."""
    return _NAMES.get(format, format)


def damaged(format: str, reason: object) -> UnreadablePicture:
    """The file claims to be `format` and cannot be read as such."""
    text = " ".join(str(reason).split())[:160] or type(reason).__name__
    return UnreadablePicture(
        f"the {name_of(format)} file is damaged or cut short ({text}); get an intact copy"
    )


def several(format: str, frames: int) -> UnsupportedPicture:
    """The file holds `frames` pictures where one was expected."""
    unit = "pages" if format == "TIFF" else "frames"
    return UnsupportedPicture(
        f"the {name_of(format)} file holds {frames:,} {unit}, a single picture was expected; "
        f"extract the {unit} first and pass them one by one"
    )
