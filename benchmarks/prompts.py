"""CPU milliseconds that the moderation of a prompt takes, by length and by kind of text.

    python benchmarks/prompts.py [--runs 15] [--write]

`--write` puts the table into docs/prompts.md. CPU time of one thread, the median over the runs;
short prompts are repeated within a run, since a clock tick is long beside them.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from provenance.moderate.prompt import Prompt, PromptTerms

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs/prompts.md"
START, END = "<!-- speed: benchmarks/prompts.py -->", "<!-- end of speed -->"
STYLE = (
    "masterpiece, best quality, ultra-detailed, 1girl, solo, long silver hair, blue eyes, white "
    "sundress, straw hat, sunflower field, looking at viewer, smile, depth of field, golden hour, "
    "(photorealistic:1.3), 8k uhd, film grain, fujifilm xt3, <lora:detail_tweaker:0.6>"
)
NEGATIVE = (
    "nsfw, nude, lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, "
    "cropped, worst quality, low quality, jpeg artifacts, signature, watermark, blurry"
)
CHINESE = (
    "杰作，最高质量，一个穿汉服的女孩站在桃花林里，微笑，柔和的阳光，水墨风格，背景有远山和小桥"
)
WORST = ("裸", "n u d e ", "a*b ", "n-u-", "1a", "no ", "nude ", "child nsfw ")


def measured(work: Callable[[], object], runs: int, repeat: int) -> float:
    """Median CPU milliseconds of one call."""
    work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        for _ in range(repeat):
            work()
        times.append((time.process_time() - start) / repeat * 1000)
    return statistics.median(times)


def loading() -> float:
    """CPU milliseconds of reading the lists for the first time, in a new process."""
    code = (
        "import time; from provenance.moderate.prompt import PromptTerms;"
        "t = time.process_time(); PromptTerms.standard().scores('a cat');"
        "print((time.process_time() - t) * 1000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def rows(runs: int) -> list[tuple[str, int, float]]:
    """What was measured: label, characters, milliseconds."""
    lists = PromptTerms.standard()
    long = (STYLE + ", ") * 400
    cases = [
        ("a sentence", "a corgi wearing sunglasses, studio photo", 200),
        ("a list of tags", STYLE, 100),
        ("a list of tags and a negative prompt", Prompt(STYLE, NEGATIVE), 100),
        ("Chinese", CHINESE, 200),
        ("the same tags in other alphabets", STYLE.replace("a", "а").replace("e", "е"), 50),
        ("100,000 characters of tags", long[:100_000], 1),
    ]
    found = [
        (
            label,
            len(text) + len(getattr(text, "negative", "")),
            measured(lambda text=text: lists.scores(text), runs, repeat),
        )  # type: ignore[misc]
        for label, text, repeat in cases
    ]
    worst = max(
        (measured(lambda unit=unit: lists.scores((unit * 100_000)[:100_000]), 3, 1), unit)  # type: ignore[misc]
        for unit in WORST
    )
    found.append(
        (f"100,000 characters, the worst of {len(WORST)} hostile texts", 100_000, worst[0])
    )
    first = statistics.median(loading() for _ in range(5))
    return [*found, ("reading the lists, once in a process", 0, first)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    lines = ["| Prompt | characters | CPU ms |", "|---|---|---|"]
    for label, length, ms in rows(given.runs):
        lines.append(f"| {label} | {f'{length:,}' if length else ''} | {ms:.3g} |")
    lines.append("")
    lines.append(f"Python {platform.python_version()}, one thread of {platform.machine()}.")
    table = "\n".join(lines)
    print(table)
    if given.write:
        text = DOCS.read_text(encoding="utf-8")
        before, _, rest = text.partition(START)
        _, _, after = rest.partition(END)
        DOCS.write_text(f"{before}{START}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
