"""Hand what is left of an audit to NeMo Curator, whose own reader keeps no file names.

    provenance audit export AUDIT --drop generated --drop corrupt -o left.parquet
    python nemo_curator_pipeline.py FOLDER left.parquet OUTPUT

Put Curator's stages (embeddings, aesthetics, duplicates) before the writer. It writes JPEG anew,
without metadata: audit before, not after.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
from nemo_curator.backends.xenna import XennaExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.file_partitioning import FilePartitioningStage
from nemo_curator.stages.image.io.image_writer import ImageWriterStage
from nemo_curator.tasks import FileGroupTask, ImageBatch, ImageObject
from PIL import Image


@dataclass
class ListedPictures(ProcessingStage[FileGroupTask, ImageBatch]):
    """Reads the pictures of lists that `provenance audit export` wrote."""

    folder: str
    at_a_time: int = 100
    name: str = "listed_pictures"

    def inputs(self) -> tuple[list[str], list[str]]:
        return [], []

    def outputs(self) -> tuple[list[str], list[str]]:
        return ["data"], ["image_data", "image_path", "image_id"]

    def process(self, task: FileGroupTask) -> list[ImageBatch]:
        paths = [path for name in task.data for path in pandas.read_parquet(name)["path"]]
        return [
            ImageBatch(
                dataset_name="audited",
                data=[self._read(p) for p in paths[at : at + self.at_a_time]],
            )
            for at in range(0, len(paths), self.at_a_time)
        ]

    def _read(self, path: str) -> ImageObject:
        with Image.open(Path(self.folder) / path) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        return ImageObject(image_path=path, image_id=path.replace("/", "-"), image_data=pixels)


def pipeline(folder: str, left: str, output: str) -> Pipeline:
    stages = (
        FilePartitioningStage(file_paths=left),
        ListedPictures(folder),
        ImageWriterStage(output_dir=output, images_per_tar=100),
    )
    made = Pipeline(name="after-an-audit")
    for stage in stages:
        made.add_stage(stage)
    return made


if __name__ == "__main__":
    # Stage after stage, which two cores can do; without it Curator asks for one for each stage.
    pipeline(*sys.argv[1:]).run(XennaExecutor({"execution_mode": "batch"}))
