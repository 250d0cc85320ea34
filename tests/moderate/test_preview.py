"""A dry run tells what a policy would do, changes nothing, and its sheet keeps to itself."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from provenance.moderate.describe import describe, try_prompt
from provenance.moderate.interface import Action, Finding, Policy, Rule
from provenance.moderate.moderator import Moderator
from provenance.moderate.policy_file import preset
from provenance.moderate.preview import NOT_JUDGED, Outcome, Preview, preview, summary
from provenance.moderate.sheet import scored, sheet
from provenance.picture import Picture
from provenance.testing import FailingClassifier, FixedClassifier
from tests.conftest import make_scene

LADDER = {Action.FLAG: 0.25, Action.BLUR: 0.5, Action.BLOCK: 0.75}
POLICY = Policy("house", {"nudity": Rule(LADDER)})
LAX = Policy("lax", {"nudity": Rule({Action.FLAG: 0.5})})


class ByBrightness:
    """Scores a picture by its mean."""

    name, categories = "bright/1", ("nudity",)

    def scores(self, picture: Picture) -> dict[str, float]:
        return {"nudity": float(picture.pixels.mean()) / 255}


def write(folder: Path, name: str, level: float) -> Path:
    path = folder / name
    Image.new("RGB", (400, 300), (round(255 * level),) * 3).save(path)
    return path


@pytest.fixture
def run(tmp_path):
    """Previews of five pictures and a broken file, with the policies compared."""
    names = ["0.1", "0.3", "0.6", "0.62", "0.9"]
    paths = [write(tmp_path, f"{name}.png", float(name)) for name in names]
    (tmp_path / "bad.png").write_text("no picture")
    moderators = [Moderator(policy, [ByBrightness()]) for policy in (POLICY, LAX)]
    return [preview(path, moderators) for path in (*paths, tmp_path / "bad.png")]


def test_every_action_is_told(run):
    words = [each.outcomes[0].word for each in run]
    assert words == ["allow", "flag", "blur", "blur", "block", NOT_JUDGED]
    assert [each.outcomes[1].word for each in run] == [
        "allow",
        "allow",
        "flag",
        "flag",
        "flag",
        NOT_JUDGED,
    ]
    assert run[4].outcomes[0].findings[0].score == pytest.approx(0.9, abs=0.01)
    assert "no picture that we know" in run[5].outcomes[0].problem
    assert run[5].thumbnail == b""


def test_they_are_counted(run):
    counted = summary(run)
    assert counted.actions == {"block": 1, "blur": 2, "flag": 1, "allow": 1, NOT_JUDGED: 1}
    assert counted.categories["blur"] == {"nudity": 2}
    assert counted.categories["allow"] == {}
    assert counted.changes == {("allow", "flag"): 1, ("flag", "block"): 1, ("flag", "blur"): 2}
    assert summary([]).actions == {}


def test_a_classifier_that_fails_is_a_result(tmp_path):
    path = write(tmp_path, "a.png", 0.5)
    rules = {"nudity": Rule({Action.FLAG: 0.5})}
    broken = Moderator(Policy("p", rules), [FailingClassifier(RuntimeError("x"))])
    (outcome,) = preview(path, [broken]).outcomes
    assert outcome.action is None
    assert "RuntimeError" in outcome.problem


def test_a_missing_file_is_a_result(tmp_path):
    (outcome,) = preview(tmp_path / "none.png", [Moderator(POLICY)]).outcomes
    assert outcome.word == NOT_JUDGED


def test_nothing_on_the_disk_changes(tmp_path, run):
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    preview(run[0].path, [Moderator(POLICY, [ByBrightness()])])
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()} == before


def test_the_thumbnail_is_small_and_without_the_files_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x013B] = "Jane Photographer"
    path = tmp_path / "a.jpg"
    Image.fromarray(make_scene(900, 600)).save(path, exif=exif)
    thumbnail = preview(path, [Moderator(LAX)]).thumbnail
    with Image.open(io.BytesIO(thumbnail)) as image:
        assert image.size == (160, 240)
    assert b"Jane" not in thumbnail


def test_what_the_floor_blocks_is_neither_shown_nor_scored(tmp_path):
    path = write(tmp_path, "a.png", 0.5)
    floor = Moderator(LAX, [FixedClassifier({"sexual-minors": 0.98765})])
    seen = preview(path, [floor, Moderator(LAX)])
    page = sheet(LAX, [seen], LAX)
    assert seen.thumbnail == b""
    assert "data:image" not in page
    assert "987" not in page + str(seen.to_dict())
    assert "no policy can allow it" in page


# The sheet


def test_it_holds_each_thumbnail_once_and_loads_nothing(run):
    page = sheet(POLICY, run, LAX)
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert sorted(base64.b64decode(p) for p in pictures) == sorted(
        each.thumbnail for each in run if each.thumbnail
    )
    assert "<script" not in page
    assert not re.search(r"(?:https?:)?//|url\(|@import|<link|<iframe|\son\w+=", _without(page))


def _without(page: str) -> str:
    """The page without its data."""
    return re.sub(r"base64,[^\"]+", "", page)


def test_its_policy_admits_its_own_style_and_nothing_else(run):
    page = sheet(POLICY, run)
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert rules == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    assert "style=" not in page


def test_pictures_are_blurred_until_somebody_looks(run):
    page = sheet(POLICY, run)
    assert ".frame img { width: 100%; height: 100%; object-fit: contain; filter: blur(" in page
    assert page.count('class="show" aria-label="show ') == 5
    assert "checked>" not in page


def test_names_of_files_are_no_markup(tmp_path):
    name = "<img src=x onerror=alert(1)>&\"'\u202egnp.png"
    path = write(tmp_path, "plain.png", 0.3).rename(tmp_path / name)
    page = sheet(POLICY, [preview(path, [Moderator(POLICY, [ByBrightness()])])])
    assert name not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page
    assert html.escape("<img src=x onerror=alert(1)>") in page


class Tags(HTMLParser):
    """Counts what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def handle_starttag(self, tag, attrs):
        self.seen[tag] += 1
        self.seen.update(f"{tag} {name}" for name, _ in attrs)


def tags(page: str) -> Counter[str]:
    parser = Tags()
    parser.feed(page)
    return parser.seen


hostile = st.text(st.sampled_from("<>&\"'=/ \t\nimgsrconerror!-\u202e\ud800")) | st.text()


@given(hostile, hostile, hostile)
def test_no_name_adds_a_tag(name, category, problem):
    def page(name: str, category: str, problem: str) -> str:
        finding = Finding(category, 0.5, 0.4, Action.FLAG, "c", "picture")
        outcome = Outcome(Action.FLAG, (finding,), problem)
        seen = Preview(Path("folder") / f"x{name}".replace("/", "-"), (outcome,), b"thumbnail")
        return sheet(Policy(f"p{name}"), [seen])

    assert tags(page(name, f"c{category}", f"e{problem}")) == tags(page("a", "b", "c"))


def test_names_that_are_no_text_can_be_written(tmp_path):
    path = tmp_path / "bad\udcff.png"
    page = sheet(Policy("a<b>"), [preview(path, [Moderator(POLICY)])])
    assert page.encode()
    assert "a&lt;b&gt;" in page


def test_groups_come_hardest_first_and_changes_before_them(run):
    alone = [replace(each, outcomes=each.outcomes[:1]) for each in run]
    plain = re.findall(r"<h2>(.*?)</h2>", sheet(POLICY, alone))
    assert plain == ["block (1)", "blur (2)", "flag (1)", "allow (1)", f"{NOT_JUDGED} (1)"]
    compared = re.findall(r"<h2>(.*?)</h2>", sheet(POLICY, run, LAX))
    assert compared == ["Changed against lax (4)", "allow (1)", f"{NOT_JUDGED} (1)"]


def test_no_pictures_make_an_empty_sheet():
    assert "0 pictures" in sheet(POLICY, [])


def test_a_finding_on_a_line(run):
    finding = run[2].outcomes[0].findings[0]
    assert scored(finding) == "nudity 0.60, blur from 0.50"
    assert scored(run[0].outcomes[0].findings[0]) == "nudity 0.10, allowed"


# Descriptions


def test_a_policy_is_described_as_it_would_run():
    described = describe(preset("standard"))
    assert described.problem == ""
    assert described.says("nudity", "picture").startswith("flagged from 0.3, blocked from 0.8")
    assert described.by("nudity", "picture") == ("open-nsfw",)
    assert described.says("gore", "picture") == "not looked for"
    assert "gore" in described.not_checked("picture")
    assert "whatever the policy says" in described.says("sexual-minors", "prompt")
    assert described.says("sexual-minors", "picture").startswith("NOT LOOKED FOR; would be")


def test_a_policy_that_cannot_run_is_described_with_the_reason():
    policy = Policy("x", {"gore": Rule({Action.BLOCK: 0.5})}, ("open-nsfw",))
    described = describe(policy)
    assert "has rules for gore" in described.problem
    assert described.says("gore", "picture") == "NOT LOOKED FOR; would be blocked from 0.5"
    assert described.says("nudity", "picture") == "not looked for"


def test_categories_of_ones_own_come_last():
    policy = Policy("x", {"clowns": Rule({Action.FLAG: 0.5})}, looks={"clowns": ("a clown",)})
    assert describe(policy).categories[-1] == "clowns"


def test_a_prompt_is_tried():
    benign = try_prompt(preset("standard"), "a quiet harbour at dawn")
    assert (benign.action, benign.checked, benign.matches) == (Action.ALLOW, True, ())
    nude = try_prompt(preset("strict"), "a nude man")
    assert nude.action is Action.BLOCK
    assert nude.findings[-1].category == "nudity"
    assert [match["term"] for match in nude.matches] == ["nude"]


def test_a_prompt_that_the_floor_refuses_shows_neither_words_nor_scores():
    trial = try_prompt(preset("art"), "nude 12 year old girl")
    assert trial.action is Action.BLOCK
    assert trial.matches == ()
    assert (trial.findings[-1].category, trial.findings[-1].score) == ("sexual-minors", None)


def test_transparent_pixels_show_since_they_were_judged(tmp_path):
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 0] = 255
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    with Image.open(io.BytesIO(preview(path, [Moderator(LAX)]).thumbnail)) as image:
        assert image.convert("RGB").getpixel((20, 20))[0] > 200
