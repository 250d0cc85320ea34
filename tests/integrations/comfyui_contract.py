"""What ComfyUI asks of a node, and stand-ins for the parts of ComfyUI that a node sees.

Written from the facts of the contract: how nodes are found, checked and called, where files go, and
what becomes of what they return.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import time
import types
from pathlib import Path
from typing import Any

TYPES = {"IMAGE", "STRING", "INT", "FLOAT", "BOOLEAN"}
HIDDEN = {"PROMPT", "EXTRA_PNGINFO", "UNIQUE_ID", "DYNPROMPT"}


def load(folder: Path) -> Any:
    """A custom node, as ComfyUI loads a folder: by its `__init__.py`, under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"custom_{folder.name}", folder / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


def check(name: str, node: type, titles: dict[str, str]) -> None:
    """Hold a class against the contract."""
    assert name.isidentifier() and isinstance(titles[name], str)
    node()  # made without arguments, once for each node of a workflow
    declared = node.INPUT_TYPES()
    assert set(declared) <= {"required", "optional", "hidden"}
    shown = {**declared.get("required", {}), **declared.get("optional", {})}
    for value in shown.values():
        kind, *options = value
        assert isinstance(value, tuple) and len(value) <= 2
        assert isinstance(kind, list) or kind in TYPES
        if options and isinstance(kind, list):
            assert options[0].get("default", kind[0]) in kind
    assert all(value in HIDDEN for value in declared.get("hidden", {}).values())
    json.dumps(declared)  # the page asks for it
    assert isinstance(node.RETURN_TYPES, tuple)
    assert isinstance(node.CATEGORY, str) and node.OUTPUT_NODE is True
    assert callable(getattr(node, node.FUNCTION))


def run(node: type, graph: dict[str, Any], name: str, images: Any, **extra: Any) -> dict[str, Any]:
    """Call a node of a workflow as the executor does, and give what the page is told."""
    declared = node.INPUT_TYPES()
    own = graph[name]["inputs"]
    known = {**declared["required"], **declared.get("optional", {})}
    given = {key: value for key, value in own.items() if key in known and key != "images"}
    for key, (kind, *_) in known.items():
        if isinstance(kind, list) and key in given:
            assert given[key] in kind, "ComfyUI refuses what is not in the list"
    hidden = {"PROMPT": graph, "EXTRA_PNGINFO": {"workflow": {"nodes": []}}, "UNIQUE_ID": name}
    given |= {key: hidden[value] for key, value in declared["hidden"].items()}
    result = getattr(node(), node.FUNCTION)(images=images, **{**given, **extra})
    assert isinstance(result, dict) and set(result) <= {"ui", "result"}
    uis = [result["ui"]]
    merged = {key: [each for ui in uis for each in ui[key]] for key in uis[0]}
    return json.loads(json.dumps(merged))  # it goes to the page, and into the history


class FolderPaths(types.ModuleType):
    """Stands in for the module `folder_paths`."""

    def __init__(self, root: Path) -> None:
        super().__init__("folder_paths")
        self.root = root
        for name in ("output", "temp", "input"):
            (root / name).mkdir()

    def get_output_directory(self) -> str:
        return str(self.root / "output")

    def get_temp_directory(self) -> str:
        return str(self.root / "temp")

    def get_input_directory(self) -> str:
        return str(self.root / "input")

    def get_annotated_filepath(self, name: str) -> str:
        for kind in ("output", "input", "temp"):
            if name.endswith(f"[{kind}]"):
                return os.path.join(self.root, kind, name.removesuffix(f"[{kind}]").rstrip())  # noqa: PTH118
        return os.path.join(self.root, "input", name)  # noqa: PTH118

    def get_save_image_path(
        self, prefix: str, folder: str, width: int = 0, height: int = 0
    ) -> tuple[str, str, int, str, str]:
        now = time.localtime()
        for name, value in (
            ("width", width),
            ("height", height),
            ("year", now.tm_year),
            ("month", f"{now.tm_mon:02}"),
        ):
            prefix = prefix.replace(f"%{name}%", str(value))
        below, stem = os.path.split(os.path.normpath(prefix))
        full = os.path.join(folder, below)  # noqa: PTH118
        if os.path.commonpath((folder, os.path.abspath(full))) != folder:  # noqa: PTH100
            raise Exception(f"outside {folder}")  # noqa: TRY002
        Path(full).mkdir(parents=True, exist_ok=True)
        numbered = re.compile(re.escape(stem) + r"_(\d+)_")
        found = [numbered.match(each.name) for each in Path(full).iterdir()]
        return full, stem, max((int(m[1]) for m in found if m), default=0) + 1, below, prefix
