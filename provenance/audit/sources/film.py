"""Films, by frames at even distances. Needs the extra `video`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

from provenance.audit.interface import Sample, Shard, printable
from provenance.audit.sources.folder import sorted_into
from provenance.audit.sources.places import Place
from provenance.errors import ConfigError

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")

FRAMES = 8
"""Of each film, in the middle of as many equal parts."""

_MOST_PIXELS = 50_000_000


class FilmSource:
    """Frames of films; one shard for each film.

    Args:
        films: in their order.
        frames: of each.

    Raises:
        ConfigError: the package that decodes films is not installed.
    """

    def __init__(self, films: Sequence[Place], frames: int = FRAMES) -> None:
        _av()
        self._films = tuple(films)
        self._frames = frames

    @property
    def name(self) -> str:
        """The first film, and how many there are."""
        more = f" and {len(self._films) - 1} more" if len(self._films) > 1 else ""
        return f"{self._films[0].name}{more}"

    def shards(self) -> Iterator[Shard]:
        """One for each film."""
        for number, film in enumerate(self._films):
            yield Shard(number, film.name, {"film": film.text}, self._frames)

    def samples(self, shard: Shard) -> Iterator[Sample]:
        """Its frames as PNG pictures; where it breaks off, a last sample says so.

        Raises:
            OSError: it cannot be opened.
        """
        place = Place(shard.where["film"])
        base = printable(place.name)
        label, split = sorted_into("/".join(place.text.split("/")[-2:]))
        offset = 0
        with place.open() as file:
            try:
                for seconds, frame in _frames(file, self._frames):
                    opened = partial(_png, frame)
                    yield Sample(f"{base}#t={seconds:.3f}", offset, opened, None, label, split)
                    offset += 1
            except _av().error.FFmpegError as error:
                problem = f"the film cannot be decoded here ({type(error).__name__})"
                yield Sample(f"{base}#broken", offset, _nothing, None, label, split, problem)
                return
        if offset == 0:
            problem = "there is no picture in it, or its pictures are too large"
            yield Sample(f"{base}#empty", 0, _nothing, None, label, split, problem)


def _frames(file: BinaryIO, count: int) -> Iterator[tuple[float, Any]]:
    """Times and frames; of a film without a length the first frames."""
    with _av().open(file, metadata_errors="replace") as film:
        if not film.streams.video:
            return
        stream = film.streams.video[0]
        stream.codec_context.thread_count = 1  # the same frames on every machine
        if stream.width * stream.height > _MOST_PIXELS:
            return
        length = film.duration / _av().time_base if film.duration else 0.0
        seen = -1.0
        for part in range(count):
            wanted = length * (part + 0.5) / count
            if length:
                film.seek(int(wanted * _av().time_base), backward=True)
            for frame in film.decode(stream):
                at = float(frame.time or 0.0)
                if at > seen and (at >= wanted or not length):
                    seen = at
                    yield at, frame
                    break
            else:
                return


def _png(frame: Any) -> BinaryIO:
    buffer = io.BytesIO()
    frame.to_image().save(buffer, "PNG", compress_level=1)
    buffer.seek(0)
    return buffer


def _nothing() -> BinaryIO:
    raise OSError("there is nothing to read")


def _av() -> Any:
    try:
        import av
    except ModuleNotFoundError as error:
        raise ConfigError(
            "films need a package that is not installed: pip install 'provenance-kit[video]'"
        ) from error
    return av
