"""What is made of the rows when a run ends: duplicates, the summary, the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.duplicates import Duplicate, duplicates
from provenance.audit.interface import Source
from provenance.audit.page import page
from provenance.audit.run import DUPLICATES, REPORT, SUMMARY, Run
from provenance.audit.summary import VERSION, Summary, summarised
from provenance.audit.thumbnails import sheet
from provenance.errors import InputError
from provenance.files import write_atomically


def finish(run: Run, source: Source | None = None) -> Summary:
    """Write `duplicates.parquet`, `summary.json` and `report.html` from the rows that are there.

    Args:
        run: the audit.
        source: of the audit, for the pictures of the report; without it the report has none.

    Raises:
        OutputError: one cannot be written.
        InputError: a file of rows is damaged.
    """
    counts = _duplicates(run) if run.asked().duplicates else None
    summary = summarised(run, counts)
    text = json.dumps(summary.to_dict(), indent=1, sort_keys=True, ensure_ascii=False)
    write_atomically(run.folder / SUMMARY, f"{text}\n".encode(), overwrite=True)
    shown = sheet(run, source) if source is not None else {}
    report = page(summary.to_dict(), shown)
    write_atomically(run.folder / REPORT, report.encode("utf-8", "replace"), overwrite=True)
    return summary


def load(folder: Path) -> Mapping[str, Any]:
    """The summary of a finished audit.

    Raises:
        InputError: the folder holds none.
    """
    path = folder / SUMMARY
    try:
        summary = json.loads(path.read_bytes())
        known = summary["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no finished audit: {SUMMARY} is missing or damaged; run "
            "provenance audit first"
        ) from error
    if known != VERSION:
        raise InputError(f"{path} is of version {known}; this library reads {VERSION}")
    return dict(summary)


def _duplicates(run: Run) -> dict[str, int]:
    pa = schema.arrow()
    found = list(duplicates(run.parts()))
    columns = {name: [getattr(d, name) for d in found] for name in Duplicate.__slots__}
    kinds = {"path": pa.string(), "split": pa.string(), "leaks": pa.bool_()}
    table = pa.table(
        {n: pa.array(values, kinds.get(n, pa.int64())) for n, values in columns.items()}
    )
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink, compression="zstd", version="2.6")
    write_atomically(run.folder / DUPLICATES, sink.getvalue().to_pybytes(), overwrite=True)
    return {
        "groups": len({d.group for d in found}),
        "pictures": len(found),
        "leaks": sum(d.leaks for d in found),
        "leaking_groups": len({d.group for d in found if d.leaks}),
    }
