"""Examine the pictures in a Spark table, and keep what is found as a table beside it.

    spark-submit spark_frame.py FOLDER ROWS

For a whole audit, with a report and going on after an end, see spark_engine.py.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from provenance.audit.examine import Examiner
from provenance.audit.interface import Sample, Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.schema import plain, schema

COLUMNS = pa.schema(
    each.with_type(pa.binary()) if each.name == "fingerprint" else each  # 64 bytes: not in Spark
    for each in schema()
)


def examined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """On a node: a row for each picture; the models are loaded once for each partition."""
    examiner, shard = Examiner(Asked(Pixels.DOUBT)), Shard(0, "spark", {})
    for batch in batches:
        paths, pictures = batch.column("path"), batch.column("content")
        samples = (
            Sample(path.as_py(), 0, lambda data=data: io.BytesIO(data.as_buffer()))
            for path, data in zip(paths, pictures, strict=True)
        )
        rows = [plain(examiner.examine(sample, shard)) for sample in samples]
        yield pa.RecordBatch.from_pylist(rows, COLUMNS)


def rows_of(pictures: DataFrame) -> DataFrame:
    """What docs/audit.md calls the rows, of a table with the columns `path` and `content`."""
    return pictures.select("path", "content").mapInArrow(examined, from_arrow_schema(COLUMNS))


if __name__ == "__main__":
    folder, target = sys.argv[1:]
    spark = SparkSession.builder.appName("audit").getOrCreate()
    files = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(folder)
    rows_of(files).write.parquet(target)
    spark.stop()
