"""Every code that evidence can have is told in Chinese, and what is told fits the evidence."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from provenance.claims.interface import Claim, Generation
from provenance.claims.readers import READERS
from provenance.detect.text.judge import Kind
from provenance.evidence import Box, Evidence, Origin, Outcome, Result, Status, Verdict, Weight
from provenance.registry.guard import Resemblance
from provenance.registry.stored import State
from provenance.report import words as english
from provenance.server.page.telling import told
from provenance.server.page.words import LANGUAGES, fill, words
from provenance.server.public import OURS
from provenance.verify.bindings import Match
from provenance.verify.claims import evidence_of
from provenance.verify.credentials import _CLASSES as CLASSES
from provenance.verify.verifier import Verifier
from tests import signed
from tests.conftest import ROOT
from tests.report.made import FAILED, HANDS, HOSTILE, MARK, SHOT, report

CHECKS = (*english.CHECKS, "limbs", "faces")
CODE = re.compile(rf"(?:{'|'.join(CHECKS)})\.[a-z][a-z-]*")
SHORT = {"provenance/registry/recovery.py": "recovery", "provenance/detect/pixels.py": "pixels"}
"""Where `_unchecked` puts the check before the code."""
FILES = {"text.onnx", "watermark.key"}
CHINESE = re.compile("[\u4e00-\u9fff]")
ZH, EN = words("zh"), words("en")
CAMERA = Evidence("claims", "claims.camera", Status.CLAIMED, "A camera.", origin=Origin.OTHER)
LABEL = Evidence("claims", "claims.iptc", Status.CLAIMED, "A label.", origin=Origin.GENERATED)


def constants() -> Iterator[str]:
    """Codes that stand in the source of the checks."""
    for path in sorted((ROOT / "provenance").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith("provenance/server/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said = node.value if isinstance(node, ast.Constant) else None
            if isinstance(said, str) and CODE.fullmatch(said) and said not in FILES:
                yield said
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called, first = getattr(node.func, "id", getattr(node.func, "attr", "")), node.args[0]
            if name in SHORT and called == "_unchecked" and isinstance(first, ast.Constant):
                yield f"{SHORT[name]}.{first.value}"
            if called == "looked":  # of provenance.detect.tell
                yield from (f"{path.parent.name}.no-pixels", f"{path.parent.name}.not-checked")
            if name == "provenance/verify/bindings.py" and called == "_evidence":
                yield from (
                    f"bindings.{each.value}"
                    for each in node.args[1:2]
                    if isinstance(each, ast.Constant)
                )


def known_codes() -> set[str]:
    families = {reader.__module__.rpartition(".")[2] for reader in READERS}
    return {
        *constants(),
        *(f"credentials.{name}" for name in CLASSES),
        *(f"claims.{family}" for family in families),
        *(f"bindings.{match}" for match in Match),
        *(f"{check}.failed" for check in CHECKS),
    }


def test_the_codes_are_found():
    codes = known_codes()
    assert {"credentials.trusted", "recovery.unavailable", "pixels.graphic", "claims.iptc"} <= codes
    assert len(codes) > 60
    assert codes >= OURS


@pytest.mark.parametrize("code", sorted(known_codes()))
def test_every_code_is_told_in_chinese(code):
    source = code.partition(".")[0]
    for origin in Origin:
        evidence = Evidence(source, code, Status.CLAIMED, "In English.", origin=origin)
        text = told(report(evidence), ZH)["evidence"][0]["text"]
        assert CHINESE.search(text), code
        assert "In English" not in text


def test_no_chinese_text_is_for_nothing():
    assert {*ZH["evidence"]} <= known_codes()
    assert {*ZH["advice"], *EN["advice"]} <= known_codes()
    assert {*ZH["headlines"]["failed"]} <= known_codes()


def test_every_fixed_word_is_told_in_chinese():
    assert ZH["checks"].keys() >= english.CHECKS.keys()
    assert ZH["statuses"].keys() == {status.value for status in Status}
    assert ZH["values"]["signature"].keys() | {State.DAMAGED} == {*State}
    assert ZH["values"]["resemblance"].keys() | {Resemblance.OTHER} == {*Resemblance}
    assert ZH["claims"].keys() == {origin.value for origin in Origin}
    for table in ("credentials", "watermark"):
        assert ZH["headlines"][table].keys() == {origin.value for origin in Origin}
    for language in LANGUAGES:
        assert [*words(language)["results"]] == [result.value for result in Result]
    for outcome in Outcome:
        for result in Result:
            assert (
                english.title(Verdict(outcome, Origin.UNKNOWN, "", result=result)) in ZH["titles"]
            )


def test_every_contradiction_is_told_in_chinese():
    source = (ROOT / "provenance" / "verify" / "contradictions.py").read_text(encoding="utf-8")
    codes = {*re.findall(r'"(contradiction\.[a-z-]+)"', source)}
    assert ZH["contradictions"].keys() == codes


def test_the_page_says_the_same_in_both_languages():
    for table in ("page", "work", "problems", "report", "relations"):
        assert ZH[table].keys() == EN[table].keys()
        for name, text in EN[table].items():
            places = re.findall(r"\{[a-z]+\}", text)
            assert sorted(re.findall(r"\{[a-z]+\}", ZH[table][name])) == sorted(places), name
            assert CHINESE.search(ZH[table][name]) or name in ("colon", "stop")


def test_files_hold_no_control_characters():
    for path in (ROOT / "provenance" / "server" / "page").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        assert tomllib.loads(text)
        assert all(letter.isprintable() or letter in "\n\u00a0" for letter in text)


@pytest.mark.parametrize(
    ("evidence", "headline"),
    [
        ((), "没有找到可以依赖的证据"),
        ((MARK,), "带有运营方的水印"),
        ((SHOT,), "没有被声明为 AI 制作：由 Acme 签名"),
        ((FAILED,), "签名后被更改过"),
        ((HANDS,), "手部"),
        ((SHOT, MARK), "由 AI 生成：由 Acme 签名"),
        ((CAMERA, LABEL), "一项声明说图片由相机拍摄，另一项说由 AI 生成"),
    ],
)
def test_headlines(evidence, headline):
    made = report(*evidence)
    assert headline in told(made, ZH)["headline"]
    assert told(made, EN)["headline"] == made.verdict.headline


def test_english_is_the_librarys_own():
    made = report(MARK, HANDS, HOSTILE)
    said = told(made, EN)
    assert [each["text"] for each in said["evidence"]] == [e.explanation for e in made.evidence]
    assert [each["text"] for each in said["reasons"]] == [r.sentence for r in made.verdict.reasons]
    assert said["coverage"] == made.verdict.coverage
    assert said["chance"] == english.chance(made.verdict)
    assert said["title"] == english.title(made.verdict)


def test_numbers_are_told():
    made = report(HANDS)
    said = told(made, ZH)
    assert "80" in told(report(replace(HANDS, code="hands.look-here")), ZH)["reasons"][0]["text"]
    assert "95 %" in said["chance"]
    assert said["evidence"][0]["rate"] == "约每 250 张有 1 张"
    missing = [ZH["checks"][name]["name"] for name in english.CHECKS if not made.find(name)]
    assert said["missing"] == missing
    assert {"运营方的登记库", "文字", "像素"} <= {*missing}


def test_how_often_a_check_finds_something():
    rate = {"rate": 0.29, "low": 0.25, "high": 0.33, "pictures": 442}
    said = told(report(replace(HANDS, details={"detection_rate": rate})), ZH)["coverage"]
    assert "“手部”检查在 29 % 的生成图片中有所发现（25 % 至 33 %；测量了 442 张）" in said
    strange = {**rate, "low": "x"}
    said = told(report(replace(HANDS, details={"detection_rate": strange})), ZH)["coverage"]
    assert "手部" not in said


def test_claims_name_what_says_so():
    claim = Claim(
        "a1111", "PNG text 'parameters'", Origin.GENERATED, "{who}", generation=Generation()
    )
    text = told(report(evidence_of(claim)), ZH)["evidence"][0]["text"]
    assert text == "PNG text 'parameters' 称图片由 AI 生成（{who}）。任何人都可以这样写。"


def test_real_credentials_are_told():
    data = signed.signed("JPEG").data
    for anchors, word in (
        ((), "不在运营方的信任列表中"),
        (signed.anchors(), "在运营方的信任列表中"),
    ):
        made = Verifier.standard(anchors=anchors, looks=False).verify(data)
        text = told(made, ZH)["evidence"][0]["text"]
        assert word in text
        assert "Test signers" in text


def test_boxes_have_labels():
    boxes = tuple(
        Box(0, 0, 9, 9, label) for label in ("hand, look here", "gibberish, reads like “qx”", "x")
    )
    labels = told(report(replace(HANDS, boxes=boxes)), ZH)["evidence"][0]["labels"]
    assert labels == ["手，请看这里", "乱码，读起来像“qx”", "x"]


def test_a_weight_without_a_translation_of_its_evidence_stays_english():
    strange = replace(HANDS, source="ears", code="ears.odd", weight=Weight(9, 8, 10, 70, 70))
    made = report(strange)
    assert told(made, ZH)["reasons"][0]["text"] == made.verdict.reasons[0].sentence
    assert Kind.GIBBERISH.value == "gibberish"  # what the text of this code counts


def test_a_template_is_filled_once():
    assert fill("{a} {b}", {"a": "{b}", "b": "x"}) == "{b} x"
    assert fill("{a}{b}", {"b": ""}) == "?"
