"""ComfyUI as it is seen from a node: its folders, its other nodes, its command line.

Source of the contract: comfyanonymous/ComfyUI, `nodes.py`, `folder_paths.py`, `execution.py`,
`comfy/cli_args.py`. Its modules are imported where they are needed: they are there inside ComfyUI
alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.errors import ConfigError, OutputError
from provenance.files import write_atomically


@dataclass(frozen=True, slots=True)
class Place:
    """Where ComfyUI wants files.

    Attributes:
        folder: exists.
        stem: of the names, before the number.
        first: number of the next file.
        subfolder: below the folder of `kind`, as ComfyUI's page asks for it.
        kind: `output` or `temp`.
    """

    folder: Path
    stem: str
    first: int
    subfolder: str
    kind: str

    def names(self, count: int, suffixes: Sequence[str]) -> list[str]:
        """Free names without suffix, numbered as ComfyUI numbers them: `ComfyUI_00001_`."""
        found: list[str] = []
        number = self.first
        while len(found) < count:
            stem = self.stem.replace("%batch_num%", str(len(found)))
            name = f"{stem}_{number:05}_"
            number += 1
            if not any(os.path.lexists(self.folder / (name + suffix)) for suffix in suffixes):
                found.append(name)
        return found


def place(prefix: str, kind: str, size: tuple[int, int]) -> Place:
    """The folder and the next number for a prefix, by ComfyUI's own rules.

    Args:
        prefix: of the file names; may name folders and hold `%width%`, `%date%` and the like.
        kind: `output` or `temp`.
        size: width and height of the pictures.

    Raises:
        OutputError: it leads outside the folder, or cannot be used.
    """
    paths = _folder_paths()
    base = Path(paths.get_temp_directory() if kind == "temp" else paths.get_output_directory())
    try:
        folder, stem, number, subfolder, _ = paths.get_save_image_path(prefix, str(base), *size)
        inside = Path(folder).resolve().is_relative_to(base.resolve())
    except Exception as error:  # ComfyUI raises plain exceptions, which name paths of the server
        raise OutputError(_NO_PLACE) from error
    if not inside or Path(stem).name != stem or stem in ("", ".", ".."):
        raise OutputError(_NO_PLACE)
    return Place(Path(folder), stem, number, subfolder, kind)


_NO_PLACE = (
    "the filename prefix cannot be used: it leads outside ComfyUI's folder, or its folder cannot "
    "be made; use a plain name such as ComfyUI, or folder/name"
)


def write_all(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write all of these files, or none.

    Raises:
        OutputError: one is there already, or cannot be written; the others are removed again.
    """
    done: list[Path] = []
    try:
        for path, data in files:
            done.append(write_atomically(path, data))
    except BaseException:
        for path in done:
            with suppress(OSError):
                path.unlink()
        raise


def read_input(name: str) -> bytes | None:
    """The file that a node loads; None if it is not in one of ComfyUI's folders."""
    paths = _folder_paths()
    folders = (paths.get_input_directory(), paths.get_output_directory())
    try:
        path = Path(paths.get_annotated_filepath(name)).resolve()
        if any(path.is_relative_to(Path(each).resolve()) for each in folders):
            return path.read_bytes()
    except (OSError, ValueError):
        pass
    return None


def declared(kind: str) -> Mapping[str, Any]:
    """What a class of nodes says of its inputs; nothing if it is not known."""
    node = _classes().get(kind)
    try:
        types = node.INPUT_TYPES() if node is not None else {}
        parts = [types.get(part) or {} for part in ("required", "optional")]
        return {name: value for part in parts for name, value in part.items()}
    except Exception:  # a stranger's code; then every text of the node counts
        return {}


def writes_pictures(kind: str) -> bool:
    """True if nodes of this class end a workflow and take pictures."""
    ends = getattr(_classes().get(kind), "OUTPUT_NODE", False) is True
    takes = (value[0] for value in declared(kind).values() if isinstance(value, tuple) and value)
    return ends and "IMAGE" in takes


def metadata_disabled() -> bool:
    """True if ComfyUI was started with `--disable-metadata`."""
    args = getattr(sys.modules.get("comfy.cli_args"), "args", None)
    return bool(getattr(args, "disable_metadata", False))


def _classes() -> Mapping[str, Any]:
    return getattr(sys.modules.get("nodes"), "NODE_CLASS_MAPPINGS", {})


def _folder_paths() -> Any:
    try:
        import folder_paths  # type: ignore[import-not-found]
    except ImportError as error:
        raise ConfigError(
            "ComfyUI's module folder_paths is not here; this node runs inside ComfyUI alone"
        ) from error
    return folder_paths
