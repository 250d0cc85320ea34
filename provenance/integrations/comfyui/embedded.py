"""Workflows in files, where ComfyUI's page finds them when a file is dropped on it.

PNG: texts named `prompt`, `workflow`, and so on. WebP: EXIF, `prompt:…` as the model of the camera
(0x0110), the others as its maker (0x010F) and the tags below.

Source: comfyanonymous/ComfyUI, `nodes.py` and `comfy_extras/nodes_images.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PIL import Image

from provenance.errors import ConfigError
from provenance.picture import Encoding, Metadata

_MODEL, _MAKE = 0x0110, 0x010F


def workflow(encoding: Encoding, prompt: Any, extra: Any) -> Metadata:
    """What goes into the file.

    Args:
        encoding: of the file.
        prompt: the workflow as it runs.
        extra: more, by name: the workflow as it is drawn.

    Raises:
        ConfigError: ComfyUI reads no workflows from such files.
    """
    more = extra if isinstance(extra, Mapping) else {}
    texts = {str(name): json.dumps(value) for name, value in {"prompt": prompt, **more}.items()}
    if encoding.format == "PNG":
        return Metadata(text=texts)
    if encoding.format == "WEBP":
        exif = Image.Exif()
        exif[_MODEL] = f"prompt:{texts.pop('prompt')}"
        for place, (name, text) in enumerate(texts.items()):
            exif[_MAKE - place] = f"{name}:{text}"
        return Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    raise ConfigError(
        "workflows can be embedded in png and webp, not in jpeg, from which ComfyUI reads none; "
        "choose another format or leave the workflow out"
    )
