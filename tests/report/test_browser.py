"""How a report looks in Chromium: both colour schemes, three widths, and on paper."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provenance.report.history import MAX_DEPTH
from provenance.report.page import page
from provenance.report.write import ReportFolder
from tests import signed
from tests.report.made import FAILED, HANDS, HOSTILE, MARK, SHOT, report

HERE = Path(__file__).parent
LONGEST_S = 120
READABLE = 4.5
"""Contrast of text, WCAG 2.2, success criterion 1.4.3."""

CASES = {
    "unknown": (),
    "verified": (MARK,),
    "looks": (HANDS,),
    "conflict": (SHOT, MARK, HANDS),
    "failed": (FAILED, HOSTILE),
}
DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")
LIGHT = ("--blink-settings=preferredColorScheme=1",)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[tuple[Path, str]]:
    """A folder with a page of each kind, and its address on this machine."""
    folder = tmp_path_factory.mktemp("site")
    data = signed.signed("JPEG").data
    for seed in range(MAX_DEPTH + 1):  # deeper than is shown, to see that it fits
        data = signed.signed("PNG", seed, parent=data).data
    pages = ReportFolder(folder / "several")
    for name, evidence in CASES.items():
        made = report(*evidence, data=data, name=f"{name}-{'long' * 30}.png")
        (folder / f"{name}.html").write_text(page(made, data), encoding="utf-8")
        pages.add(made, data)
    pages.add_problem("broken.png", "the file is damaged")
    pages.finish()
    (folder / "index.html").write_bytes((folder / "several" / "index.html").read_bytes())
    shutil.copy(HERE / "measure.html", folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield folder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def chromium(folder: Path, *arguments: str) -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip("needs Chromium")
    command = [
        found,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=True)
    return done.stdout


def measured(folder: Path, address: str, *scheme: str) -> list[dict[str, Any]]:
    dump = chromium(folder, *scheme, "--virtual-time-budget=20000", "--dump-dom", address)
    (found,) = re.findall(r'<pre id="measured">(.*?)</pre>', dump, re.DOTALL)
    measures = json.loads(html.unescape(found))
    assert isinstance(measures, list), measures
    return measures


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*CASES, "index"])
def test_a_page_is_readable_at_every_width_in_both_schemes(site, tmp_path, name, scheme):
    folder, base = site
    for seen in measured(tmp_path, f"{base}/measure.html?page={name}.html", *scheme):
        assert seen["styled"]  # the policy lets our own style through
        assert seen["overflow"] <= 0, seen
        assert seen["contrast"][0] >= READABLE, seen
        assert seen["fetched"] == []
        assert seen["scripts"] == 0
        assert seen["broken"] == 0
        assert all(width > 0 for width in seen["images"] + seen["drawn"]), seen
        assert seen["dark"] == (scheme is DARK)
    assert (folder / f"{name}.html").exists()


def test_marked_places_take_the_focus_and_have_a_name(site, tmp_path):
    _, base = site
    for seen in measured(tmp_path, f"{base}/measure.html?page=looks.html", *LIGHT):
        assert seen["focusable"] == ["Place 1: hand with six fingers", "Place 2: seen here"]


def test_it_prints(site, tmp_path):
    folder, _ = site
    target = tmp_path / "looks.pdf"
    address = (folder / "looks.html").as_uri()
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", address)
    pages = re.findall(rb"/Type\s*/Page\b", target.read_bytes())
    assert 2 <= len(pages) <= 8
