"""The sentences for files that are damaged or hold more than one picture."""

from __future__ import annotations

from provenance.errors import UnreadablePicture, UnsupportedPicture

_NAMES = {"WEBP": "WebP"}

_UNFAMILIAR = ("unknown pixel mode", "cannot handle ", "unsupported bmp")
"""How Pillow's messages begin for layouts that it does not know."""


def name_of(kind: str) -> str:
    """The format as people write it."""
    return _NAMES.get(kind, kind)


def unit_of(kind: str) -> str:
    """What the format calls one of several pictures."""
    return "pages" if kind == "TIFF" else "frames"


def damaged(kind: str, reason: object) -> UnreadablePicture:
    """The file claims to be `kind` and cannot be read as such."""
    text = " ".join(str(reason).split())[:160] or type(reason).__name__
    if text.startswith("decoder error"):  # Pillow's number for whatever its decoder met
        text = "the compressed pixels are damaged"
    return UnreadablePicture(
        f"the {name_of(kind)} file is damaged or cut short ({text}); get an intact copy"
    )


def unfamiliar(kind: str, reason: object) -> UnsupportedPicture | None:
    """The refusal for a layout that the format allows and Pillow does not read, if it is one."""
    text = str(reason)
    if not any(text.lower().startswith(start) for start in _UNFAMILIAR):
        return None
    return UnsupportedPicture(
        f"the {name_of(kind)} file stores its pixels in a way that is not read here "
        f"({text[:80]}); save it as an 8-bit PNG first"
    )


def several(kind: str, frames: int) -> UnsupportedPicture:
    """The file holds `frames` pictures where one was expected."""
    unit = unit_of(kind)
    return UnsupportedPicture(
        f"the {name_of(kind)} file holds {frames:,} {unit}, a single picture was expected; "
        f"extract the {unit} first and pass them one by one"
    )
