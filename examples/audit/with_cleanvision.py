"""Look for blur, darkness and the like with CleanVision, beside what an audit found.

    provenance audit FOLDER -o AUDIT --pixels all
    python with_cleanvision.py FOLDER AUDIT OUTPUT.csv

CleanVision ends at the first picture that cannot be decoded: those of the audit that were decoded
are handed to it, and no others.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas
from cleanvision import Imagelab


def joined(folder: Path, audit: Path, jobs: int | None = None) -> pandas.DataFrame:
    """CleanVision's columns and those of docs/audit.md, one row for each picture, by its path."""
    rows = pandas.read_parquet(audit / "rows")
    rows = rows[rows["examined"] == "pixels"]
    rows.index = pandas.Index([str(folder / path) for path in rows["path"]])
    imagelab = Imagelab(filepaths=list(rows.index))
    imagelab.find_issues(n_jobs=jobs, verbose=False)
    return imagelab.issues.join(rows)


if __name__ == "__main__":
    folder, audit, output = map(Path, sys.argv[1:])
    found = joined(folder, audit)
    issues = [name for name in found if name.startswith("is_")]
    print(found.groupby("claimed")[issues].sum().T)
    found[["path", "result", "claimed", "pixel_score", *issues]].to_csv(output, index=False)
