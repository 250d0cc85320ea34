"""Our mark against the peers, in one run of the watermark harness.

Run: python benchmarks/watermark.py --images DIR [DIR] --venvs DIR [--harness DIR] [--out DIR]

`--harness` is the benchmark folder (bench.py, schemes.json, adapters, setup_peers.sh); `--venvs`
holds one virtual environment per peer, as its setup_peers.sh makes them; peers without one are
left out and named. Each scheme runs in its own process on one thread. Writes peers.json and
peers.md into `--out`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = {"provenance-tile-64": "Tile", "provenance-tile-128": "Tile128"}


def schemes(harness: Path, venvs: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    """All schemes that can run here, ours first, and the peers that cannot."""
    chosen = {
        name: {"adapter": f"{HERE / 'watermark_adapter.py'}:{cls}", "python": sys.executable}
        for name, cls in OURS.items()
    }
    missing = []
    for name, scheme in json.loads((harness / "schemes.json").read_text("utf-8")).items():
        if "python" not in scheme:
            continue
        python = venvs / Path(scheme["python"]).parts[-3] / "bin" / "python"
        if python.exists():
            path, _, cls = scheme["adapter"].partition(":")
            adapter = str(harness / path) + (f":{cls}" if cls else "")
            chosen[name] = {"adapter": adapter, "python": str(python.absolute())}
        else:
            missing.append(name)
    return chosen, missing


def main() -> None:
    """Run the harness over every scheme, then its report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--harness", type=Path, default=Path("../shared/tools/watermark-bench"))
    parser.add_argument("--images", type=Path, nargs="+", required=True)
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/watermark-peers"))
    parser.add_argument("--table", type=Path, help="where peers.md goes; default: into --out")
    parser.add_argument("--budget", type=float, default=120, help="seconds per scheme and folder")
    parser.add_argument("--speed", type=Path, help="a picture for timing; default: the first")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--core", action="store_true", help="16 attacks instead of 53")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    listed, missing = schemes(options.harness.resolve(), options.venvs)
    chosen = {n: s for n, s in listed.items() if not options.only or n in options.only}
    file = (options.out / "schemes.json").resolve()
    file.write_text(json.dumps(chosen, indent=1), "utf-8")
    speed = options.speed or sorted(options.images[-1].glob("*.png"))[0]
    bench = [sys.executable, "bench.py"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    results = (options.out / "results").resolve()
    common = ["--schemes", str(file), "--out", str(results), "--budget", str(options.budget)]
    folders = [str(folder.resolve()) for folder in options.images]
    core = ["--core"] if options.core else []
    for extra in (
        ["--images", *folders, *core],
        ["--speed", str(speed.resolve()), "--speed-sizes", "512", "1024", "--threads", "1"],
    ):
        subprocess.run(
            [*bench, "run", *common, *extra], cwd=options.harness, env=environment, check=True
        )
    table, summary = options.table or options.out / "peers.md", options.out / "peers.json"
    subprocess.run(
        [
            *bench,
            "report",
            "--out",
            str(results),
            "--md",
            str(table.resolve()),
            "--json",
            str(summary.resolve()),
        ],
        cwd=options.harness,
        env=environment,
        check=True,
    )
    if missing:
        with table.open("a", encoding="utf-8") as out:
            out.write(f"\nNot run, no environment: {', '.join(missing)}.\n")
    print(table)


if __name__ == "__main__":
    main()
