"""Downloads one file: it goes on where it stopped, and is hashed while it comes.

A part that was left behind is continued only if the server says that the file is still the same
(Range with If-Range, RFC 9110 section 13.1.5); whatever was joined, the SHA-256 decides.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import time
from pathlib import Path
from typing import Any

from provenance.weights import web
from provenance.weights.incoming import BLOCK, Report, compare, part_of, silent, writing
from provenance.weights.interface import PullFailed
from provenance.weights.pins import Pin

TRIES = 4
GROWTH = 1 << 20
"""A try that brought more than this does not count as failed."""

PAUSE_S = 1.0
"""Before the second try; twice as long before each further one."""

CRAWL = 1 << 10
CRAWL_S = 60.0
"""A server that sends less than 1 KiB/s for a minute counts as silent."""


def download(
    url: str,
    target: Path,
    wanted: Pin,
    *,
    limit: int,
    report: Report = silent,
    context: ssl.SSLContext | None = None,
    pause_s: float = PAUSE_S,
) -> None:
    """Fetch `url` into the part of `target`, and compare it.

    Args:
        url: see `web.get`.
        target: what the file will be called.
        wanted: its SHA-256, and its bytes where they are known.
        limit: the most bytes that are written when they are not.
        report: told how far it is.
        context: for another trust store than the system's.
        pause_s: before the second try.

    Raises:
        PullFailed: it cannot be fetched, or is something else. A part of it is kept in the first
            case, for the next call to go on, and deleted in the second.
        OutputError: it cannot be written.
    """
    failures = 0
    while True:
        before = _length(part_of(target))
        try:
            found = _once(url, target, wanted.size, limit, report, context)
            if found.sha256 != wanted.sha256 and before:  # perhaps joined from two versions
                _forget(target)
                found = _once(url, target, wanted.size, limit, report, context)
        except web.RequestFailed as error:
            done = _length(part_of(target))
            failures = 1 if done > before + GROWTH else failures + 1
            if not error.again or failures == TRIES:
                kept = f"; {done:,} bytes are kept, and the same command goes on from there"
                raise PullFailed(
                    f"cannot fetch {target.name} from {web.shown(url)}: {error}"
                    + (kept if done else "")
                ) from error
            time.sleep(pause_s * 2 ** (failures - 1))
        else:
            _tag_of(target).unlink(missing_ok=True)
            compare(target, found, wanted)
            return


def _once(
    url: str,
    target: Path,
    size: int | None,
    limit: int,
    report: Report,
    context: ssl.SSLContext | None,
) -> Pin:
    """One request, from where the part ends."""
    part, tag = part_of(target), _tag_of(target)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        have = _length(part)
        if size is not None and have > size:
            _forget(target)
            have = 0
        digest = _digest(part, have)
        validator = tag.read_text("ascii", "ignore").strip() if have and tag.is_file() else ""
    if have == size:
        return Pin(digest.hexdigest(), have)
    headers = {}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    try:
        answer = web.get(url, headers, context)
    except web.RequestFailed as error:
        if error.status != 416:
            raise
        _forget(target)
        raise _broken("the server has another file than before") from error
    with answer:
        if answer.status == 206:
            total = _continues(answer, have)
            if total is None:
                _forget(target)
                raise _broken("the server does not continue where it was asked to")
        else:
            have, digest = 0, hashlib.sha256()
            length = answer.headers.get("Content-Length") or ""
            total = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else size
        most = size or limit
        if total is not None and (total > most or (size is not None and total != size)):
            _forget(target)
            raise PullFailed(
                f"{target.name} at {web.shown(url)} has {total:,} bytes, expected {most:,}; "
                "nothing was installed"
            )
        with writing(target), part.open("ab" if have else "wb") as file:
            _keep_validator(tag, answer)
            return _copy(answer, file, target, digest, have, total, most, report)


def _copy(
    answer: Any,
    file: Any,
    target: Path,
    digest: Any,
    have: int,
    total: int | None,
    limit: int,
    report: Report,
) -> Pin:
    done, mark, then = have, have, time.monotonic()
    report(target.name, done, total)
    while True:
        try:
            block = answer.read1(BLOCK)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _broken(web.reason(error)) from error
        if not block:
            break
        done += len(block)
        if done > limit:
            _forget(target)
            raise PullFailed(f"{target.name} is longer than the {limit:,} bytes it should have")
        file.write(block)
        digest.update(block)
        report(target.name, done, total)
        if time.monotonic() - then > CRAWL_S:
            if done - mark < CRAWL * CRAWL_S:
                raise _broken("it sends next to nothing")
            mark, then = done, time.monotonic()
    if total is not None and done < total:
        raise _broken(f"the connection ended after {done:,} of {total:,} bytes")
    return Pin(digest.hexdigest(), done)


def _broken(why: str) -> web.RequestFailed:
    return web.RequestFailed(why, again=True)


def _continues(answer: Any, have: int) -> int | None:
    """The file's length, if the answer begins where the part ends."""
    found = re.fullmatch(
        r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})",
        answer.headers.get("Content-Range") or "",
    )
    if not found or int(found[1]) != have or int(found[2]) != int(found[3]) - 1:
        return None
    return int(found[3])


def _keep_validator(tag: Path, answer: Any) -> None:
    etag = answer.headers.get("ETag") or ""
    strong = re.fullmatch(r'"[\x21\x23-\x7e]{1,200}"', etag)
    validator = etag if strong else answer.headers.get("Last-Modified") or ""
    if re.fullmatch(r"[\x20-\x7e]{1,202}", validator):
        tag.write_text(validator, "ascii")
    else:
        tag.unlink(missing_ok=True)


def _digest(part: Path, have: int) -> Any:
    if not have:
        return hashlib.sha256()
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256")


def _forget(target: Path) -> None:
    part_of(target).unlink(missing_ok=True)
    _tag_of(target).unlink(missing_ok=True)


def _tag_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.tag")


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
