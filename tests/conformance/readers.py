"""Readers that are not ours, installed by their own package managers into a folder of the test.

encypher-c2pa (Rust) and c2pa-ts (TypeScript) share no code with c2pa-rs, which we use; c2pa-web is
c2pa-rs as web pages use it, in another version and in a real browser. What cannot be installed
skips its tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ENCYPHER = "encypher-c2pa==1.7.1"
C2PA_TS = "@trustnxt/c2pa-ts@0.9.4"
C2PA_WEB = "@contentauth/c2pa-web@0.13.1"
PLAYWRIGHT = "playwright-core@1.61"

HERE = Path(__file__).parent
LONGEST_S = 180


def encypher(files: Path, folder: Path) -> list[dict[str, Any]]:
    """What encypher-c2pa says of each file."""
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    _installed([*pip, "--target", str(site), ENCYPHER], folder)
    environment = {**os.environ, "PYTHONPATH": str(site), "HOME": str(folder)}
    return _asked([sys.executable, str(HERE / "ask_encypher.py"), str(files)], folder, environment)


def c2pa_ts(files: Path, folder: Path) -> list[dict[str, Any]]:
    """What c2pa-ts says of each file, under node."""
    _node_packages(folder, C2PA_TS)
    return _asked(["node", "ask_c2pa_ts.mjs", str(files)], folder)


def c2pa_web(files: Path, folder: Path) -> list[dict[str, Any]]:
    """What c2pa-web says of each file, in a page that one Chromium shows."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for path in map(shutil.which, names) if path), None)
    if chromium is None:
        pytest.skip("needs Chromium")
    _node_packages(folder, C2PA_WEB, PLAYWRIGHT)
    (folder / "files").symlink_to(files)
    with _served(folder) as base:
        return _asked(["node", "ask_c2pa_web.mjs", str(files), chromium, base], folder)


READERS: dict[str, Callable[[Path, Path], list[dict[str, Any]]]] = {
    "encypher-c2pa": encypher,
    "c2pa-web": c2pa_web,
    "c2pa-ts": c2pa_ts,
}


def _node_packages(folder: Path, *packages: str) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    (folder / "package.json").write_text('{"type": "module"}')
    _installed(["npm", "install", "--ignore-scripts", "--no-audit", *packages], folder)
    for path in (*HERE.glob("*.mjs"), *HERE.glob("*.html")):
        shutil.copy(path, folder)


def _installed(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"cannot install: {error}")
    if done.returncode:
        pytest.skip(f"cannot install: {done.stderr.decode(errors='replace')[-300:]}")


def _asked(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


_EXPIRED = {"signingCredential.expired", "claimSignature.outsideValidity"}
_TRUST = {"signingCredential.untrusted", *_EXPIRED}
"""Codes of C2PA (2.4, section 15.2) that speak of the signer, and not of the file."""


def word(said: Mapping[str, Any]) -> str:
    """A reader's answer in one word, the same for all readers; what fits none stays as it came."""
    state = said["state"]
    if state in {None, "None"}:
        return "none"
    if state in {"refused", "unsupported"}:
        return str(state)
    results = said["validation_results"]
    own = _failures(results)
    later = set[str]().union(
        *(_failures({"activeManifest": d["validationDeltas"]}) for d in _deltas(results))
    )
    if state == "Invalid":
        if any(code.startswith("assertion.") and code.endswith("Hash.mismatch") for code in own):
            return "changed"
        if "ingredient.manifest.mismatch" in own | later:
            return "history changed"
        if own - _TRUST:
            return "damaged"
    if state in {"Valid", "Invalid"} and own & _EXPIRED and own <= _TRUST:
        return "expired"
    if state == "Valid" and own <= _TRUST:
        return "unlisted" if own else "valid"
    if state == "Trusted" and not own:
        return "trusted, bad parent" if later | _recorded(said) else "trusted"
    return f"{state}: {sorted(own)} {sorted(later)}"


def _deltas(results: Mapping[str, Any]) -> list[Any]:
    return results.get("ingredientDeltas") or []


def _failures(results: Mapping[str, Any]) -> set[str]:
    return {entry["code"] for entry in results["activeManifest"]["failure"]}


def _recorded(said: Mapping[str, Any]) -> set[str]:
    """What was wrong with parents when they were added, as c2pa-rs reports it."""
    found = set()
    for manifest in said["manifests"].values():
        for ingredient in manifest.get("ingredients") or ():
            if ingredient.get("validation_results"):
                found |= _failures(ingredient["validation_results"])
    return found
