"""Save Image and Preview Image, protected.

The pictures are moderated, marked, signed and read back before a file is written: all of a batch,
or none. Prompts and workflow stay out of the files unless they are asked for.

ComfyUI's own nodes go on writing what they are given, so replace them: what is written unprotected
in the same workflow is named in the result.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from provenance._inputs import Inputs
from provenance.config import Config
from provenance.errors import InputError, UnsupportedPicture
from provenance.integrations.comfyui import embedded, graph, host
from provenance.picture import Asset, Encoding, Metadata, Picture

if TYPE_CHECKING:
    from provenance.pipeline import Pipeline

_FORMATS: Mapping[str, tuple[str, Callable[[int], Encoding]]] = {
    "png": (".png", lambda _quality: Encoding("PNG")),
    "webp": (".webp", lambda quality: Encoding("WEBP", quality=quality)),
    "jpeg": (".jpg", lambda quality: Encoding("JPEG", quality=quality)),
}

_SHOWN = 16
"""Pictures that a workflow loads which a manifest names."""

_LOADING = Lock()


def mappings(config: str | Path | None = None) -> tuple[dict[str, type], dict[str, str]]:
    """`NODE_CLASS_MAPPINGS` and `NODE_DISPLAY_NAME_MAPPINGS` for ComfyUI.

    Args:
        config: a `provenance.toml`; else the one that `PROVENANCE_CONFIG` names, or that
            `provenance init` wrote. Whoever sends workflows cannot choose it. It is read when the
            first picture is saved.
    """

    def pipeline() -> Pipeline:
        with _LOADING:
            return _loaded(config)

    return mappings_for(pipeline)


def mappings_for(pipeline: Callable[[], Pipeline]) -> tuple[dict[str, type], dict[str, str]]:
    """The same for a pipeline of your own, which has to keep the metadata of pictures."""
    slots = {"pipeline": staticmethod(pipeline)}
    classes: dict[str, type] = {
        name: type(name, (kind,), slots)
        for name, kind in (("ProvenanceSave", SaveNode), ("ProvenancePreview", PreviewNode))
    }
    return classes, {
        "ProvenanceSave": "Save Image (Provenance)",
        "ProvenancePreview": "Preview Image (Provenance)",
    }


@lru_cache(maxsize=4)
def _loaded(config: str | Path | None) -> Pipeline:
    """One pipeline for all nodes. Its pictures come without metadata, but for what we add."""
    from provenance.pipeline import Pipeline

    return Pipeline.from_config(replace(Config.load(config), keep_metadata=True))


class _Node:
    """What both nodes do."""

    RETURN_TYPES = ()
    OUTPUT_NODE = True
    CATEGORY = "image"

    @staticmethod
    def pipeline() -> Pipeline:
        """What protects the pictures; `mappings` puts it here."""
        raise NotImplementedError

    def _finished(
        self, images: Any, encoding: Encoding, metadata: Metadata, given: _Given
    ) -> list[Asset]:
        pictures = [replace(picture, metadata=metadata) for picture in pictures_of(images)]
        asked = graph.asked(given.prompt, given.node, host.declared)
        prompts = (*asked.prompts, *([given.text] if given.text else []))
        return self.pipeline().protect(
            pictures, prompts=prompts, inputs=_inputs(asked.loaded), encoding=encoding
        )


class SaveNode(_Node):
    """Save Image, protected."""

    FUNCTION = "save"
    DESCRIPTION = (
        "Moderates, watermarks and signs the images, reads them back, and saves them to the output "
        "folder: all of them, or none."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:  # noqa: N802
        """What the node takes."""
        return {
            "required": {
                "images": ("IMAGE", {"tooltip": "The images to protect and save."}),
                "filename_prefix": (
                    "STRING",
                    {
                        "default": "ComfyUI",
                        "tooltip": "The prefix of the files; may name folders, and hold "
                        "%date:yyyy-MM-dd% and the like, as for Save Image.",
                    },
                ),
                "format": (list(_FORMATS), {"default": "png"}),
                "quality": (
                    "INT",
                    {"default": 92, "min": 1, "max": 100, "tooltip": "Of webp and jpeg."},
                ),
                "embed_workflow": (
                    "BOOLEAN",
                    {
                        "default": False,
                        "tooltip": "Write prompts and workflow into the file (png, webp), where "
                        "everybody can read them.",
                    },
                ),
                "write_report": (
                    "BOOLEAN",
                    {"default": False, "tooltip": "Write a report (.json) beside each file."},
                ),
            },
            "optional": {"text": _TEXT},
            "hidden": _HIDDEN,
        }

    def save(
        self,
        images: Any,
        filename_prefix: str = "ComfyUI",
        format: str = "png",  # noqa: A002
        quality: int = 92,
        embed_workflow: bool = False,
        write_report: bool = False,
        text: str | None = None,
        prompt: Any = None,
        extra_pnginfo: Any = None,
        unique_id: Any = None,
    ) -> dict[str, Any]:
        """Protect the images and write them, with a report for each: all or none.

        Raises:
            ProvenanceError: with a sentence for whoever runs the workflow; nothing was written.
        """
        if format not in _FORMATS:
            raise UnsupportedPicture(f"the format is {format!r}; expected one of png, webp, jpeg")
        suffix, encoding_for = _FORMATS[format]
        encoding = encoding_for(quality)
        metadata = Metadata()
        if embed_workflow and not host.metadata_disabled():
            metadata = embedded.workflow(encoding, prompt, extra_pnginfo)
        given = _Given(prompt, unique_id, text)
        assets = self._finished(images, encoding, metadata, given)
        return _written(assets, filename_prefix, "output", suffix, given, reports=write_report)


class PreviewNode(_Node):
    """Preview Image, protected: what people copy from the page is marked and signed as well."""

    FUNCTION = "preview"
    DESCRIPTION = "Shows the images, moderated, watermarked and signed."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, Any]]:  # noqa: N802
        """What the node takes."""
        return {
            "required": {"images": ("IMAGE", {"tooltip": "The images to protect and show."})},
            "optional": {"text": _TEXT},
            "hidden": _HIDDEN,
        }

    def preview(
        self,
        images: Any,
        text: str | None = None,
        prompt: Any = None,
        extra_pnginfo: Any = None,
        unique_id: Any = None,
    ) -> dict[str, Any]:
        """Protect the images and write them to the folder for what is soon deleted.

        Raises:
            ProvenanceError: as for saving.
        """
        del extra_pnginfo
        given = _Given(prompt, unique_id, text)
        assets = self._finished(images, Encoding("PNG"), Metadata(), given)
        prefix = f"provenance_{secrets.token_hex(4)}"
        return _written(assets, prefix, "temp", ".png", given, reports=False)


_TEXT = (
    "STRING",
    {
        "forceInput": True,
        "tooltip": "A prompt that other nodes made, to be moderated with those of the workflow.",
    },
)
_HIDDEN = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO", "unique_id": "UNIQUE_ID"}


class _Given:
    """What ComfyUI says of the run."""

    def __init__(self, prompt: Any, unique_id: Any, text: str | None) -> None:
        self.prompt = prompt
        self.node = str(unique_id)
        self.text = text

    def unprotected(self) -> list[str]:
        """Other nodes of the workflow that write pictures."""
        return [
            f"node {name} ({node['class_type']}) writes its pictures unprotected"
            for name, node in self.prompt.items()
            if graph.is_node(node)
            and host.writes_pictures(node["class_type"])
            and node["class_type"] not in ("ProvenanceSave", "ProvenancePreview")
        ]


def pictures_of(images: Any) -> list[Picture]:
    """The pictures of a value of ComfyUI's type IMAGE: B×H×W×C, floats from 0 to 1.

    Values outside are cut off, as Save Image does: decoders overshoot.

    Raises:
        UnsupportedPicture: another shape or type, or a value is no number.
    """
    if hasattr(images, "detach"):
        images = images.detach().cpu().float().numpy()
    array = np.asarray(images)
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or not array.size:
        raise UnsupportedPicture(
            f"the images have the shape {array.shape}; expected batch, height, width and 1, 3 or 4 "
            "channels"
        )
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise UnsupportedPicture(
            f"the images are {array.dtype} or hold values that are no numbers; expected floats "
            "from 0 to 1"
        )
    return [Picture.from_array(np.clip(each, 0, 1)) for each in array]


def _inputs(names: tuple[str, ...]) -> Inputs:
    """The pictures that the workflow loads; one that cannot be read is not named."""
    found: list[bytes] = []
    for name in names[:_SHOWN]:
        data = host.read_input(name)
        if data is not None:
            try:
                Picture.open(data)
            except InputError:
                continue
            found.append(data)
    return Inputs(references=tuple(found))


def _written(
    assets: list[Asset], prefix: str, kind: str, suffix: str, given: _Given, *, reports: bool
) -> dict[str, Any]:
    """Write the files, and tell ComfyUI where they are."""
    place = host.place(prefix, kind, (assets[0].width, assets[0].height))
    suffixes = (suffix, ".json") if reports else (suffix,)
    names = place.names(len(assets), suffixes)
    files: list[tuple[Path, bytes]] = []
    for name, asset in zip(names, assets, strict=True):
        files.append((place.folder / (name + suffix), asset.data))
        if reports:
            report = json.dumps({"file": name + suffix, **asset.to_dict()}, indent=2)
            files.append((place.folder / (name + ".json"), report.encode()))
    host.write_all(files)
    others = given.unprotected()
    shown = [
        {"filename": name + suffix, "subfolder": place.subfolder, "type": kind} for name in names
    ]
    told = [
        {
            "filename": name + suffix,
            "headline": asset.report.verdict.headline,
            "manifest_id": asset.manifest_id,
            "watermark_id": asset.watermark_id,
            "notes": [*asset.notes, *others],
        }
        for name, asset in zip(names, assets, strict=True)
    ]
    return {"ui": {"images": shown, "provenance": told}}
