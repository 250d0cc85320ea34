"""The rows do not depend on who works, nor on how often the work is ended."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.finish import finish
from provenance.audit.interface import Sample, Shard, State
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.places import Place
from provenance.errors import ConfigError, OutputError
from tests.audit.samples import folder

pytest.importorskip("pyarrow")

HEADERS = Asked(Pixels.NONE)


def source(where: Path, files: int = 4) -> FolderSource:
    return FolderSource(Place(str(where)), files)


def digests(run: Run) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(run.rows.iterdir())}


def audited(where: Path, out: Path, workers: int = 1, asked: Asked = HEADERS) -> Run:
    *_, last = Auditor(source(where), out, asked).run(LocalEngine(workers, pause=0.01))
    assert last.failed is None
    return Run(out)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def reference(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return audited(data, tmp_path_factory.mktemp("one"))


def test_one_worker_and_many_write_the_same_bytes(
    data: Path, reference: Run, tmp_path: Path
) -> None:
    assert digests(audited(data, tmp_path, workers=3)) == digests(reference)
    assert [row.offset for row in reference.all_rows()] == [0, 1, 2, 3] * 6


def test_summaries_are_the_same_too(data: Path, reference: Run, tmp_path: Path) -> None:
    finish(reference)
    finish(audited(data, tmp_path, workers=2))
    for name in ("summary.json", "duplicates.parquet"):
        assert (tmp_path / name).read_bytes() == (reference.folder / name).read_bytes()


SCRIPT = """
import sys
from pathlib import Path
from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.plan import Asked, Pixels
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.places import Place

if __name__ == "__main__":
    auditor = Auditor(FolderSource(Place(sys.argv[1]), 4), Path(sys.argv[2]), Asked(Pixels.NONE))
    for step in auditor.run(LocalEngine(2)):
        print(step.done, flush=True)
"""


@pytest.mark.slow
def test_killed_again_and_again_it_loses_and_repeats_nothing(
    data: Path, reference: Run, tmp_path: Path
) -> None:
    script = tmp_path / "audit.py"
    script.write_text(SCRIPT)
    out = tmp_path / "out"
    kept: set[str] = set()
    for attempt in range(40):
        process = subprocess.Popen(
            [sys.executable, script, data, out],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        if attempt == 0:
            time.sleep(0.3)  # while it starts, perhaps before there is a plan
        else:
            before = int(process.stdout.readline() or 0)
            while (line := process.stdout.readline()) and int(line) <= before:
                pass
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        now = {p.name for p in (out / "rows").glob("*.parquet")}
        assert kept <= now
        kept = now
        if len(now) == 6:
            break
    assert len(kept) == 6
    run = audited(data, out, workers=2)
    assert digests(run) == digests(reference)


class Fatal(FolderSource):
    """A source with a file that kills whoever opens it."""

    def samples(self, shard: Shard) -> Iterator[Sample]:
        for sample in super().samples(shard):
            if sample.path.endswith("0005.png"):
                yield Sample(sample.path, sample.offset, _die)
            else:
                yield sample


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_file_that_kills_its_reader_costs_itself_alone(data: Path, tmp_path: Path) -> None:
    auditor = Auditor(Fatal(Place(str(data)), 4), tmp_path, HEADERS)
    steps = list(auditor.run(LocalEngine(2)))
    assert not any(step.failed for step in steps)
    rows = list(Run(tmp_path).all_rows())
    assert len(rows) == 24
    (fatal,) = [row for row in rows if row.state is not State.OK]
    assert fatal.problem == "examining it ended the process that tried"
    assert fatal.path.endswith("0005.png")
    assert not list((tmp_path / "rows").glob("*.json"))


class Away(FolderSource):
    """A source of which one shard cannot be reached while a file says so."""

    def samples(self, shard: Shard) -> Iterator[Sample]:
        if shard.number == 2 and (Path(self._folder.text).parent / "away").exists():
            raise OSError("the network is unreachable")
        yield from super().samples(shard)


def test_a_shard_that_cannot_be_reached_is_left_for_the_next_run(tmp_path: Path) -> None:
    data = folder(tmp_path / "data")
    (tmp_path / "away").touch()
    auditor = Auditor(Away(Place(str(data)), 4), tmp_path / "out", HEADERS)
    *_, last = auditor.run(LocalEngine(1, pause=0.01))
    steps = list(auditor.run(LocalEngine(1, pause=0.01)))
    (failed,) = [step.failed for step in steps if step.failed]
    assert (failed.number, failed.why) == (2, "the network is unreachable")
    assert steps[-1].done == 5
    assert finish(Run(tmp_path / "out")).to_dict()["unfinished_shards"] == 1
    (tmp_path / "away").unlink()
    *_, last = auditor.run(LocalEngine(1))
    assert (last.done, last.rows) == (6, 4)


def test_a_full_disk_ends_the_run_and_loses_nothing(data: Path, tmp_path: Path) -> None:
    if not Path("/dev/shm").is_dir():
        pytest.skip("needs a small file system")
    out = tmp_path / "out"
    auditor = Auditor(source(data), out, HEADERS)
    auditor.plan()
    (out / "rows").rmdir()
    (out / "rows").symlink_to("/dev/full/rows")
    with pytest.raises(OutputError):
        list(auditor.run(LocalEngine(1)))
    (out / "rows").unlink()
    (out / "rows").mkdir()
    *_, last = auditor.run(LocalEngine(1))
    assert last.done == 6


def test_two_runs_do_not_share_a_folder(data: Path, tmp_path: Path) -> None:
    auditor = Auditor(source(data), tmp_path, HEADERS)
    with Run(tmp_path).alone(), pytest.raises(OutputError, match="another audit is at work"):
        auditor.plan()


def test_another_question_needs_another_folder(data: Path, tmp_path: Path) -> None:
    Auditor(source(data), tmp_path, HEADERS).plan()
    with pytest.raises(ConfigError, match="an audit of other settings"):
        Auditor(source(data), tmp_path, Asked(Pixels.SAMPLE, 0.5)).plan()
    with pytest.raises(ConfigError, match="an audit of other data"):
        Auditor(source(data / "train"), tmp_path, HEADERS).plan()


def test_small_folders_have_shards_for_all_workers(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"{number:03d}").touch()
    sizes = [shard.samples for shard in FolderSource(Place(str(tmp_path))).shards()]
    assert sizes == [16] * 8 + [32] * 8 + [16]
    assert [shard.samples for shard in source(tmp_path, 150).shards()] == [16] * 8 + [32] * 8 + [16]
    assert [shard.samples for shard in source(tmp_path, 20).shards()] == [16] * 8 + [20] * 13 + [12]
