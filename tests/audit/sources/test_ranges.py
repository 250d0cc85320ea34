"""The first stage fetches what it reads, and hardly more."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from functools import cache

import pytest

from provenance.audit.examine import Examiner
from provenance.audit.interface import Row, Sample, Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.sources import web
from provenance.audit.sources.open import opened
from provenance.audit.sources.ranged import BLOCK, Ranged
from tests.audit.sources.large import KINDS, large
from tests.audit.sources.stores import Counted, s3
from tests.audit.sources.web_server import WebServer, serving

pytest.importorskip("pyarrow")

picture = cache(large)


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving() as made:
        yield made
        web._CONNECTIONS.close()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    with s3(monkeypatch) as counted:
        yield counted


def rows(text: str) -> list[Row]:
    source, examiner = opened([text]), Examiner(Asked(Pixels.NONE))
    return [
        examiner.examine(sample, shard)
        for shard in source.shards()
        for sample in source.samples(shard)
    ]


def local(kind: str) -> Row:
    sample = Sample(f"0.{kind}", 0, lambda: io.BytesIO(picture(kind)))
    return Examiner(Asked(Pixels.NONE)).examine(sample, Shard(0, "", {}))


def alike(row: Row, kind: str) -> bool:
    told = local(kind)
    assert told.claimed == "generated"
    return (row.claimed, row.width, row.size) == (told.claimed, told.width, told.size)


@pytest.mark.parametrize("kind", KINDS)
def test_from_a_web_server(server: WebServer, kind: str) -> None:
    path = f"/set/0.{kind}"
    server.files = {"/set/": f'<a href="0.{kind}">'.encode(), path: picture(kind)}
    (row,) = rows(f"{server.address}/set/")
    assert alike(row, kind)
    asked = [each for each in server.asked if each[0] == path]
    assert len(asked) <= 2
    assert server.bytes_of(path) < 0.06 * len(picture(kind))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_from_a_bucket(store: Counted, kind: str) -> None:
    import boto3

    boto3.client("s3").put_object(Bucket="pictures", Key=f"{kind}/0.{kind}", Body=picture(kind))
    store.asked.clear()
    (row,) = rows(f"s3://pictures/{kind}")
    assert alike(row, kind)
    asked = [each for each in store.asked if each[1].endswith(f"/{kind}/0.{kind}")]
    fetched = sum(size for method, _, size in asked if method == "GET")
    assert len(asked) <= 3  # one for the length
    assert fetched < 0.06 * len(picture(kind))


def test_files_of_a_tar(server: WebServer) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in KINDS:
            info = tarfile.TarInfo(f"0.{kind}")
            info.size = len(picture(kind))
            archive.addfile(info, io.BytesIO(picture(kind)))
    server.files["/a.tar"] = buffer.getvalue()
    found = rows(f"{server.address}/a.tar")
    assert [alike(row, kind) for row, kind in zip(found, KINDS, strict=True)] == [True] * len(KINDS)
    assert server.bytes_of("/a.tar") < 0.08 * len(buffer.getvalue())


def test_files_of_a_zip(server: WebServer) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for kind in KINDS:
            archive.writestr(f"0.{kind}", picture(kind))
        archive.writestr("packed.tiff", picture("tiff"), zipfile.ZIP_DEFLATED)
    server.files["/a.zip"] = buffer.getvalue()
    *found, packed = rows(f"{server.address}/a.zip")
    assert [alike(row, kind) for row, kind in zip(found, KINDS, strict=True)] == [True] * len(KINDS)
    assert alike(packed, "tiff")  # which has to be unpacked from its start


def test_what_is_read_in_a_row_is_fetched_once() -> None:
    data = bytes(range(256)) * 2000
    asked = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return data[start:stop]

    file = io.BufferedReader(Ranged(fetch, len(data)), 5000)
    assert file.read() == data
    assert sum(stop - start for start, stop in asked) == len(data)
    assert len(asked) == -(-len(data) // BLOCK)


def test_a_file_that_is_shorter_than_it_was_said_to_be() -> None:
    file = Ranged(lambda start, stop: b"x" * 5, 10)
    with pytest.raises(OSError, match="ends after 5 of 10 bytes"):
        file.read(3)
