"""The page in Chromium: real files, clicks, keys, drops and pastes."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from provenance import Verifier
from provenance.codec.limits import Limits
from provenance.evidence import Box, Evidence, Status
from provenance.server.app import create_app
from provenance.server.limits import ServiceLimits
from provenance.server.page.shell import Notice
from tests.report.made import EVIL
from tests.server.conftest import FETCHED, fetch, jpeg, unissued
from tests.server.service import serving

sync_api = pytest.importorskip("playwright.sync_api")

expect = sync_api.expect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONGEST_MS = 60_000
BIG = 2**20

CONTRAST = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let worst = 99;
  while (walker.nextNode()) {
    const each = walker.currentNode.parentElement;
    const hidden = !each.checkVisibility() || each.closest("svg, .unseen, .skip");
    if (hidden || !walker.currentNode.data.trim()) continue;
    const [one, two] = [parts(getComputedStyle(each).color), ground(each)].map(light);
    worst = Math.min(worst, (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05));
  }
  return worst;
}"""

TRANSFER = """([name, data, kind]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  if (name) transfer.items.add(new File([bytes], name, { type: kind }));
  return transfer;
}"""


class Boxes:
    """A check that sees something hostile in every picture."""

    name = "boxes"

    def examine(self, subject):
        boxes = (Box(10, 10, 90, 60, EVIL, 0.5), Box(100, 50, 9999, 200, "hand, look here"))
        heat = ((0.0, 0.5), (1.0, 0.2))
        made = Evidence(
            "boxes", "boxes.seen", Status.SUGGESTED, EVIL, EVIL, details={EVIL: [EVIL]}, boxes=boxes
        )
        return (made, Evidence("hands", "hands.none", Status.ABSENT, "None.", heat=heat))


@pytest.fixture(scope="module")
def site(issuer) -> Iterator[str]:
    """A service whose limit on bytes is low, so that a test can go over it."""
    verifier = Verifier.from_config(issuer, looks=False)
    verifier._checks = (*verifier._checks, Boxes())
    app = create_app(
        limits=ServiceLimits(pictures=Limits(max_bytes=BIG)),
        verifier=verifier,
        fetch=fetch,
        notice=Notice("Example Pictures", "mailto:help@example.org"),
    )
    with serving(app) as running:
        yield running.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def opened(browser, site) -> Iterator[Any]:
    """Opens the page; whatever a browser would complain of fails the test."""
    contexts, complaints = [], []

    def open_it(**options: Any) -> Any:
        context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
        context.set_default_timeout(LONGEST_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        asked = page.asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(site)
        expect(page.locator("#route")).to_have_text(f"{site}/v1/verify")
        return page

    yield open_it
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert [c for c in complaints if "with a status of" not in c] == []


@pytest.fixture(scope="module")
def plain() -> bytes:
    return jpeg(unissued().to_pil())


def give(page: Any, data: bytes, name: str = "a.jpg") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": data})


def finished(page: Any) -> str:
    page.wait_for_selector("#answer")
    return page.inner_text("#answer")


def transfer(page: Any, data: bytes, name: str = "dropped.jpg") -> Any:
    encoded = base64.b64encode(data).decode()
    return page.evaluate_handle(TRANSFER, [name, encoded, "image/jpeg"])


def test_a_chosen_file(opened, plain, assets, site):
    page = opened()
    give(page, plain)
    assert finished(page) == "Unknown"
    assert page.evaluate("document.activeElement.id") == "answer"
    assert "Unknown" in page.inner_text("#told")
    assert not page.is_visible("#work")
    give(page, assets[1].data, "mine.png")
    expect(page.locator("#answer")).to_have_text("Generated with AI", timeout=LONGEST_MS)
    history = page.inner_text(".history")
    assert "This file" in history
    assert "Made from" in history
    assert all(url.startswith((site, "data:")) for url in page.asked)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_by_keyboard_alone(opened, plain):
    page = opened()
    page.on("filechooser", lambda _chooser: None)  # caught from now on, not from the key press on
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    assert seen == [
        "Skip to the content",
        "English",
        "中文",
        "file",
        "address",
        "Check the address",
    ]
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    outline = "getComputedStyle(document.querySelector('label[for=file]')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": plain})
    assert finished(page) == "Unknown"
    page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "a-report.html"


def test_a_dropped_file(opened, plain):
    page = opened()
    data = transfer(page, plain)
    page.dispatch_event("main", "dragenter", {"dataTransfer": data})
    assert "over" in page.get_attribute("body", "class")
    page.dispatch_event("main", "dragover", {"dataTransfer": data})
    page.dispatch_event("main", "drop", {"dataTransfer": data})
    assert finished(page) == "Unknown"
    assert page.get_attribute("body", "class") == ""
    assert "dropped.jpg" in page.inner_text("#report")
    page.dispatch_event("main", "drop", {"dataTransfer": transfer(page, b"", "")})
    assert "That was no file" in page.inner_text("#problem")


def test_a_pasted_file(opened, plain):
    page = opened()
    paste = """(data) => document.body.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }))"""
    page.evaluate(paste, transfer(page, plain, "pasted.jpg"))
    assert finished(page) == "Unknown"
    assert "pasted.jpg" in page.inner_text("#report")


def test_an_address(opened, plain):
    FETCHED["https://example.org/there.jpg"] = plain
    page = opened()
    page.fill("#address", "http://example.org")
    page.press("#address", "Enter")
    assert "https://" in page.inner_text("#problem")
    assert page.get_attribute("#address", "aria-invalid") == "true"
    assert page.evaluate("document.activeElement.id") == "address"
    page.fill("#address", "https://10.0.0.1/")
    page.click("#address-form button")
    expect(page.locator("#problem")).to_contain_text("nothing was had")
    page.fill("#address", "https://example.org/there.jpg")
    page.press("#address", "Enter")
    assert finished(page) == "Unknown"
    assert page.inner_text("#problem") == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "This file is empty."),
        (b"x" * (BIG + 1), "1.1 MB; at most 1 MB"),
        (b"rubbish", "No report. "),
    ],
)
def test_files_that_cannot_be_examined(opened, data, said):
    page = opened()
    give(page, data)
    page.wait_for_selector("#problem:not(:empty)")
    assert said in page.inner_text("#problem")
    assert not page.is_visible("#report")
    assert not page.is_visible("#work")
    page.click("text=中文")
    give(page, data)
    expect(page.locator("#problem")).to_contain_text("没有报告")


def test_stopping(opened, plain):
    page = opened()
    page.route("**/v1/verify?full=true", lambda route: None)  # an answer that never comes
    give(page, plain)
    page.wait_for_selector("#stop")
    assert "Examining" in page.inner_text("#stage") or "Sending" in page.inner_text("#stage")
    page.click("#stop")
    assert page.inner_text("#told") == "Stopped. Nothing was kept."
    assert not page.is_visible("#work")
    assert page.evaluate("document.activeElement.id") == "file"


def test_a_service_that_is_gone(opened, plain):
    page = opened()
    page.route("**/v1/verify?full=true", lambda route: route.fulfill(status=502, body="<b>no</b>"))
    give(page, plain)
    page.wait_for_selector("#problem:not(:empty)")
    assert page.inner_text("#problem") == "No report. The service gave no report. Try again later."


def test_chinese_and_back(opened, plain):
    page = opened(locale="zh-CN")
    assert page.get_attribute("html", "lang") == "zh-Hans"
    give(page, plain)
    assert finished(page) == "未知"
    assert "没有内容凭证" in page.inner_text(".checks")
    page.click("text=English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert page.inner_text("#answer") == "Unknown"
    assert page.get_attribute("nav a[lang=en]", "aria-current") == "true"
    assert page.url.endswith("?lang=en")
    assert page.title() == "Check where a picture comes from"


def test_reports_are_saved(opened, plain):
    page = opened()
    give(page, plain, "my picture.jpg")
    finished(page)
    with page.expect_download() as download:
        page.click("text=Save for programs")
    assert download.value.suggested_filename == "my-picture-report.json"
    saved = json.loads(download.value.path().read_text())
    assert saved["schema"] == "provenance.report/2"
    with page.expect_download() as download:
        page.click("text=Save as a page")
    assert download.value.path().read_text().startswith("<!doctype html>")


def test_places_in_the_picture_and_hostile_texts(opened, plain):
    page = opened()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    give(page, plain, f"{EVIL}.jpg")
    finished(page)
    assert page.locator(".place").count() == 2
    assert page.get_attribute("#box-2", "aria-label") == "Place 2: hand, look here"
    page.focus("#box-2")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#place-2"
    assert page.locator("#report img[src^=http], #report script").count() == 0
    assert "<script>" in page.inner_text("#report")
    assert "\u202e" not in page.inner_text("#report")
    assert alerts == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_it_fits_and_can_be_read(opened, plain, width, scheme):
    for language in ("en-GB", "zh-CN"):
        page = opened(
            viewport={"width": width, "height": 800}, color_scheme=scheme, locale=language
        )
        over = "document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(over) <= 0
        give(page, plain, f"{'long' * 40}.jpg")
        finished(page)
        assert page.evaluate(over) <= 0
        assert page.evaluate(CONTRAST) >= 4.5  # WCAG 2.2, success criterion 1.4.3
        sizes = page.eval_on_selector_all(
            ".button, nav a", "all => all.filter(b => b.checkVisibility()).map(b => b.offsetHeight)"
        )
        assert min(sizes) >= 44


def test_without_scripts_a_form_is_enough(opened, browser, site, plain):
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(site)
    assert not page.is_visible("#address")
    give(page, plain)
    page.click("noscript button")
    page.wait_for_selector("h2#about-verdict")
    assert page.inner_text("h2#about-verdict") == "Unknown"
    assert page.url.endswith("/v1/verify?html=true")
    context.close()
