"""Colour profiles: everything becomes sRGB.

Relative colorimetric with black point compensation, as browsers and photo editors do.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image, ImageCms

_MAX_PROFILE = 8 * 1024 * 1024
_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_SAME = 1
"""A profile that moves no colour of the probe by more than this many steps is sRGB itself."""


@cache
def srgb_profile() -> bytes:
    """A small sRGB profile, the same bytes at every call and on every day."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # ICC.1:2022 table 17: bytes 24 to 35 are the date of creation, which is now.
    profile[24:36] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
    return bytes(profile)


def to_srgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, tuple[str, ...]]:
    """Bring an RGB, L, CMYK or LAB image to sRGB, by its profile if it has one.

    Returns:
        The image in RGB, or in L for a gray one, and what is to be noted.
    """
    if icc:
        try:
            return _by_profile(image, icc)
        except Exception:
            # littlecms reports every fault as PyCMSError, OSError or ValueError alike.
            return _plain(image), ("the colour profile is damaged or does not fit; it was ignored",)
    if image.mode == "CMYK":
        return _plain(image), ("CMYK without a colour profile; converted by the plain formula",)
    return _plain(image), ()


def _plain(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "L"):
        return image
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _apply(_transform(lab, "LAB", "RGB"), image)
    return image.convert("RGB")


def _by_profile(image: Image.Image, icc: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    if len(icc) > _MAX_PROFILE:
        raise ValueError(f"profile of {len(icc):,} bytes")
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    space = profile.profile.xcolor_space
    gray = image.mode == "L"
    if gray and space == _SPACES["RGB"]:
        image = image.convert("RGB")
    elif space != _SPACES[image.mode]:
        raise ValueError(f"profile for {space} on a picture in {image.mode}")
    transform = _transform(profile, image.mode, "RGB")
    if image.mode in ("RGB", "L") and _changes_nothing(transform, image.mode):
        return (image.getchannel(0) if gray else image), ()
    result = _apply(transform, image)
    notes = () if gray else ("colours converted to sRGB by the embedded profile",)
    if gray:
        result, notes = result.getchannel(1), ("gray tones converted to sRGB by the profile",)
    return result, notes


def _transform(
    profile: ImageCms.ImageCmsProfile, source: str, target: str
) -> ImageCms.ImageCmsTransform:
    srgb = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    return ImageCms.buildTransform(
        profile, srgb, source, target, renderingIntent=_INTENT, flags=_FLAGS
    )


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    result = Image.new(transform.output_mode, image.size)
    transform.apply(image, result)
    return result


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the profile is sRGB, by what it does and not by its name."""
    if mode == "L":
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
        expected = np.repeat(ramp[:, :, None], 3, axis=2)
        probe = Image.fromarray(ramp)
    else:
        steps = np.linspace(0, 255, 16).astype(np.uint8)
        cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
        expected = cube.reshape(64, 64, 3)
        probe = Image.fromarray(expected)
    got = np.asarray(_apply(transform, probe))
    return int(np.abs(got.astype(np.int16) - expected).max()) <= _SAME
