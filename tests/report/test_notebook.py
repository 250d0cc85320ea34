"""An asset in a notebook: the very bytes, the verdict, and nobody else's markup."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from provenance import Asset, Picture
from provenance.moderate.interface import Action, Decision
from provenance.report import notebook
from provenance.report.notebook import card
from tests import signed
from tests.report.made import EVIL, FAILED, HANDS, HOSTILE, MARK, SHOT, report
from tests.report.test_markup import Seen
from tests.report.test_page import text_of

DATA = signed.encoded().data


def asset(*evidence, data: bytes = DATA, kind: str = "image/png", **more) -> Asset:
    picture = Picture.open(data)
    made = Asset(
        data=data,
        manifest=b"",
        media_type=kind,
        width=picture.width,
        height=picture.height,
        manifest_id="urn:c2pa:12345678-1234-1234-1234-123456789abc",
        watermark_id="00ff00ff00ff00ff",
        decision=Decision(Action.FLAG, (), (), "standard@5f2c"),
        report=report(*evidence, data=data),
        timings={},
    )
    return replace(made, **more)


CASES = [(), (MARK,), (SHOT,), (HANDS,), (SHOT, MARK), (FAILED, HANDS), (HOSTILE,)]


@pytest.mark.parametrize("evidence", CASES)
def test_it_says_what_the_report_says(evidence):
    html = asset(*evidence)._repr_html_()
    text = text_of(html)
    assert "standard" in text
    assert "00ff00ff00ff00ff" in text
    elements = {name for name, _ in Seen(html).elements}
    assert elements == {
        *("div", "figure", "img", "p", "span", "table", "tbody"),
        *("tr", "th", "td", "code", "strong"),
    }


def test_the_picture_is_the_very_bytes():
    html = card(asset(MARK))
    (found,) = re.findall(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"', html)
    assert base64.b64decode(found) == DATA
    assert "preview" not in html


@pytest.mark.parametrize("large", [False, True])
def test_what_cannot_be_shown_is_a_preview_and_says_so(monkeypatch, large):
    if large:
        monkeypatch.setattr(notebook, "_MOST", 10)
    html = card(asset(MARK, kind="image/png" if large else "image/tiff"))
    assert base64.b64encode(DATA).decode() not in html
    assert "A preview, without mark and credentials" in html
    assert re.search(r'src="data:image/(png|jpeg);base64,', html)


def test_nothing_from_outside_is_markup():
    evil = asset(
        HOSTILE,
        manifest_id=EVIL,
        watermark_id=EVIL,
        notes=(EVIL,),
        decision=Decision(Action.FLAG, (), (), EVIL),
    )
    html = card(evil)
    assert "<script" not in html
    assert "<img src=http" not in html
    assert "\u202e" not in html
    assert [name for name, _ in Seen(html).elements].count("img") == 1


def test_an_asset_of_the_pipeline(pipeline, scene):
    html = pipeline(scene)._repr_html_()
    assert "Generated with AI" in html


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("ground", ["#ffffff", "#111111"])
def test_in_a_browser(tmp_path, ground):
    """The badge is there, in its colour, and the picture beside it."""
    ink = "#000" if ground == "#ffffff" else "#eee"
    page = tmp_path / "page.html"
    style = f"background:{ground};color:{ink}"
    page.write_text(f"<!doctype html><body style='{style}'>{card(asset(MARK))}", encoding="utf-8")
    shot = tmp_path / "shot.png"
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--window-size=800,500",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--screenshot={shot}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    green = np.abs(pixels - (0x0F, 0x6B, 0x3A)).max(axis=2) < 8
    assert green.sum() > 500
    left = pixels[8:100, 8:100]
    assert left.std() > 5
