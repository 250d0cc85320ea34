"""`provenance keys show|new|rotate|revoke`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.options import AsJson, ConfigFile

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.keys import Key, Role

app = typer.Typer(no_args_is_help=True, help="Show, replace and withdraw keys.")

What = Annotated[str, typer.Argument(metavar="signing|watermark", help="Which key.")]


@app.command()
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List active, retired and revoked keys, by ids that reveal nothing of them."""
    from provenance.keys import show as shown

    _print(shown(_settings(config)), as_json)


@app.command()
def new(
    what: What,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the new files.")],
) -> None:
    """Make a key that is not put to use: for another machine, or for a backup drill."""
    from provenance.files import make_private_folder, write_atomically
    from provenance.keys import Role, new_watermark_key
    from provenance.sign.development import create
    from provenance_cli.render import plain

    files = {"watermark.key": new_watermark_key()}
    if _role(what) is Role.SIGNING:
        chain = create("Provenance development")
        files = {
            "signing.pem": chain.certificates,
            "signing.key": chain.key,
            "trust.pem": chain.anchors,
        }
    if not output.is_dir():  # the rights of a folder that is there are its owner's business
        make_private_folder(output)
    for name, content in files.items():
        typer.echo(plain(str(write_atomically(output / name, content, mode=0o600))))


@app.command()
def rotate(what: What, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make a new key and retire the one in use; what the old one made still verifies."""
    from provenance.keys import rotate as rotated

    _print([rotated(_settings(config), _role(what))], as_json)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As provenance keys show gives it.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a retired key: what it made is no longer verified."""
    from provenance.keys import revoke as revoked

    _print([revoked(_settings(config), key_id)], as_json)


@app.command()
def client(
    name: Annotated[str, typer.Argument(help="Who will use it: letters, digits, . _ and -.")],
    config: ConfigFile = None,
) -> None:
    """Make an access key for a client of your servers; it is shown once, and kept as a digest."""
    from provenance.server import access
    from provenance_cli.render import plain, say

    settings = _settings(config)
    path = settings.service().clients or settings.path.parent / "keys" / "clients"
    key = access.add(path, name)
    typer.echo(plain(key))
    if settings.service().clients is None:
        say(f'not asked for yet: write clients = "{path}" below [service] in {settings.path}')


def _settings(path: Path | None) -> Config:
    from provenance.config import Config

    return Config.load(path)


def _role(what: str) -> Role:
    from provenance.errors import ConfigError
    from provenance.keys import Role

    try:
        return Role(what)
    except ValueError as error:
        raise ConfigError(f"'{what}' is no kind of key; expected signing or watermark") from error


def _print(keys: tuple[Key, ...] | list[Key], as_json: bool) -> None:
    from provenance_cli.render import line, plain

    for key in keys:
        if as_json:
            typer.echo(line(key.to_dict()))
            continue
        about = f"  {key.subject}, until {key.expires}" if key.subject else ""
        typer.echo(plain(f"{key.id}  {key.role.value:9}  {key.state.value:7}{about}"))
