"""Write card.md, and the figures of docs/watermark.md, from metrics.json and free pictures.

Run: python -m models.watermark.render
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from provenance.watermark.calibration import ATTEMPTS, false_positive_rate, tail
from provenance.watermark.payload import Payload
from provenance.watermark.search import UNDERTONE_HANDICAP
from provenance.watermark.tile import LIMIT, STRENGTHS, TileWatermarker

from .results import load

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs/watermark"


def percent(value: float) -> str:
    """With one decimal."""
    return f"{100 * value:.1f}"


def between(interval: list[float]) -> str:
    """An interval in per cent."""
    return f"{percent(interval[0])} to {percent(interval[1])}"


def suite_table(metrics: dict[str, Any], names: list[str]) -> list[str]:
    """One row a suite: quality and recovery."""
    rows = [
        "| run | pictures × keys | bits | PSNR mean / least | worst 32² block | SSIM mean / least |"
        " exact, mean of attacks (95 % CI) | found but wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        if name not in metrics:
            continue
        m = metrics[name]
        rows.append(
            f"| {name} | {m['pictures']} × {m['keys']} | {m['bits']} | {m['psnr_mean']} / "
            f"{m['psnr_min']} | {m['worst_block_mean']} | {m['ssim_mean']} / {m['ssim_min']} | "
            f"{percent(m['exact_mean'])} % ({between(m['exact_ci95'])}) | "
            f"{len(m['found_but_wrong'])} of {m['reads']} |"
        )
    return rows


def attack_table(metrics: dict[str, Any], names: list[str], part: str) -> list[str]:
    """Exact recovery of every group or attack."""
    have = [name for name in names if name in metrics]
    if not have:
        return ["Not measured yet."]
    rows = [f"| {part[:-1]} | " + " | ".join(have) + " |", "|---|" + "---|" * len(have)]
    for item in metrics[have[0]][part]:
        cells = []
        for name in have:
            got = metrics[name][part].get(item)
            cells.append(f"{percent(got['exact'])} ({between(got['ci95'])})" if got else "")
        rows.append(f"| {item} | " + " | ".join(cells) + " |")
    return rows


def card(metrics: dict[str, Any]) -> str:
    """The model card."""
    calibration = metrics.get("calibration", {})
    lines = [
        "# Card: the tile watermark (org.provenance-kit.tile.1)",
        "",
        "Written by `python -m models.watermark.render` from metrics.json; do not edit.",
        "",
        "No weights. Code and constants are Apache-2.0; see docs/watermark.md for the method.",
        "Intended use: a pointer from a picture to its record that survives accidental and casual",
        "edits. Not for: proof by itself, or use against someone who sets out to remove it.",
        "",
        "## Data",
        "",
        "Tuning and test pictures share no source repository (pictures.py); photographs, generated",
        "pictures and illustrations. Keys of the evaluation were not used for tuning, but for",
        "two gates of the search, set after failures on test pictures of 512 pixels under the",
        "first key had been seen. Intervals are 95 %, by bootstrap over pictures; rates of counts",
        "by Wilson. Stealth, robust, 128 bits, 256 pixels and security were measured just before",
        "those gates were set, and not again.",
        "",
        "## Quality and exact recovery",
        "",
        *suite_table(
            metrics,
            [
                "suite_1024",
                "suite_512",
                "suite_1024_128_bits",
                "suite_1024_128_bits_balanced",
                "suite_1024_stealth",
                "suite_1024_robust",
                "beyond_1024",
                "beyond_512",
                "small_256",
            ],
        ),
        "",
        "Strengths: "
        + "; ".join(
            f"{name}: score {p.score} after JPEG 50, PSNR {p.loudest} to {p.faintest} dB"
            for name, p in STRENGTHS.items()
        )
        + ".",
        "",
        "### By group of the benchmark's 52 attacks, per cent exact",
        "",
        *attack_table(metrics, ["suite_1024", "suite_512"], "groups"),
        "",
        "### By attack",
        "",
        *attack_table(metrics, ["suite_1024", "suite_512"], "attacks"),
        "",
        "### Beyond the suite",
        "",
        *attack_table(metrics, ["beyond_1024", "beyond_512"], "attacks"),
        "",
    ]
    if "small_256" in metrics:
        lines += [
            "### Pictures of 256 pixels",
            "",
            *attack_table(metrics, ["small_256"], "attacks"),
            "",
        ]
    if calibration:
        lines += [
            "## False positives",
            "",
            f"Tail of the score fitted on {calibration['synthetic_reads']} synthetic reads and the "
            f"words of {calibration['real_reads']} reads of real unmarked pictures; a reading "
            f"counts as found below {LIMIT:g} per picture, all {ATTEMPTS} attempts included.",
            "",
            "| bits | words | largest score measured | score needed | rate there |",
            "|---|---|---|---|---|",
        ]
        for bits in (64, 128):
            needed = next(
                s for s in np.arange(8, 20, 0.01) if false_positive_rate(float(s), bits) <= LIMIT
            )
            lines.append(
                f"| {bits} | {calibration[str(bits)]['synthetic']['n']} | "
                f"{calibration[str(bits)]['synthetic']['largest']:.2f} | {needed:.2f} | "
                f"{false_positive_rate(float(needed), bits):.1e} |"
            )
        lines += [
            "",
            f"CRC residues of {calibration['crc_residues']} noise words: chi-square "
            f"{calibration['crc_residue_chi2_255']:.0f} at 255 degrees of freedom (uniform).",
        ]
    if "undertone" in metrics:
        m = metrics["undertone"]["64"]
        lines += [
            "",
            f"Words of the undertone, on {m['synthetic_reads']} synthetic reads: "
            f"{percent(m['measured_share_beyond_start'])} % (95 % CI {between(m['ci95'])} %) score "
            "beyond the start of the modelled tail, where the model has "
            f"{percent(m['modelled_share_beyond_start'])} %; largest score {m['largest']}. "
            f"The reader takes {UNDERTONE_HANDICAP} off these scores for it.",
        ]
    if "false_positives" in metrics:
        m = metrics["false_positives"]
        lines += [
            "",
            f"Check on other pictures: {m['found']} found in {m['reads']} reads of "
            f"unmarked real pictures and edited versions (95 % CI of the rate "
            f"{between(m['rate_ci95'])} %); largest score {m['largest_score_64']}.",
        ]
    lines += ["", "## Security, speed, stamps", ""]
    security = dict(metrics.get("security", {}))
    own = {size: security.pop(f"own_pattern_{size}", {}) for size in (512, 1024)}
    lines += own_pattern_table(own)
    for section, values in (
        ("security", security),
        ("speed", metrics.get("speed", {})),
        ("stamps", metrics.get("stamps", {})),
    ):
        lines += [f"### {section}", ""]
        # What is nested deeper is for docs/watermark.md, which has it as a table.
        shown = {k: v for k, v in values.items() if k not in ("rotations_at_or_below", "which")}
        lines += [f"- {name}: {value}" for name, value in shown.items()]
        lines += [""]
    lines += [
        "## Limits",
        "",
        "- Someone who knows the scheme can remove the mark (see own pattern above); regeneration",
        "  by a diffusion model or autoencoder is untested and surely removes it.",
        "- Large flat pictures lose it under WebP 50 or JPEG 20: what is invisible there is small.",
        "- Pictures under 192 pixels are not marked.",
        "",
    ]
    return "\n".join(lines)


def own_pattern_table(own: dict[int, dict[str, Any]]) -> list[str]:
    """What remains readable after a picture's own pattern was estimated and subtracted."""
    lines = [
        "### own pattern",
        "",
        "Someone who knows the tile's period folds the marked picture by so many tiles and "
        "subtracts what repeats. PSNR is against the marked picture.",
        "",
        "| attack | " + " | ".join(f"{size}: readable (95 % CI), PSNR" for size in own) + " |",
        "|---" * (len(own) + 1) + "|",
    ]
    for name in dict.fromkeys(name for rows in own.values() for name in rows):
        cells = [
            f"{r['readable']} of {r['n']} ({between(r['ci95'])} %), {r['psnr_to_marked_mean']} dB"
            if (r := rows.get(name))
            else "–"
            for rows in own.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def tail_figure(metrics: dict[str, Any]) -> str:
    """Measured exceedance of the score (steps) and the modelled tail (line), as SVG."""
    width, height, left, bottom = 640, 360, 60, 40
    low, high, decades = 8.0, 14.0, 7

    def x(score: float) -> float:
        return left + (score - low) / (high - low) * (width - left - 10)

    def y(rate: float) -> float:
        return 10 + min(decades, -np.log10(max(rate, 1e-30))) / decades * (height - bottom - 10)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(decades + 1):
        parts.append(
            f'<line x1="{left}" x2="{width - 10}" y1="{y(10.0**-power):.1f}" '
            f'y2="{y(10.0**-power):.1f}" stroke="#ddd"/><text x="8" '
            f'y="{y(10.0**-power) + 4:.1f}">1e-{power}</text>'
        )
    for score in range(int(low), int(high) + 1):
        parts.append(f'<text x="{x(score) - 6:.1f}" y="{height - 20}">{score}</text>')
    parts.append(
        f'<text x="{width / 2 - 110}" y="{height - 4}">score of a decoded word on '
        "unmarked material</text>"
    )
    for bits, colour in ((64, "#1b6ca8"), (128, "#b5542b")):
        data = metrics["calibration"][str(bits)]
        counts, edges = np.array(data["histogram"]), np.array(data["edges"])
        above = counts[::-1].cumsum()[::-1] / counts.sum()
        steps = " ".join(
            f"{x(e):.1f},{y(a):.1f}" for e, a in zip(edges[:-1], above, strict=True) if e >= low
        )
        parts.append(f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="2"/>')
        scores = [s for s in np.arange(low, high, 0.05) if tail(float(s), bits) < 1]
        line = " ".join(f"{x(s):.1f},{y(tail(float(s), bits)):.1f}" for s in scores)
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-dasharray="5 4"/>'
        )
        parts.append(
            f'<text x="{x(scores[0]) - 70:.1f}" y="{y(0.02) + 90:.1f}" fill="{colour}">'
            f"{bits} bits</text>"
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def flat_crops() -> None:
    """The flattest 128×128 of free pictures, before and after marking, at 300 %."""
    from scipy.ndimage import uniform_filter
    from skimage import data

    marker = TileWatermarker(bytes(range(32)))
    for name in ("rocket", "astronaut", "coffee"):
        pixels = np.ascontiguousarray(getattr(data, name)())
        marked = marker.embed_array(pixels, Payload(7))
        luma = pixels.astype(np.float64).mean(axis=2)
        busy = uniform_filter((luma - uniform_filter(luma, 9)) ** 2, 128)
        busy[luma < 24] = np.inf
        inner = busy[64:-64, 64:-64]
        row, column = np.unravel_index(int(inner.argmin()), inner.shape)
        pair = [p[row : row + 128, column : column + 128] for p in (pixels, marked)]
        both = np.concatenate(pair, axis=1)
        size = (both.shape[1] * 3, both.shape[0] * 3)
        image = Image.fromarray(both).resize(size, Image.Resampling.NEAREST)
        image.save(FIGURES / f"flat_{name}.png", optimize=True)


def main() -> None:
    """Write everything."""
    metrics = load()
    Path(__file__).with_name("card.md").write_text(card(metrics), encoding="utf-8")
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "tail.svg").write_text(tail_figure(metrics), encoding="utf-8")
    flat_crops()


if __name__ == "__main__":
    main()
