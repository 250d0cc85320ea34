"""The recipes of docs/audit-recipes.md run, each where its package is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from provenance.audit import export, schema
from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.finish import finish
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.places import Place
from tests.audit.samples import folder, picture

pytest.importorskip("pyarrow")

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "audit"
DOUBT = Asked(Pixels.DOUBT)


def example(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of the examples, found by other processes as well."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("PYTHONPATH", ":".join([str(EXAMPLES), *sys.path]))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


def source(where: Path) -> FolderSource:
    return FolderSource(Place(str(where)), 4)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = folder(tmp_path_factory.mktemp("data"), 12)
    (where / "train" / "cat" / "copy.png").write_bytes(picture(1))
    (where / "broken.jpg").write_bytes(b"no picture")
    return where


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("out")
    list(Auditor(source(data), where, DOUBT).run(LocalEngine(1)))
    finish(Run(where), source(data))
    return where


def rows(out: Path) -> list[dict[str, Any]]:
    """Without what depends on the shards."""
    found = [row for p in Run(out).parts() for b in schema.batches(p) for row in b.to_pylist()]
    return [without_places(row) for row in found]


def without_places(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in ("path", "shard", "offset", "label", "split")}


def said(name: str, language: str) -> list[str]:
    """The code of a document in one language."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_every_example_is_named_in_the_document() -> None:
    text = (ROOT / "docs" / "audit-recipes.md").read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.is_file():
            assert f"examples/audit/{path.name}" in text


def test_sqlite(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "rows.sqlite"
    written = example("into_sqlite", monkeypatch).into_sqlite(out, database)
    assert written == len(rows(out)) == 14
    (block,) = [b for b in said("audit-recipes.md", "sql") if "-- SQLite" in b]
    with closing(sqlite3.connect(database)) as connection:
        answers = [connection.execute(q).fetchall() for q in block.split(";") if q.strip()]
        evidence = connection.execute("SELECT evidence FROM files ORDER BY shard, offset")
        kept = [json.loads(text) for (text,) in evidence]
    assert [count for _, _, count in answers[0]] == [3]
    assert answers[1] == []
    assert kept == [row["evidence"] for row in rows(out)]


def test_duckdb(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(out.parent)
    (block,) = [b for b in said("audit-recipes.md", "sql") if "-- DuckDB" in b]
    queries = block.replace("audit-pictures", out.name).split(";")
    answers = [duckdb.sql(query).fetchall() for query in queries if query.strip()]
    assert sum(count for *_, count in answers[0]) == 3
    assert all(isinstance(answer, list) for answer in answers)
    assert len(answers) == 5


def test_data_juicer(
    data: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, dataset = tmp_path / "left.jsonl", tmp_path / "dataset.jsonl"
    export.write_manifest(left, export.manifest(Run(out), ("generated", "corrupt")))
    made = example("into_data_juicer", monkeypatch)
    assert made.into_data_juicer(data, left, dataset) == 10
    samples = [json.loads(line) for line in dataset.read_text().splitlines()]
    assert all(Path(path).is_file() for sample in samples for path in sample["images"])
    assert {sample["text"] for sample in samples} == {made.TOKEN}


def test_datasets_map(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    module = example("map_dataset", monkeypatch)
    paths = [
        row["path"] for p in Run(out).parts() for b in schema.batches(p) for row in b.to_pylist()
    ]
    features = datasets.Features({"image": datasets.Image(decode=False)})
    pictures = datasets.Dataset.from_dict({"image": [str(data / p) for p in paths]}, features)
    found = [without_places(row) for row in module.examined(pictures).to_list()]
    for row in found:
        row["unsafe"] = sorted(json.loads(row["unsafe"]).items())
    assert found == rows(out)


def test_cleanvision(data: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cleanvision")
    found = example("with_cleanvision", monkeypatch).joined(data, out, jobs=1)
    assert len(found) == sum(row["examined"] == "pixels" for row in rows(out))
    assert found["result"].notna().all()
    assert found["is_exact_duplicates_issue"].sum() == 2


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Any:
    pyspark = pytest.importorskip("pyspark")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", ":".join([str(EXAMPLES), *sys.path]))
    session = pyspark.sql.SparkSession.builder.master("local[2]").getOrCreate()
    yield session
    session.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Spark's own
def test_spark_writes_the_same_bytes(
    data: Path, out: Path, tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path)
    engine = example("spark_engine", monkeypatch).SparkEngine(spark.sparkContext, run)
    *_, last = Auditor(source(data), tmp_path, DOUBT).run(engine)
    assert (last.done, last.failed) == (4, None)
    finish(run, source(data))
    assert digests(tmp_path) == digests(out)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_spark_table_gives_the_same_rows(
    data: Path, out: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pandas")
    module = example("spark_frame", monkeypatch)
    files = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(str(data))
    found = sorted(module.rows_of(files).toArrow().to_pylist(), key=lambda row: row["path"])
    expected = [row for p in Run(out).parts() for b in schema.batches(p) for row in b.to_pylist()]
    expected = sorted(expected, key=lambda row: row["path"])
    assert [without_places(row) for row in found] == [without_places(row) for row in expected]


def digests(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }
