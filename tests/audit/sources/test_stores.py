"""Object stores, as they really answer on this machine; gcsfs and its emulator may be missing."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from provenance.audit.sources import stores
from provenance.audit.sources.open import opened
from provenance.audit.sources.ranged import Unreachable
from provenance.errors import ConfigError, InputError
from tests.audit.samples import picture
from tests.audit.sources.reading import read
from tests.audit.sources.stores import google, s3

pytest.importorskip("fsspec")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

NAMES = ["b/1.png", "a.png", "b.png", "b/ü \\.png"]


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        info = tarfile.TarInfo("0.png")
        info.size = len(picture())
        made.addfile(info, io.BytesIO(picture()))
    return buffer.getvalue()


FILES = {f"set/{name}": picture(n) for n, name in enumerate(NAMES)}
EXPECTED = [(name, FILES[f"set/{name}"]) for name in sorted(NAMES)]


@pytest.mark.filterwarnings("ignore")
def test_google_as_a_folder_and_as_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    with google(monkeypatch, {**FILES, "set/c/": b"x", "other.png": b"x", "a.tar": archive()}):
        assert read(opened(["gs://pictures/set"])) == EXPECTED
        assert read(opened(["gs://pictures/a.tar"])) == [("0.png", picture())]
        with pytest.raises(InputError, match="is not there"):
            opened(["gs://pictures/absent"])


def test_s3_in_the_order_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3 = pytest.importorskip("boto3")
    with s3(monkeypatch):
        client = boto3.client("s3")
        for name, data in {**FILES, "set/c/": b"", "other.png": b"x"}.items():
            client.put_object(Bucket="pictures", Key=name, Body=data)
        assert read(opened(["s3://pictures/set"])) == EXPECTED


def test_lists_come_page_by_page() -> None:
    pages = [
        {
            "Contents": [{"Key": "p/a", "Size": 1}],
            "IsTruncated": True,
            "NextContinuationToken": "t",
        },
        {"Contents": [{"Key": "p/b/", "Size": 0}, {"Key": "p/b/c", "Size": 2}]},
    ]
    asked = []

    class System:
        def call_s3(self, method: str, **given: str) -> dict[str, Any]:
            asked.append((method, given))
            return pages[len(asked) - 1]

    assert list(stores._in_s3(System(), "bucket", "p/")) == [("p/a", 1), ("p/b/", 0), ("p/b/c", 2)]
    assert asked[1][1]["ContinuationToken"] == "t"


def test_a_store_that_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3 = pytest.importorskip("boto3")
    with s3(monkeypatch):
        boto3.client("s3").put_object(Bucket="pictures", Key="gone/a.png", Body=picture())
        source = opened(["s3://pictures/gone"])
        (shard,) = source.shards()
        (sample,) = source.samples(shard)
        stores.installed("s3").retries = 1
        file = sample.open()
        keep = stores.installed("s3")
    monkeypatch.setattr(stores, "installed", lambda scheme: keep)
    monkeypatch.setattr("s3fs.core.S3_RETRYABLE_ERRORS", ())
    with pytest.raises(Unreachable, match="could not be reached"):
        sample.open()
    with pytest.raises(Unreachable, match="could not be reached"):
        file.read()


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from fsspec.registry import _registry

    for name in ("gcsfs", "s3fs", "adlfs"):
        monkeypatch.setitem(sys.modules, name, None)
    for scheme in stores.PACKAGES:  # classes that were loaded before
        monkeypatch.delitem(_registry, scheme, raising=False)
    stores.installed.cache_clear()
    yield
    stores.installed.cache_clear()


@pytest.mark.parametrize(
    ("address", "package"), [("gs://b/x", "gcsfs"), ("s3://b/x", "s3fs"), ("az://b/x", "adlfs")]
)
@pytest.mark.usefixtures("without_packages")
def test_what_to_install_is_said(address: str, package: str) -> None:
    with pytest.raises(ConfigError, match=f"is not installed: pip install {package}"):
        opened([address])
