"""The history in the credentials, as a tree, from small ones to those made by malice."""

from __future__ import annotations

import pytest

from provenance.report.history import MAX_DEPTH, MAX_STEPS, Step, _Walk, history
from tests import signed


def steps(first: Step) -> list[Step]:
    return [first, *(inner for each in first.made_from for inner in steps(each))]


def test_a_file_without_credentials_has_no_history():
    assert history(signed.encoded().data) is None
    assert history(b"%PDF-1.7") is None
    assert history(b"<svg xmlns='http://www.w3.org/2000/svg'></svg>") is None


def test_a_single_step():
    first = history(signed.signed().data)
    assert first.relationship == ""
    assert first.signer == "Provenance development signer, Test signers"
    assert first.actions[0].startswith("created by test-generator 1.0 at ")
    assert first.actions[0].endswith("(trainedAlgorithmicMedia)")
    assert first.made_from == ()


def test_a_parent_hangs_below_its_child():
    parent = signed.signed("JPEG")
    first = history(signed.signed("PNG", 1, parent=parent.data).data)
    (below,) = first.made_from
    assert below.relationship == "parentOf"
    assert below.title == "input"
    assert below.actions[0].startswith("created by")


def test_pictures_problems_and_depth_of_a_real_history(shared):
    path = shared / "corpus" / "c2pa" / "c2pa-python" / "jpg" / "CACAE-uri-CA.jpg"
    first = history(path.read_bytes())
    tree = steps(first)
    assert [each.title for each in tree] == [
        "CACAE-uri-CA.jpg",
        "CAE-uri-CA.jpg",
        "E-uri-CA.jpg",
        "A.jpg",
    ]
    assert all(each.picture for each in tree)
    assert any("assertion.hashedURI.mismatch" in p for each in tree for p in each.problems)


def test_every_shared_file_has_a_history_or_none(shared):
    files = [p for p in (shared / "corpus" / "c2pa").rglob("*") if p.is_file()]
    assert len(files) > 50
    found = 0
    for path in files:
        try:
            first = history(path.read_bytes())
        except Exception as error:
            assert "UnreadablePicture" in type(error).__name__, path
            continue
        found += first is not None
    assert found > 20


class NoPictures:
    def resource_to_stream(self, uri, stream):
        raise RuntimeError("no")


class Endless:
    def resource_to_stream(self, uri, stream):
        while True:
            stream.write(b"x" * 65_536)


def walked(manifests: dict, reader: object = None) -> Step:
    return _Walk({"manifests": manifests}, reader or NoPictures()).step("a", {}, ())


def test_a_history_that_bites_its_tail_ends():
    ring = {
        "a": {"ingredients": [{"active_manifest": "b"}]},
        "b": {"ingredients": [{"active_manifest": "a"}]},
    }
    tree = steps(walked(ring))
    assert len(tree) == 2
    assert tree[-1].cut


def test_a_deep_and_a_wide_history_are_cut_and_say_so():
    deep = {"a": {"ingredients": [{"active_manifest": "0"}]}}
    deep |= {str(n): {"ingredients": [{"active_manifest": str(n + 1)}]} for n in range(500)}
    assert len(steps(walked(deep))) <= MAX_DEPTH + 1
    wide = {"a": {"ingredients": [{"title": str(n)} for n in range(10_000)]}}
    first = walked(wide)
    assert len(steps(first)) <= MAX_STEPS + 1
    assert first.cut
    names = "abcdefghij"
    bushy = {x: {"ingredients": [{"active_manifest": y} for y in names]} for x in names}
    assert len(steps(walked(bushy))) <= MAX_STEPS + 1


@pytest.mark.parametrize("reader", [NoPictures(), Endless()])
def test_a_picture_that_is_none_is_left_out(reader):
    holding = {"a": {"thumbnail": {"identifier": "x", "format": "image/png"}}}
    assert walked(holding, reader).picture is None


@pytest.mark.parametrize(
    "manifest",
    [
        {"ingredients": "x"},
        {"ingredients": [1, None, {"validation_results": 3, "validation_status": {}}]},
        {"ingredients": [{"validation_results": {"activeManifest": []}}], "thumbnail": []},
        {"assertions": [{"label": "c2pa.actions", "data": {"actions": [{"action": 7}]}}]},
        {"title": {"a": 1}, "claim_generator_info": 5},
    ],
)
def test_nonsense_in_a_manifest_is_passed_over(manifest):
    assert isinstance(walked({"a": manifest}), Step)
