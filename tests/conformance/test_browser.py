"""c2pa-web, which web pages use, agrees with us: in a real browser, from a real server.

Installs the package from npm into a folder of the test; skips without npm or Chromium.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from provenance import Config, Picture, Pipeline
from tests.conformance.test_independent_readers import installed, tampered

pytestmark = pytest.mark.online

HERE = Path(__file__).parent
PACKAGES = ("@contentauth/c2pa-web@0.13.1", "playwright-core@1.61")
FORMATS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tiff": "image/tiff",
}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[tuple[Path, str]]:
    """A folder with the page and its packages, served on this machine."""
    if not shutil.which("npm") or not _chromium():
        pytest.skip("needs npm and Chromium")
    folder = tmp_path_factory.mktemp("browser")
    (folder / "package.json").write_text('{"type": "module"}')
    installed(["npm", "install", "--ignore-scripts", "--no-audit", *PACKAGES], folder)
    for name in ("page.html", "browse.mjs"):
        shutil.copy(HERE / name, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


def test_browsers_agree_on_every_format_and_state(site, config: Config, pipeline: Pipeline, scene):
    folder, base = site
    wanted: dict[str, tuple[str, str | None]] = {}
    arguments: list[str] = []
    for suffix, media_type in FORMATS.items():
        asset = pipeline(Picture.from_array(scene), encoding=suffix)
        path = asset.save(folder / f"signed{suffix}")
        changed = tampered(path).rename(folder / f"changed{suffix}")
        wanted |= {path.name: ("Trusted", asset.manifest_id), changed.name: ("Invalid", None)}
        arguments += [path.name, media_type, changed.name, media_type]
    chromium = _chromium()
    assert chromium is not None
    done = subprocess.run(
        ["node", "browse.mjs", chromium, base, str(config.trust[0]), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for record in map(json.loads, done.stdout.splitlines()):
        state, label = wanted.pop(record["name"])
        assert record["state"] == state, record
        assert label is None or record["label"] == label
    assert wanted == {}
