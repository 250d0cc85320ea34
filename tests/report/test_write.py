"""Pages are written whole or not at all, under harmless names."""

from __future__ import annotations

import pytest

from provenance.errors import OutputError
from provenance.report.write import OnePage, ReportFolder, is_page
from tests import signed
from tests.report.made import MARK, report

DATA = signed.encoded().data


def test_a_name_says_whether_it_is_a_page():
    assert is_page("a.html")
    assert is_page("b/c.HTM")
    assert not is_page("reports")
    assert not is_page("reports.d")


def test_one_page(tmp_path):
    target = tmp_path / "a.html"
    one = OnePage(target)
    assert one.finish() is None
    one.add(report(MARK), DATA)
    assert one.finish() == target
    assert target.read_text(encoding="utf-8").endswith("</html>\n")
    with pytest.raises(OutputError, match="--overwrite"):
        OnePage(target)
    OnePage(target, overwrite=True).add(report(), DATA)
    assert "Unknown" in target.read_text(encoding="utf-8")


def test_a_link_is_not_written_through(tmp_path):
    target, secret = tmp_path / "a.html", tmp_path / "secret"
    secret.write_text("kept")
    target.symlink_to(secret)
    with pytest.raises(OutputError):
        OnePage(target)
    OnePage(target, overwrite=True).add(report(), DATA)
    assert secret.read_text() == "kept"


@pytest.mark.parametrize(
    "name",
    ["a.png", "../../etc/passwd", "..", "/", "a\0b", "CON", "x" * 500, "<b>&\"'", "-", "é\u202e"],
)
def test_a_folder_gets_harmless_names(tmp_path, name):
    folder = ReportFolder(tmp_path / "out")
    written = folder.add(report(name=name), DATA)
    assert written.parent == tmp_path / "out"
    assert written.name.startswith("0001-")
    assert written.name.isascii()
    assert len(written.name) < 60
    assert folder.finish() == tmp_path / "out" / "index.html"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [written.name, "index.html"]


def test_files_of_one_name_get_a_page_each(tmp_path):
    folder = ReportFolder(tmp_path)
    assert folder.add(report(), DATA) != folder.add(report(), DATA)
    folder.add_problem("bad.png", "it is damaged")
    text = folder.finish().read_text(encoding="utf-8")
    assert "3 files examined" in text
    assert "it is damaged" in text


def test_an_earlier_list_is_not_lost(tmp_path):
    ReportFolder(tmp_path).finish()
    with pytest.raises(OutputError, match="--overwrite"):
        ReportFolder(tmp_path)
    ReportFolder(tmp_path, overwrite=True).finish()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot make the folder"):
        ReportFolder(tmp_path / "file" / "below")
