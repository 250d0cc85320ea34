"""What is made of the rows when a run ends: duplicates, the summary, the report."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from provenance.audit import schema
from provenance.audit.duplicates import Duplicate, duplicates
from provenance.audit.interface import Source
from provenance.audit.page import page
from provenance.audit.run import DUPLICATES, REPORT, SUMMARY, Run
from provenance.audit.summary import VERSION, Summary, summarised
from provenance.audit.thumbnails import sheet
from provenance.errors import InputError, OutputError
from provenance.files import write_atomically

_AT_ONCE = 1 << 16
"""Near-duplicates that are held at a time."""


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
    """Write them as they are found, under a name that the next run clears away if this one ends."""
    pa = schema.arrow()
    kinds = {"path": pa.string(), "split": pa.string(), "leaks": pa.bool_()}
    columns = pa.schema([(name, kinds.get(name, pa.int64())) for name in Duplicate.__slots__])
    counts = dict.fromkeys(("groups", "pictures", "leaks", "leaking_groups"), 0)
    hidden = run.rows / f".provenance-{secrets.token_hex(8)}.tmp"
    found = duplicates(run.parts())
    try:
        with (
            hidden.open("wb") as file,
            pa.parquet.ParquetWriter(file, columns, compression="zstd", version="2.6") as writer,
        ):
            while part := list(islice(found, _AT_ONCE)):
                values = {name: [getattr(d, name) for d in part] for name in columns.names}
                writer.write_table(pa.table(values, columns))
                for each in part:
                    begins = each.group == counts["groups"]
                    counts["groups"] += begins
                    counts["pictures"] += 1
                    counts["leaks"] += each.leaks
                    counts["leaking_groups"] += begins and each.leaks
        hidden.replace(run.folder / DUPLICATES)
    except OSError as error:
        raise OutputError(
            f"cannot write {run.folder / DUPLICATES} ({error.strerror or error}); free some space, "
            "and audit again: the rows are kept"
        ) from error
    finally:
        hidden.unlink(missing_ok=True)
    return counts
