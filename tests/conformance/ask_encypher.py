"""Prints what encypher-c2pa says of each file, as JSON: python ask_encypher.py FOLDER."""

import json
import sys
from pathlib import Path

import encypher_c2pa

folder = Path(sys.argv[1])
signers, authorities = ((folder / name).read_text() for name in ("signers.pem", "authorities.pem"))
for name, media_type in json.loads((folder / "files.json").read_text()):
    report = encypher_c2pa.verify(
        (folder / name).read_bytes(),
        media_type,
        trust_pem=signers,
        tsa_trust_pem=authorities,
        no_default_trust=True,
        telemetry=False,
        online=False,
    )
    said = {"name": name, "state": report["validation_state"], **report["manifest_report"]}
    print(json.dumps(said, default=str))
