"""One file, one row: headers first, pixels only where the plan asks for them."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from provenance.audit import headers
from provenance.audit.interface import Row, Sample, Shard, State
from provenance.audit.plan import Asked, Pixels
from provenance.audit.sources.ranged import Unreachable
from provenance.errors import ConfigError

if TYPE_CHECKING:
    from provenance.audit.pixels import PixelStage
    from provenance.config import Config


class Examiner:
    """Examines files as a plan asks. Whatever happens to one, the next is examined.

    Args:
        asked: the plan.
        config: your keys and anchors, or None.
    """

    def __init__(self, asked: Asked, config: Config | None = None) -> None:
        self._asked = asked
        self._config = config

    def examine(self, sample: Sample, shard: Shard) -> Row:
        """The row of a file. Never raises for what is in it.

        Raises:
            ConfigError: settings, keys or weights cannot be used.
            Unreachable: the network is away, which says nothing of the file.
        """
        row = headers.begun(sample, shard)
        if row.state is not State.OK:
            return row
        try:
            with sample.open() as file:
                return self._examined(row, file)
        except Unreachable:
            raise
        except (OSError, EOFError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            problem = headers.plain(f"it could not be read ({why or type(error).__name__})")
            return replace(row, state=State.UNREADABLE, problem=problem)
        except ConfigError:
            raise  # our settings or weights are at fault, and no file is to be blamed
        except Exception as error:  # hostile files find ways to fail that nobody listed
            problem = f"it could not be examined ({type(error).__name__})"
            return replace(row, state=State.CORRUPT, problem=problem)

    def _examined(self, row: Row, file: BinaryIO) -> Row:
        row, found = headers.examined(row, file)
        if row.state is not State.OK:
            return row
        pixels = row.media_type.startswith("image/") and self._wanted(row)
        if not pixels and not (self._asked.credentials and found.credentials):
            return row
        return self._stage.whole(row, self._whole(file), found, pixels=pixels)

    def _wanted(self, row: Row) -> bool:
        """Whether the plan asks for the pixels of this file."""
        match self._asked.pixels:
            case Pixels.ALL:
                return True
            case Pixels.SAMPLE:
                return self._asked.chosen(row.path)
            case Pixels.DOUBT:
                return not row.claimed
        return False

    def _whole(self, file: BinaryIO) -> bytes:
        file.seek(0)
        return file.read(self._asked.max_bytes + 1)

    @cached_property
    def _stage(self) -> PixelStage:
        from provenance.audit.pixels import PixelStage

        return PixelStage(self._asked, self._config)
