"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on stdout, for programs.")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="The provenance.toml to use; else $PROVENANCE_CONFIG, else your configuration folder. "
        "Never read from the current folder.",
    ),
]
