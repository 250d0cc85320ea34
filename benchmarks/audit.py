"""Measures audits: headers per second, pictures per second, memory, and going on after a kill.

    python benchmarks/audit.py               all, about ten minutes
    python benchmarks/audit.py --rows 100000 with fewer rows in the long run

The pictures are made here: photographs-like noise at several scales, JPEG of 1024×1024 for the
full pass, small PNG and JPEG with and without generator parameters for the headers. Rates are
per second of wall time with as many processes as are named, beside the processor time they took.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import numpy as np
from PIL import Image, PngImagePlugin

from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.examine import Examiner
from provenance.audit.interface import Sample, Shard, State
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.places import Place
from provenance.audit.sources.tar import TarSource
from provenance.audit.statistics import Rates, Stratum, prevalence

GENERATED = "a hill\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64, Model: x"


def picture(seed: int, side: int, kind: str, *, claimed: bool = False) -> bytes:
    random = np.random.default_rng(seed)
    grid = np.zeros((side, side, 3), np.float32)
    for cells in (4, 16, 64, 256):
        if cells <= side:
            coarse = random.normal(0, 40 / cells**0.25, (cells, cells, 3)).astype(np.float32)
            layers = [
                Image.fromarray(coarse[..., c]).resize((side, side), Image.Resampling.BICUBIC)
                for c in range(3)
            ]
            grid += np.stack([np.asarray(layer) for layer in layers], axis=-1)
    image = Image.fromarray(np.clip(grid + 120, 0, 255).astype(np.uint8))
    buffer, info = io.BytesIO(), PngImagePlugin.PngInfo()
    if claimed:
        info.add_text("parameters", GENERATED)
    image.save(buffer, kind, **({"pnginfo": info} if kind == "PNG" else {"quality": 90}))
    return buffer.getvalue()


def folder(where: Path, count: int, side: int, kinds: tuple[str, ...], distinct: int) -> Path:
    """`count` files, of which `distinct` differ; the others are links to them."""
    made = []
    for n in range(count):
        place = where / f"{n // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        kind = kinds[n % len(kinds)]
        path = place / f"{n:07d}.{kind.lower()}"
        if n < distinct:
            path.write_bytes(picture(n, side, kind, claimed=n % 10 == 0))
            made.append(path)
        else:
            os.link(made[n % distinct], path)
    return where


def timed(data: Path, out: Path, asked: Asked, workers: int, files: int = 500) -> dict[str, float]:
    """One audit: files, wall seconds, processor seconds of all processes."""
    shutil.rmtree(out, ignore_errors=True)
    auditor = Auditor(FolderSource(Place(str(data)), files), out, asked)
    before, begun, rows = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), 0
    first = None
    for step in auditor.run(LocalEngine(workers)):
        rows = step.rows
        if rows and first is None:  # models are loaded and processes started by then
            first = (rows, time.perf_counter())
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert first is not None
    steady = (
        (rows - first[0]) / (time.perf_counter() - first[1]) if rows > first[0] else rows / wall
    )
    return {"rows": rows, "wall": wall, "cpu": cpu, "rate": steady}


SCRIPT = """
import io, resource, sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from provenance.audit.auditor import Auditor
from provenance.audit.engines.local import LocalEngine
from provenance.audit.finish import finish
from provenance.audit.interface import Sample, Shard
from provenance.audit.plan import Asked, Pixels
from provenance.audit.run import Run
from provenance.audit.sources.folder import FolderSource
from provenance.audit.sources.places import Place

class Repeated(FolderSource):
    '''The files of a folder over and over, read from memory: rows without a disk to fill.'''

    def __init__(self, folder: Place, rows: int) -> None:
        super().__init__(folder, 1000)
        self._rows = rows
        paths = sorted(path for path in Path(folder.text).rglob("*") if path.is_file())
        self._pictures = [path.read_bytes() for path in paths]

    def shards(self) -> Iterator[Shard]:
        for number, start in enumerate(range(0, self._rows, 1000)):
            count = min(1000, self._rows - start)
            yield Shard(number, f"from {start}", {"from": start, "count": count}, count)

    def samples(self, shard: Shard) -> Iterator[Sample]:
        for offset in range(shard.where["count"]):
            n = shard.where["from"] + offset
            data = self._pictures[n % len(self._pictures)]
            opened = partial(io.BytesIO, data)
            yield Sample(f"{n // 1000:05d}/{n:08d}", offset, opened, len(data), f"{n // 1000:05d}")

if __name__ == "__main__":
    data, out, rows = sys.argv[1:]
    place = Place(data)
    source = Repeated(place, int(rows)) if int(rows) else FolderSource(place, 1000)
    auditor = Auditor(source, Path(out), Asked(Pixels.NONE))
    for step in auditor.run(LocalEngine(2)):
        print(step.done, flush=True)
    finish(Run(Path(out)), source)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print("memory", own, theirs, flush=True)
"""


def resident(group: int) -> int:
    """Bytes in memory of all processes of a group together; what they share counts in each."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group:
                    pages = int((entry / "statm").read_text().split()[1])
                    total += pages * resource.getpagesize()
    return total


class Watch(threading.Thread):
    """The most memory that a group of processes had, looked at twice a second."""

    def __init__(self, group: int) -> None:
        super().__init__(daemon=True)
        self._group, self._over = group, threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._over.wait(0.5):
            self.most = max(self.most, resident(self._group))

    def end(self) -> int:
        self._over.set()
        self.join()
        return self.most


def long_run(data: Path, out: Path, rows: int, repeat: bool, script: Path) -> dict[str, object]:
    """Headers of all rows, killed with SIGKILL in the middle, then gone on with to the end."""
    command = [sys.executable, str(script), str(data), str(out), str(rows if repeat else 0)]
    shards = -(-rows // 1000)
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    most, lines = [], list[str]()
    for stop in (shards // 2, None):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        watch = Watch(process.pid)
        watch.start()
        assert process.stdout is not None
        lines.clear()
        for line in process.stdout:
            lines.append(line.decode())
            if stop is not None and int(line) >= stop:
                break
        if stop is not None:
            os.killpg(process.pid, signal.SIGKILL)
            at_kill = len(list((out / "rows").glob("*.parquet")))
        if process.wait() not in (0, -signal.SIGKILL):
            raise SystemExit("the run failed")
        process.stdout.close()
        most.append(watch.end())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    _, own, theirs = lines[-1].split()
    return {
        "wall": time.perf_counter() - begun,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "finished_at_kill": at_kill,
        "resumed_from": int(lines[0]),
        "own_mb": int(own) / 1024,
        "worker_mb": int(theirs) / 1024,
        "all_processes_mb": [n / 2**20 for n in most],
        "folder_mb": sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) / 2**20,
    }


STRATA = ((0.4, 0.5), (0.1, 1.0), (0.5, 1.4))
"""Of three parts of a dataset: how large, and how much of the whole's share each has."""


def held(
    found: float,
    accused: float,
    true: float,
    *,
    judged: int = 1000,
    part: float = 0.1,
    measured: tuple[int, int] = (442, 560),
    strata: tuple[tuple[float, float], ...] = STRATA,
    audits: int = 1000,
) -> float:
    """How often the 95 % interval holds the true share, with measured rates that err as well."""
    random, hits = np.random.default_rng(2026), 0
    for _ in range(audits):
        drawn, generated, population = [], 0, 0
        for n, (size, factor) in enumerate(strata):
            of, take = round(size * judged / part), round(size * judged)
            there = int(of * min(1, factor * true) + random.random())
            right = random.hypergeometric(there, of - there, take)
            called = random.binomial(right, found) + random.binomial(take - right, accused)
            drawn.append(Stratum(str(n), of, take, int(called)))
            generated, population = generated + there, population + of
        rates = Rates(
            random.binomial(measured[0], found), measured[0],
            random.binomial(measured[1], accused), measured[1],
        )  # fmt: skip
        estimate = prevalence(drawn, rates)
        assert estimate is not None
        hits += estimate.low <= generated / population <= estimate.high
    return hits / audits


def coverage() -> dict[str, dict[str, float]]:
    """For two detectors, of which one is about ours."""
    return {
        f"finds {found:.0%}, accuses {accused:.1%}": {
            f"{true:.1%}": held(found, accused, true)
            for true in (0, 0.005, 0.01, 0.02, 0.05, 0.2, 0.5, 0.8)
        }
        for found, accused in ((0.3, 0.015), (0.6, 0.015))
    }


def grid() -> dict[str, object]:
    """Detectors, shares and sizes: how many are held too seldom and too often, and which."""
    cells = {
        f"{judged} judged, finds {found}, accuses {accused}, {true} generated": held(
            found, accused, true, judged=judged, measured=(400, 500), strata=((1.0, 1.0),)
        )
        for judged in (200, 1000, 10_000)
        for found in (0.3, 0.6, 0.9)
        for accused in (0.002, 0.015, 0.05)
        for true in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8)
    }
    return {
        "cells": len(cells),
        "under 93 %": {name: share for name, share in cells.items() if share < 0.93},
        "over 97 %": {name: share for name, share in cells.items() if share > 0.97},
        "mean": round(sum(cells.values()) / len(cells), 4),
    }


class Shelf:
    """A web server of this machine that gives parts of files, and counts what it gives."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests = self.sent = 0
        self._server = make_server("127.0.0.1", 0, self._answer, handler_class=_Quiet)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, environ: dict[str, str], start: Callable[..., object]) -> list[bytes]:
        body = self.files[environ["PATH_INFO"]]
        first, last = (int(n) for n in environ["HTTP_RANGE"].removeprefix("bytes=").split("-"))
        part = body[first : last + 1]
        shown = f"bytes {first}-{first + len(part) - 1}/{len(body)}"
        start("206 Partial Content", [("Content-Range", shown), ("Content-Length", str(len(part)))])
        self.requests, self.sent = self.requests + 1, self.sent + len(part)
        return [part]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def ranges() -> dict[str, dict[str, float]]:
    """Requests and bytes of the first stage over a network, alone and in a tar of ten."""
    noise = np.random.default_rng(1).integers(0, 256, (1500, 1500, 3), np.uint8)
    options = {"PNG": {"compress_level": 1}, "AVIF": {"speed": 10}, "WEBP": {"method": 0}}
    shelf, examiner = Shelf(), Examiner(Asked(Pixels.NONE))
    results = {}
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF"):
        buffer, archive = io.BytesIO(), io.BytesIO()
        Image.fromarray(noise).save(buffer, kind, **options.get(kind, {}))
        data = buffer.getvalue()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for n in range(10):
                info = tarfile.TarInfo(f"{n}.{kind.lower()}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        shelf.files = {"/alone": data, "/ten.tar": archive.getvalue()}
        results[kind] = {"bytes": len(data)}
        opened = Place(f"{shelf.address}/alone").open
        source = TarSource([Place(f"{shelf.address}/ten.tar")])
        for name, count, samples in (
            ("alone", 1, [Sample("x", 0, opened)]),
            ("in a tar", 10, source.samples(next(source.shards()))),
        ):
            shelf.requests = shelf.sent = 0
            for sample in samples:
                assert examiner.examine(sample, Shard(0, "", {})).state is State.OK
            results[kind] |= {
                f"requests, {name}": shelf.requests / count,
                f"share read, {name}": round(shelf.sent / count / len(data), 4),
            }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000_000,
        help="of the long run; over a million are read from memory",
    )
    parser.add_argument("--headers", type=int, default=20_000)
    parser.add_argument("--pictures", type=int, default=60, help="of the full pass")
    parser.add_argument("--only", choices=("ranges", "headers", "full", "long", "coverage", "grid"))
    options = parser.parse_args()
    where = Path(tempfile.mkdtemp(prefix="audit-benchmark-"))
    results: dict[str, object] = {}
    try:
        if options.only in (None, "coverage"):
            results["coverage of the 95 % interval, 1,000 audits each"] = coverage()
        if options.only == "grid":  # ten minutes alone
            results["the same for 216 detectors, shares and sizes"] = grid()
        if options.only in (None, "ranges"):
            results["first stage over a network, for each picture"] = ranges()
        if options.only in (None, "headers"):
            data = folder(where / "small", options.headers, 96, ("PNG", "JPEG"), 400)
            for workers in (1, 2):
                done = timed(data, where / "out", Asked(Pixels.NONE), workers)
                results[f"headers alone, {workers} processes"] = done
        if options.only in (None, "full"):
            data = folder(where / "large", options.pictures, 1024, ("JPEG",), options.pictures)
            for workers in (1, 2):
                asked = replace(Asked(Pixels.ALL), seed=workers)
                done = timed(data, where / "out", asked, workers, files=4)
                results[f"full pass at 1024×1024, {workers} processes"] = done
        if options.only in (None, "long"):
            repeat = options.rows > 1_000_000
            count = 400 if repeat else options.rows
            data = folder(where / "many", count, 96, ("PNG", "JPEG"), 400)
            script = where / "long.py"
            script.write_text(SCRIPT)
            done = long_run(data, where / "long", options.rows, repeat, script)
            rows = sum(1 for _ in Run(where / "long").parts())
            results[f"{options.rows:,} rows, killed and gone on with"] = {**done, "parts": rows}
    finally:
        shutil.rmtree(where, ignore_errors=True)
    print(json.dumps(results, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
