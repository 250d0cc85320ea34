"""What is broken, hostile or away costs itself alone, is said, and ends no audit."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.finish import finish
from provenance.audit.interface import Row, Sample, Shard, State
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources import web
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.open import opened
from provenance.audit.sources.places import Place
from tests.audit.samples import folder, picture
from tests.audit.sources.web_server import WebServer, serving

pytest.importorskip("pyarrow")

PIXELS = Asked(Pixels.ALL, moderation=False, detector=False)


def audited(text: str, out: Path, asked: Asked = PIXELS) -> dict[str, Row]:
    *_, last = Auditor(opened([text]), out, asked).run(LocalEngine(1, pause=0.01))
    assert last.failed is None
    finish(Run(out), opened([text]))
    return {row.path.rsplit("/", 1)[-1]: row for row in Run(out).all_rows()}


def bomb() -> bytes:
    """A PNG that says it has 40,000 times 40,000 pixels."""
    data = bytearray(picture())
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


BROKEN = {
    "whole.png": picture(1),
    "cut.png": picture(2)[:900],
    "cut.jpg": picture(3, kind="JPEG")[:700],
    "empty.png": b"",
    "text.png": b"hello",
    "text.txt": b"hello",
    "bomb.png": bomb(),
    "zeros.jpg": b"\xff\xd8\xff" + bytes(5000),
    "magic.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff",
    "box.avif": b"\0\0\0\x18ftypavif" + b"\0\0\0\1meta" + b"\xff" * 64,
    "tiff.tif": b"II*\0\x08\0\0\0\xff\xff" + b"\1" * 900,
}


def test_broken_and_hostile_files_are_told_apart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name, content in BROKEN.items():
        (data / name).write_bytes(content)
    (data / "loop").symlink_to(data)
    (data / "itself.png").symlink_to(data / "itself.png")
    os.mkfifo(data / "pipe.png")
    Path(os.fsdecode(os.fsencode(data) + b"/\xe9\x80\n\xff.png")).write_bytes(picture(4))
    (data / "ДЖ日本\u202e.png").write_bytes(picture(5))
    rows = audited(str(data), tmp_path / "out")
    assert {name: row.state for name, row in rows.items() if row.state is not State.OK} == {
        "cut.png": State.CORRUPT,
        "cut.jpg": State.CORRUPT,
        "empty.png": State.CORRUPT,
        "text.png": State.CORRUPT,
        "text.txt": State.OTHER,
        "bomb.png": State.REFUSED,
        "zeros.jpg": State.CORRUPT,
        "magic.webp": State.CORRUPT,
        "box.avif": State.CORRUPT,
        "tiff.tif": State.CORRUPT,
        "itself.png": State.UNREADABLE,
    }
    assert all(row.problem for row in rows.values() if row.state is not State.OK)
    assert rows["\\xe9\\x80\\n\\xff.png"].state is State.OK
    assert rows["ДЖ日本\\u202e.png"].state is State.OK
    assert "pipe.png" not in rows


def test_names_in_any_encoding_in_archives_and_tables(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    with tarfile.open(tmp_path / "a.tar", "w", encoding="utf-8") as archive:
        info = tarfile.TarInfo(odd)
        info.size = len(picture())
        archive.addfile(info, io.BytesIO(picture()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("..\\..\\x\u202e.png", picture())
    (tmp_path / odd).write_bytes(picture())
    (tmp_path / "a.csv").write_bytes(b"path\ncaf\xe9.png\n")
    for n, (name, shown) in enumerate(
        {"a.tar": "caf\\xe9.png", "a.zip": "..\\..\\x\\u202e.png", "a.csv": "caf\\xe9.png"}.items()
    ):
        rows = audited(str(tmp_path / name), tmp_path / f"out{n}", Asked(Pixels.NONE))
        assert {path: row.state for path, row in rows.items()} == {shown: State.OK}


class Denied(FolderSource):
    """A source that may not read one file: root may read all."""

    def samples(self, shard: Shard) -> Iterator[Sample]:
        for sample in super().samples(shard):
            if sample.offset == 2:
                yield Sample(sample.path, sample.offset, _denied)
            else:
                yield sample


def _denied() -> io.BytesIO:
    raise PermissionError(13, "Permission denied")


def test_a_file_that_may_not_be_read_is_a_row(tmp_path: Path) -> None:
    source = Denied(Place(str(folder(tmp_path / "data"))), 6)
    *_, last = Auditor(source, tmp_path / "out", Asked(Pixels.NONE)).run(LocalEngine(1))
    assert last.failed is None
    denied = [row for row in Run(tmp_path / "out").all_rows() if row.state is not State.OK]
    assert [row.offset for row in denied] == [2] * 4
    assert {row.problem for row in denied} == {"it could not be read (Permission denied)"}
    assert finish(Run(tmp_path / "out"), source).to_dict()["counts"]["states"] == {
        "ok": 20,
        "unreadable": 4,
    }


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as made:
        yield made
        web._CONNECTIONS.close()


def test_a_network_that_vanishes_leaves_its_shards_for_the_next_run(
    server: WebServer, tmp_path: Path
) -> None:
    names = [f"{n}.png" for n in range(8)]
    server.files["/set/"] = "".join(f'<a href="{name}">' for name in names).encode()
    server.files |= {f"/set/{name}": picture(n) for n, name in enumerate(names)}
    source = FolderSource(Place(f"{server.address}/set/"), 4)
    auditor = Auditor(source, tmp_path, Asked(Pixels.NONE))
    server.mood = {f"/set/{n}.png": "503" for n in range(5, 8)}
    server.mood["/set/1.png"] = "404"  # gone, which is a fact of the file
    *_, last = auditor.run(LocalEngine(1, pause=0.01))
    assert (last.done, last.failed and last.failed.why) == (1, "the server answered 503")
    assert [row.state for row in Run(tmp_path).all_rows()] == [
        *(State.OK, State.UNREADABLE, State.OK, State.OK)
    ]
    server.mood = {}
    *_, last = auditor.run(LocalEngine(1))
    assert (last.done, last.rows, last.failed) == (2, 4, None)


AUDIT = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if __name__ == "__main__":
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    from provenance_cli.main import main
    raise SystemExit(main(["audit", sys.argv[2], "-o", sys.argv[3], "--pixels", "none"]))
"""


@pytest.mark.parametrize("most", [300, 2500, 14_000])
def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(tmp_path: Path, most: int) -> None:
    """The limit stops the list of shards, a file of rows, the report: whichever is too large."""
    data, script, out = folder(tmp_path / "data"), tmp_path / "full.py", tmp_path / "out"
    script.write_text(AUDIT)
    command = [sys.executable, str(script), str(most), str(data), str(out)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert any(word in done.stderr for word in ("larger than this system", "File too large"))
    assert not list(out.rglob("*.tmp"))
    rows = audited(str(data), out, Asked(Pixels.NONE))
    assert len(rows) == 24


def test_a_real_disk_that_is_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(small)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("may not mount")
    try:
        data = folder(tmp_path / "data")
        script = tmp_path / "audit.py"
        script.write_text(AUDIT)
        command = [sys.executable, str(script), str(1 << 30), str(data), str(small / "out")]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert "disk is full" in done.stderr or "No space left" in done.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_runs_on_one_folder(tmp_path: Path) -> None:
    data, script, out = folder(tmp_path / "data"), tmp_path / "two.py", tmp_path / "out"
    script.write_text(AUDIT)
    command = [sys.executable, str(script), str(1 << 30), str(data), str(out)]
    with Run(out).alone():
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert "another audit is at work" in done.stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("a.zip", b"PK\x03\x04", "cannot be read as a zip"),
        ("a.csv", b"text\nx\n", "has no column of pictures"),
        ("a.csv", b'path\n"' + b"x" * 200_000, "no table"),
        ("a.jsonl", b"[" * 100_000, "no JSON object"),
        ("a.csv", b"\x00\x00", ""),
    ],
)
def test_a_dataset_that_is_none_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from provenance_cli.main import main

    (tmp_path / name).write_bytes(content)
    out = tmp_path / "out"
    code = main(["audit", str(tmp_path / name), "-o", str(out), "--pixels", "none", "--json"])
    told = capsys.readouterr()
    assert code == 2
    assert problem in told.err + told.out
    assert "Traceback" not in told.err


def block(kind: bytes, name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


MEMBER = block(tarfile.REGTYPE, "a.png", 512) + bytes(512)
SPOKEN = b"17 size=-1000000\n"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "rest",
    [
        b"x" + block(tarfile.REGTYPE, "b.png", 512)[1:] + bytes(1536),
        block(tarfile.REGTYPE, "b.png", 512)[:100],
        block(tarfile.REGTYPE, "b.png", -2048) + bytes(1536),
        block(tarfile.XHDTYPE, "b", 17)
        + SPOKEN.ljust(512, b"\0")
        + block(tarfile.REGTYPE, "b.png", 512)
        + bytes(1536),
        block(tarfile.XHDTYPE, "b", 64 << 20) + bytes(64 << 20),
        block(tarfile.XHDTYPE, "b", -512) + bytes(1536),
        (block(tarfile.XHDTYPE, "b", 0)) * 3000 + MEMBER,
    ],
    ids=["checksum", "cut", "back", "back as told", "much told", "less than nothing", "in a row"],
)
def test_damaged_headers_of_archives_are_told(tmp_path: Path, rest: bytes, packed: bool) -> None:
    data = MEMBER + rest
    (tmp_path / "a.tar").write_bytes(gzip.compress(data, 1) if packed else data)
    source = opened([str(tmp_path / "a.tar")])
    (shard,) = source.shards()
    tracemalloc.start()
    found = list(islice(source.samples(shard), 5))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [sample.path for sample in found] == ["a.png", "(broken)"]
    assert "what follows is lost" in found[1].problem
    assert most < 32 << 20
