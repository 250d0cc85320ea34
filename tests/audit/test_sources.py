"""Every kind of dataset gives the same pictures, in the same order, each time."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from provenance.audit import schema
from provenance.audit.interface import Sample, Source
from provenance.audit.sources.open import opened
from provenance.errors import InputError
from tests.audit.samples import picture
from tests.audit.sources.reading import content, read
from tests.audit.sources.stores import s3

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")
pa = schema.arrow()

NAMES = [f"train/cat/{n}.png" for n in range(3)] + ["test/dog/3.png"]


def samples(source: Source) -> list[Sample]:
    return [sample for shard in source.shards() for sample in source.samples(shard)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n, name in enumerate(NAMES):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(n))
    return tmp_path / "data"


def expected(prefix: str = "") -> list[tuple[str, bytes]]:
    order = [NAMES[3], *NAMES[:3]]
    return [(prefix + name, picture(NAMES.index(name))) for name in order]


def test_a_folder_in_the_order_of_its_names(folder: Path) -> None:
    source = opened([str(folder)])
    assert read(source) == read(source) == expected()
    assert [(s.label, s.split) for s in samples(source)] == [
        ("dog", "test"),
        *[("cat", "train")] * 3,
    ]


def test_links_that_loop_and_names_in_any_encoding(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere.png").symlink_to(folder / "absent")
    odd = os.fsencode(folder) + b"/\xff\n.png"
    Path(os.fsdecode(odd)).write_bytes(picture(9))
    found = dict(read(opened([str(folder)])))
    assert found["\\xff\\n.png"] == picture(9)
    assert "No such file" in found["nowhere.png"]
    assert len(found) == len(NAMES) + 2


def test_a_pipe_does_not_hold_anybody_up(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    assert len(read(opened([str(folder)]))) == len(NAMES)


def test_a_folder_that_may_not_be_read(folder: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        opened([str(folder / "absent")])
    with pytest.raises(InputError, match="nothing matches"):
        opened([str(folder / "*.tar")])
    with pytest.raises(InputError, match="is no dataset that is read here"):
        opened([str(folder / NAMES[0])])


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_tar_archives(folder: Path, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode) as archive:
        archive.add(folder, "")
        archive.addfile(tarfile.TarInfo("0001.json"))
    assert sorted(read(opened([str(path)]))) == sorted(expected())


def test_many_archives_by_a_pattern(tmp_path: Path) -> None:
    for shard in range(3):
        with tarfile.open(tmp_path / f"part-{shard}.tar", "w") as archive:
            info = tarfile.TarInfo("0.png")
            info.size = len(picture(shard))
            archive.addfile(info, io.BytesIO(picture(shard)))
    source = opened([str(tmp_path / "part-*.tar")])
    assert len(list(source.shards())) == 3
    assert read(source) == [(f"part-{n}.tar/0.png", picture(n)) for n in range(3)]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_that_breaks_off_gives_what_is_before(
    folder: Path, tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, mode) as archive:
        for name in NAMES:
            archive.add(folder / name, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found = read(opened([str(path)]))
    assert found[0] == (NAMES[0], picture(0))
    assert any(isinstance(data, str) for _, data in found)
    path.write_bytes(b"no archive at all")
    assert [name for name, _ in read(opened([str(path)]))] == ["(broken)"]


def test_zip_archives(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in [NAMES[3], *NAMES[:3]]:
            archive.write(folder / name, name)
        archive.writestr("__MACOSX/._0.png", b"x")
    assert read(opened([str(path)])) == expected()
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="cannot be read as a zip"):
        read(opened([str(path)]))


def test_parquet_with_bytes_in_a_struct(tmp_path: Path) -> None:
    rows = [
        {"image": {"bytes": picture(n), "path": f"{n}.png"}, "label": n % 2} for n in range(1200)
    ]
    rows[7]["image"] = {"bytes": None, "path": None}
    path = tmp_path / "train-00000-of-00001.parquet"
    pa.parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=700)
    source = opened([str(path)])
    found = read(source)
    assert len(found) == 1200
    assert len(list(source.shards())) == 2
    assert found[1100] == ("train-00000-of-00001.parquet/1100/1100.png", picture(1100))
    assert found[7][1] == "the column 'image' holds no picture here"
    assert {s.split for s in samples(source)} == {"train"}
    assert len({name for name, _ in found}) == 1200


def test_parquet_without_a_column_of_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"text": ["x"]}), path)
    with pytest.raises(InputError, match="no column of pictures; it has text; name one"):
        read(opened([str(path)]))
    with pytest.raises(InputError, match="no column 'picture'; it has text"):
        read(opened([str(path)], column="picture"))
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read(opened([str(path)]))


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_tables_of_paths(folder: Path, kind: str) -> None:
    path = folder / f"list.{kind}"
    entries = [*NAMES, "../outside.png", "/etc/passwd", "absent.png", "file:///etc/passwd"]
    if kind == "jsonl":
        path.write_text("".join(json.dumps({"path": p, "label": "x"}) + "\n\n" for p in entries))
    else:
        comma = "," if kind == "csv" else "\t"
        path.write_text(
            "".join(f"{p}{comma}x\n" for p in ["path", *entries]).replace(
                "path" + comma + "x", "path" + comma + "label", 1
            )
        )
    source = opened([str(path)])
    found = dict(read(source))
    for n, name in enumerate(NAMES):
        assert found[name] == picture(n)
    assert "leads out of the folder" in found["../outside.png"]
    assert "leads out of the folder" in found["/etc/passwd"]
    assert "No such file" in found["absent.png"]
    assert "neither a path nor an address" in found["file:///etc/passwd"]
    assert {s.label for s in samples(source)} == {"x"}


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/a.png", "http://[::1]/a.png", "https://localhost/a", "s3://b/a"]
)
def test_a_table_does_not_lead_into_our_network(folder: Path, address: str) -> None:
    (folder / "list.jsonl").write_text(json.dumps({"url": address}))
    ((_, problem),) = read(opened([str(folder / "list.jsonl")]))
    assert "private network" in problem or "are not asked" in problem


@pytest.mark.parametrize("text", ["{", "[1]", '{"path": 1', "\xff"])
def test_a_table_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"line 1 of .* is no JSON object"):
        read(opened([str(tmp_path / "list.jsonl")]))


def save_to_disk(folder: Path, rows: list[dict], split: str = "") -> None:
    """What `datasets.save_to_disk` writes: its state, and Arrow streams."""
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist(rows)
    path = str(folder / "data-00000-of-00001.arrow")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": split}
    (folder / "state.json").write_text(json.dumps(state))


def test_datasets_saved_by_hugging_face(tmp_path: Path) -> None:
    rows = [{"image": {"bytes": picture(n), "path": None}} for n in range(25)]
    for split in ("train", "test"):
        save_to_disk(tmp_path / "set" / split, rows, split)
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    source = opened([str(tmp_path / "set")])
    found = read(source)
    assert [data for _, data in found] == [picture(n) for n in range(25)] * 2
    assert found[3][0] == "train/data-00000-of-00001.arrow/3"
    assert [s.split for s in samples(source)] == ["train"] * 25 + ["test"] * 25


@pytest.mark.parametrize("name", ["../other", "", "/etc"])
def test_a_saved_dataset_does_not_lead_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": [name]}))
    with pytest.raises(InputError, match="no name of a file"):
        read(opened([str(tmp_path)]))


def test_several_sources_are_told_apart(folder: Path, tmp_path: Path) -> None:
    found = read(opened([str(folder), str(folder / "train")]))
    assert len(found) == 7
    assert len({name for name, _ in found}) == 7
    assert found[0][0] == "1:test/dog/3.png"


def test_addresses_go_through_fsspec(folder: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for n, name in enumerate(NAMES):
        memory.pipe(f"/bucket/{name}", picture(n))
    source = opened(["memory://bucket"])
    assert read(source) == expected()
    with pytest.raises(InputError, match="is not there"):
        opened(["memory://absent"])


def film(path: Path, frames: int = 50) -> Path:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for n in range(frames):
            image = Image.new("RGB", (64, 64), (5 * n % 256, 40, 90))
            for packet in stream.encode(av.VideoFrame.from_image(image)):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)
    return path


def test_films_by_their_frames(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    found = read(opened([str(path)]))
    assert found == read(opened([str(path)]))
    assert len(found) == 8
    times = [float(name.rsplit("=", 1)[1]) for name, _ in found]
    assert times == sorted(times)
    assert times[0] < 0.6
    assert times[-1] > 4
    assert all(data[:4] == b"\x89PNG" for _, data in found)


def test_a_film_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no film")
    ((name, problem),) = read(opened([str(path)]))
    assert name.endswith("#broken")
    assert "cannot be decoded" in problem


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real S3 server on this machine, with an empty bucket."""
    with s3(monkeypatch):
        yield "s3://pictures"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_bucket_as_a_folder_and_as_archives(bucket: str, folder: Path, tmp_path: Path) -> None:
    import boto3

    s3 = boto3.client("s3")
    for n, name in enumerate(NAMES):
        s3.put_object(Bucket="pictures", Key=f"set/{name}", Body=picture(n))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in NAMES:
            archive.add(folder / name, name)
    s3.upload_file(str(tmp_path / "a.tar"), "pictures", "a.tar")
    assert read(opened([f"{bucket}/set"])) == expected()
    assert sorted(read(opened([f"{bucket}/a.tar"]))) == sorted(expected())
    with pytest.raises(InputError, match="is not there"):
        opened([f"{bucket}/absent"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_network_that_vanishes_is_an_error_of_the_sample(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    boto3.client("s3").put_object(Bucket="pictures", Key="gone/a.png", Body=picture())
    source = opened([f"{bucket}/gone"])
    (shard,) = source.shards()
    (sample,) = source.samples(shard)
    boto3.client("s3").delete_object(Bucket="pictures", Key="gone/a.png")
    assert isinstance(content(sample), str)
