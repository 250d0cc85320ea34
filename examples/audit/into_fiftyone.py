"""Look at what an audit found in FiftyOne's app: filter by finding, sort by score.

python into_fiftyone.py FOLDER AUDIT NAME
fiftyone app launch NAME
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import fiftyone as fo

from provenance.audit import findings
from provenance.audit.run import Run


def into_fiftyone(folder: Path, audit: Path, name: str) -> fo.Dataset:
    """A dataset of all pictures that could be examined, kept in FiftyOne's database."""
    dataset = fo.Dataset(name, persistent=True)
    dataset.add_samples(
        [
            sample(str((folder / row["path"]).absolute()), row, kinds)
            for row, kinds in findings.rows(Run(audit))
            if row["state"] == "ok"
        ]
    )
    return dataset


def sample(path: str, row: Any, kinds: Any) -> fo.Sample:
    return fo.Sample(
        filepath=path,
        tags=[row["split"]] if row["split"] else [],
        ground_truth=fo.Classification(label=row["label"]) if row["label"] else None,
        synthetic=row["result"],
        claimed=row["claimed"],
        generator=row["generator"],
        pixel_score=row["pixel_score"],
        findings=list(kinds),
    )


if __name__ == "__main__":
    folder, audit, name = sys.argv[1:]
    print(into_fiftyone(Path(folder), Path(audit), name))
