"""`provenance init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from provenance_cli.options import AsJson


def init(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", help="Folder for provenance.toml; your configuration folder if left out."
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="Your generator, as written in manifests.")
    ] = "my-generator",
    organization: Annotated[
        str, typer.Option("--organization", help="Named in the certificates.")
    ] = "Provenance development",
    passphrase_env: Annotated[
        str,
        typer.Option(help="Environment variable with a passphrase to encrypt the signing key."),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there; the old files are renamed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create the configuration, a development certificate and a watermark key."""
    from provenance import home
    from provenance.config import FILE_NAME, default_path
    from provenance.errors import ConfigError
    from provenance_cli.render import line, plain

    passphrase = os.environ.get(passphrase_env, "").encode() if passphrase_env else b""
    if passphrase_env and not passphrase:
        raise ConfigError(
            f"the environment variable {passphrase_env} is not set; set it to the passphrase first"
        )
    made = home.create(
        directory / FILE_NAME if directory else default_path(),
        organization=organization,
        name=name,
        passphrase=passphrase or None,
        passphrase_env=passphrase_env,
        force=force,
    )
    if as_json:
        record = {
            "config": str(made.config),
            "keys": str(made.keys),
            "certificate_expires": made.expires.isoformat(),
            "replaced": [str(p) for p in made.replaced],
        }
        typer.echo(line(record))
        return
    typer.echo(f"configuration  {plain(str(made.config))}")
    typer.echo(f"keys           {plain(str(made.keys))}  (readable by you alone: back it up)")
    for path in made.replaced:
        typer.echo(f"kept           {plain(str(path))}")
    expires = f"{made.expires:%Y-%m-%d}"
    typer.echo(
        f"\nThe certificate is for development and expires on {expires}. It is trusted\n"
        "by nobody else: others will see your pictures as intact, by a signer they do not know.\n"
        "For publication, get a certificate from a C2PA authority and name it under [signing]."
    )
    if directory:
        shown = plain(str(made.config))
        typer.echo(f"\nUse it with --config {shown}, or set PROVENANCE_CONFIG to that path.")
