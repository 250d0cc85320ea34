"""Turn the list of what is left of an audit into a dataset of Data-Juicer.

    provenance audit export AUDIT --drop generated --drop unsafe --drop corrupt -o left.jsonl
    python into_data_juicer.py FOLDER left.jsonl dataset.jsonl
    dj-process --config data_juicer.yaml

Its samples have a text with a token for each picture, and the pictures' paths in a list.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TOKEN = "<__dj__image>"  # data_juicer.utils.mm_utils.SpecialTokens.image


def into_data_juicer(folder: Path, left: Path, dataset: Path) -> int:
    """Write the dataset; gives the number of samples."""
    count = 0
    with left.open(encoding="utf-8") as lines, dataset.open("w", encoding="utf-8") as file:
        for line in lines:
            entry = json.loads(line)
            picture = str((folder / entry["path"]).absolute())
            sample = {"text": TOKEN, "images": [picture], **entry}
            file.write(json.dumps(sample, ensure_ascii=False) + "\n")
            count += 1
    return count


if __name__ == "__main__":
    folder, left, dataset = map(Path, sys.argv[1:])
    print(into_data_juicer(folder, left, dataset), "samples")
