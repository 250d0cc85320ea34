"""Our mark against the peers, in one run of the watermark harness.

Run: python benchmarks/watermark.py --venvs DIR --images DIR [DIR] --speed PICTURE
         [--attacks NAME ...] [--most N] [--only SCHEME ...] [--harness DIR] [--out DIR]

`--harness` is the benchmark folder (bench.py, schemes.json, adapters, setup_peers.sh); `--venvs`
holds one virtual environment per peer, as its setup_peers.sh makes them; peers without one are
left out and named. Each scheme runs in its own process on one thread. Writes peers.md into `--out`,
or where `--table` says.

`--images` measures what is survived, `--speed` the time; either alone adds to the results that are
in `--out`, so slow peers can be run with fewer pictures: n is in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from provenance.watermark.trial import wilson

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
    parser.add_argument("--images", type=Path, nargs="+", default=[])
    parser.add_argument("--venvs", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/watermark-peers"))
    parser.add_argument("--table", type=Path, help="where peers.md goes; default: into --out")
    parser.add_argument("--budget", type=float, default=120, help="seconds per scheme and folder")
    parser.add_argument("--speed", type=Path, help="a picture for timing")
    parser.add_argument("--sides", nargs="+", default=["512", "1024"], help="of that picture")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--attacks", nargs="+", help="some of the harness's 53")
    parser.add_argument("--most", type=int, help="pictures of a folder, at most")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    listed, missing = schemes(options.harness.resolve(), options.venvs)
    chosen = {n: s for n, s in listed.items() if not options.only or n in options.only}
    file = (options.out / "schemes.json").resolve()
    file.write_text(json.dumps(chosen, indent=1), "utf-8")
    bench = [sys.executable, "bench.py"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    results = (options.out / "results").resolve()
    common = ["--schemes", str(file), "--out", str(results), "--budget", str(options.budget)]
    folders = [str(folder.resolve()) for folder in options.images]
    asked = []
    if folders:
        attacks = ["--attacks", *options.attacks] if options.attacks else []
        most = ["--max-images", str(options.most)] if options.most else []
        asked.append(["--images", *folders, *attacks, *most])
    if options.speed:
        sides = ["--speed-sizes", *options.sides, "--threads", "1"]
        asked.append(["--speed", str(options.speed.resolve()), *sides])
    for extra in asked:
        subprocess.run(
            [*bench, "run", *common, *extra], cwd=options.harness, env=environment, check=True
        )
    table = options.table or options.out / "peers.md"
    table.write_text(report(gathered(results), missing), "utf-8")
    print(table)


def gathered(results: Path) -> dict[str, dict[str, Any]]:
    """What the harness wrote: one file for each scheme; ours first."""
    found = (json.loads(file.read_text("utf-8")) for file in sorted(results.glob("*.json")))
    return {r["scheme"]: r for r in sorted(found, key=lambda r: r["scheme"] not in OURS)}


def report(results: dict[str, dict[str, Any]], missing: list[str]) -> str:
    """Markdown: what is survived, for each folder of pictures, and what it costs."""
    lines = [
        "# The mark against its peers",
        "",
        "Written by `benchmarks/watermark.py`: every scheme in the same harness, each in its own",
        "process, on pictures of the test set. Cells: pictures whose whole payload came",
        "back, in %, with the 95 % interval (Wilson) after JPEG 75; `*` is the detection rate of a",
        "scheme without a payload. Found: schemes that decide whether a picture carries a mark.",
        "Slow schemes had fewer pictures or attacks: n says how many.",
    ]
    folders = sorted({f for r in results.values() for f in r.get("runs", {})}, key=len)
    for folder in folders:
        lines += [
            "",
            f"## {folder}",
            "",
            *survived(results, folder),
            "",
            survivors(results, folder),
        ]
    lines += ["", "## Speed", "", *speeds(results)]
    errors = [f"{name}: {r['error']}" for name, r in results.items() if r.get("error")]
    lines += ["", *(f"Failed, {error}." for error in errors)] if errors else []
    lines += ["", f"Not run, no environment: {', '.join(missing)}."] if missing else []
    return "\n".join(lines) + "\n"


def survived(results: dict[str, dict[str, Any]], folder: str) -> list[str]:
    """A row for each scheme: quality, then every attack that was run."""
    runs = {n: r["runs"][folder] for n, r in results.items() if folder in r.get("runs", {})}
    runs = {name: run for name, run in runs.items() if run["images"]}
    attacks = list(dict.fromkeys(a for run in runs.values() for a in run["attacks"]))
    heads = ["scheme", "n", "bits", "PSNR dB", *attacks, "found, jpeg_75", "found, unmarked"]
    lines = [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
    ]
    for name, run in runs.items():
        psnr = sum(image["psnr"] for image in run["images"]) / len(run["images"])
        cells = [_share(run, attack) for attack in attacks]
        wrong = sum(bool(trial["found"]) for trial in run["fpr"])
        unmarked = f"{wrong}/{len(run['fpr'])}" if run["fpr"] else "–"
        lines.append(
            f"| {name} | {len(run['images'])} | {run['info']['payload_bits']} | {psnr:.1f} | "
            f"{' | '.join(cells)} | {_found(run)} | {unmarked} |"
        )
    return lines


def survivors(results: dict[str, dict[str, Any]], folder: str) -> str:
    """Peers of which at least half comes back after JPEG 75."""
    names = []
    for name, r in results.items():
        run = r.get("runs", {}).get(folder)
        rows = run["attacks"].get("jpeg_75") if run else None
        if rows and name not in OURS:
            key = "exact" if run["info"]["payload_bits"] else "found"
            names += [name] if 2 * sum(bool(row[key]) for row in rows) >= len(rows) else []
    return f"Peers of which at least half comes back after JPEG 75: {', '.join(names)}."


def _share(run: dict[str, Any], attack: str) -> str:
    rows = run["attacks"].get(attack)
    if not rows:
        return "–"
    bits = run["info"]["payload_bits"]
    hits = sum(bool(row["exact"] if bits else row["found"]) for row in rows)
    shown = f"{100 * hits / len(rows):.0f}{'' if bits else '*'}"
    if attack != "jpeg_75":
        return shown
    low, high = wilson(hits, len(rows))
    return f"{shown} ({100 * low:.0f} to {100 * high:.0f})"


def _found(run: dict[str, Any]) -> str:
    """After JPEG 75, by schemes that decide whether there is a mark."""
    rows = run["attacks"].get("jpeg_75", [])
    if not rows or run["info"]["threshold"] is None:
        return "–"
    return f"{100 * sum(bool(row['found']) for row in rows) / len(rows):.0f}"


def speeds(results: dict[str, dict[str, Any]]) -> list[str]:
    """CPU time on one thread, and how many times ours that is."""
    rows = {
        name: {row["size"]: row for row in r.get("speed", []) if "embed_cpu_ms" in row}
        for name, r in results.items()
    }
    rows = {name: sizes for name, sizes in rows.items() if sizes}
    ours = rows.get(next(iter(OURS)), {})
    sides = sorted({side for sizes in rows.values() for side in sizes})
    heads = [f"{side}², {verb}" for side in sides for verb in ("embed", "read")]
    lines = [f"| scheme | {' | '.join(heads)} | load |", f"|---|{'---|' * (len(heads) + 1)}"]
    for name, sizes in rows.items():
        cells = []
        for side in sides:
            for verb in ("embed_cpu_ms", "extract_cpu_ms"):
                mine, theirs = ours.get(side, {}).get(verb), sizes.get(side, {}).get(verb)
                cells.append("–" if theirs is None else _times(theirs, mine, name in OURS))
        load = max(row["loadavg"] for row in sizes.values())
        lines.append(f"| {name} | {' | '.join(cells)} | {load:.1f} |")
    lines += [
        "",
        "Milliseconds of CPU time on one thread; in brackets, how many times ours. Load: processes",
        "that were waiting; rows whose load differs much were timed in another run.",
    ]
    return lines


def _times(theirs: float, mine: float | None, own: bool) -> str:
    shown = f"{theirs:.1f}" if theirs < 100 else f"{theirs:.0f}"
    return shown if own or not mine else f"{shown} ({theirs / mine:.1f}×)"


if __name__ == "__main__":
    main()
