"""Runs the commands in the README's console blocks and writes their real output below them.

    python docs/refresh_readme.py            rewrites README.md

A test runs the same and compares, after `normalised` has evened out what differs in every run.
Blocks of the language `console` hold lines that begin with `$ `; all run in one folder that holds
the example pictures, with a home folder of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # for the scripts in models/
README = ROOT / "README.md"
START, END = "<!-- watermark -->", "<!-- /watermark -->"
HOME = "/home/you"

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_VOLATILE = (
    (re.compile(r"urn:c2pa:[0-9a-f-]{36}"), "urn:c2pa:ID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "PAYLOAD"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"\d\d:\d\d UTC"), "UTC"),
    (re.compile(r"[\d,]+ bytes"), "N bytes"),
    (re.compile(r"\d+\.\d\d s\b"), "T s"),
)


def normalised(text: str) -> str:
    """The text with everything that differs in every run replaced."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text


def refreshed(text: str) -> str:
    """The README's text with the output of every command replaced by what it prints now."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        shutil.copytree(ROOT / "examples" / "pictures", work)
        home = Path(folder) / "home"
        home.mkdir()
        scripts = str(Path(sys.executable).parent)
        environment = {
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
            "HOME": str(home),
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
        }

        def run(block: re.Match[str]) -> str:
            lines = []
            for command in (x for x in block[0].splitlines() if x.startswith("$ ")):
                done = subprocess.run(
                    ["bash", "-c", command[2:]],
                    cwd=work,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                lines += [command, *done.stdout.replace(str(home), HOME).splitlines()]
            return "".join(f"{x}\n" for x in lines)

        return _BLOCK.sub(run, with_watermark_table(text))


def with_watermark_table(text: str) -> str:
    """The README's text with the main rows of the watermark's card, from models/watermark."""
    from models.watermark.render import suite_table

    metrics = json.loads((ROOT / "models/watermark/metrics.json").read_text(encoding="utf-8"))
    rows = suite_table(metrics, ["suite_1024", "suite_512", "small_256"])
    before, rest = text.split(START)
    return "\n".join([before + START, "", *rows, "", END + rest.split(END)[1]])


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text(encoding="utf-8")), encoding="utf-8")
