"""The files are made once, and each reader reads all of them in one go."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from provenance import Config, Picture, Pipeline
from provenance.verify.media import media_type
from tests.conformance.readers import READERS
from tests.conformance.states import Sample, Workshop

FROM_PIPELINE = ("png", "jpg", "webp", "avif", "tiff")
"""What `Pipeline` writes: with a watermark, whose binding is in the manifest."""


@dataclass(frozen=True, slots=True)
class Made:
    """All samples, the folder where they lie, and whom to trust."""

    folder: Path
    samples: Mapping[tuple[str, str], Sample]
    signers: str
    authorities: str


@pytest.fixture(scope="session")
def made(tmp_path_factory, config: Config, pipeline: Pipeline, scene) -> Made:
    """Every kind of file in every state."""
    workshop = Workshop()
    samples = list(workshop.samples())
    for suffix in FROM_PIPELINE:
        asset = pipeline(Picture.from_array(scene), encoding=f".{suffix}")
        samples.append(Sample(suffix, "from the pipeline", asset.data, asset.manifest_id))
    folder = tmp_path_factory.mktemp("files")
    signers = workshop.signers + "".join(config.anchors())
    (folder / "signers.pem").write_text(signers)
    (folder / "authorities.pem").write_text(workshop.authorities)
    listed = []
    for sample in samples:
        (folder / sample.name).write_bytes(sample.data)
        listed.append((sample.name, media_type(sample.data)))
    (folder / "files.json").write_text(json.dumps(listed))
    by_state = {(sample.state, sample.suffix): sample for sample in samples}
    assert len(by_state) == len(samples)
    return Made(folder, by_state, signers, workshop.authorities)


@pytest.fixture(scope="session")
def said(tmp_path_factory, made: Made) -> Callable[[str], Mapping[str, Any]]:
    """What a reader says, by the name of the file; skips if it cannot be installed."""

    @cache
    def ask(reader: str) -> Mapping[str, Any] | str:
        try:
            answers = READERS[reader](made.folder, tmp_path_factory.mktemp(reader))
        except pytest.skip.Exception as error:
            return str(error)  # installing is tried once
        return {each["name"]: each for each in answers}

    def asked(reader: str) -> Mapping[str, Any]:
        answers = ask(reader)
        return pytest.skip(answers) if isinstance(answers, str) else answers

    return asked
