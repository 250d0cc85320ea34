"""What files say of themselves, from their headers alone: no pixel is decoded.

For many files: an audit asks this first and decodes only where it must. Parameters hidden in pixels
(NovelAI's, see `claims.stealth`) are not seen here.
"""

from __future__ import annotations

import os
import stat

from provenance.claims.fields import Fields
from provenance.claims.headers import Headers, read_headers
from provenance.claims.interface import Claim
from provenance.claims.readers import claims_in
from provenance.claims.view import View
from provenance.errors import InputError


def headers_of(path: str | os.PathLike[str]) -> Headers:
    """The metadata of a file, without reading all of it; `kind` is empty for what is not read.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    name = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116
            raise InputError(f"'{_shown(name)}': it is no regular file")
        with open(name, "rb", buffering=0) as file:  # noqa: PTH123
            return read_headers(View(file))
    except (OSError, ValueError) as error:
        raise InputError(f"'{_shown(name)}': it could not be read ({error})") from error


def claims_of(path: str | os.PathLike[str]) -> tuple[Claim, ...]:
    """What a file says of itself; empty as well for files whose headers are not read.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    return claims_in(Fields(headers_of(path)))


def _shown(name: str) -> str:
    return str(name).replace("\0", "\\0")
