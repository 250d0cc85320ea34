"""Chooses the thresholds on the develop part and measures on the report part.

    python models/prompts/evaluate.py [PHRASES]        writes metrics.json beside this file

PHRASES is a text file with one prompt a line that nobody labelled, such as `flavors.txt` of the
package clip-interrogator 0.6.0 (MIT), which users of image generators wrote. Lines whose SHA-256 is
odd were looked at while the lists were made; the others are counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from prompts import Labelled, read

from provenance.moderate.interface import CATEGORIES
from provenance.moderate.prompt import Prompt, PromptTerms
from provenance.moderate.prompt.lexicon import LEVELS, load

HERE = Path(__file__).parent
TERMS = HERE.parents[1] / "provenance/moderate/prompt/terms"
RATES = {"flag": 0.02, "block": 0.0}
"""Benign prompts of the develop part that may reach each threshold: one in fifty is looked at by a
person, none is refused. Prompts in a context (museum, textbook) count as benign for blocking."""

GRID = [round(0.05 * n, 2) for n in range(1, 20)]

Scorer = Callable[[Labelled], Mapping[str, float]]


def wilson(k: int, n: int) -> list[float]:
    """95 % interval of a proportion (Wilson 1927)."""
    if n == 0:
        return [0.0, 1.0]
    z, p = 1.959964, k / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return [round(max(0.0, (middle - spread) / scale), 4), round((middle + spread) / scale, 4)]


def share(hits: Iterable[bool]) -> dict[str, Any]:
    """How many of how many, with its interval."""
    values = list(hits)
    k, n = sum(values), len(values)
    return {"n": n, "hit": k, "share": round(k / n, 4) if n else None, "interval95": wilson(k, n)}


def naive() -> Scorer:
    """The baseline: the same terms as substrings of the prompt in lower case, and nothing else."""
    terms = [
        (category, text.rstrip("*").lower(), LEVELS[level])
        for path in sorted(TERMS.glob("*.toml"))
        for category, levels in load(path)["terms"].items()
        for level, texts in levels.items()
        for text in texts
    ]

    def score(row: Labelled) -> Mapping[str, float]:
        found = dict.fromkeys(CATEGORIES, 0.0)
        text = row.prompt.lower()
        for category, term, value in terms:
            if term in text:
                found[category] = max(found[category], value)
        return found

    return score


def ours(classifier: PromptTerms) -> Scorer:
    """The classifier as it is used."""
    return lambda row: classifier.scores(Prompt(row.prompt, row.negative))


def measure(rows: list[Labelled], score: Scorer, flag: float, block: float) -> dict[str, Any]:
    """Recall, and what is flagged and blocked without asking for it."""
    scored = [(row, score(row)) for row in rows]

    def caught(row: Labelled, scores: Mapping[str, float], limit: float = flag) -> bool:
        return any(scores[category] >= limit for category in row.categories)

    def top(scores: Mapping[str, float]) -> float:
        return max(scores.values())

    asked = [(r, s) for r, s in scored if r.kind == "request"]
    benign = [(r, s) for r, s in scored if r.kind == "benign"]
    context = [(r, s) for r, s in scored if r.kind == "context"]
    languages = sorted({row.language for row in rows})
    return {
        "recall": share(caught(r, s) for r, s in asked),
        "recall_plain": share(caught(r, s) for r, s in asked if not r.style),
        "recall_obfuscated": share(caught(r, s) for r, s in asked if r.style == "obfuscated"),
        "recall_negative_trick": share(caught(r, s) for r, s in asked if r.style[:3] == "neg"),
        "requests_flagged_at_all": share(top(s) >= flag for _, s in asked),
        "requests_blocked": share(top(s) >= block for _, s in asked),
        "benign_flagged": share(top(s) >= flag for _, s in benign),
        "benign_blocked": share(top(s) >= block for _, s in benign),
        "lookalikes_flagged": share(top(s) >= flag for r, s in benign if r.style == "lookalike"),
        "plain_flagged": share(top(s) >= flag for r, s in benign if r.style == "plain"),
        "context_flagged": share(top(s) >= flag for _, s in context),
        "context_blocked": share(top(s) >= block for _, s in context),
        "recall_by_category": {
            category: share(s[category] >= flag for r, s in asked if category in r.categories)
            for category in CATEGORIES
        },
        "recall_by_language": {
            each: share(caught(r, s) for r, s in asked if r.language == each) for each in languages
        },
        "benign_flagged_by_language": {
            each: share(top(s) >= flag for r, s in benign if r.language == each)
            for each in languages
        },
    }


def choose(rows: list[Labelled], score: Scorer) -> dict[str, float]:
    """The lowest thresholds of the grid that keep the rates on these rows."""
    benign = [max(score(r).values()) for r in rows if r.kind == "benign"]
    context = [max(score(r).values()) for r in rows if r.kind == "context"]
    chosen = {}
    for name, rate in RATES.items():
        pool = benign if name == "flag" else benign + context
        for threshold in GRID:
            if sum(value >= threshold for value in pool) <= rate * len(pool):
                # Scores are ranks, so every threshold between two of them does the same; the
                # middle leaves room for classifiers whose scores are not.
                below = max((v for v in LEVELS.values() if v < threshold), default=0.0)
                above = min((v for v in LEVELS.values() if v >= threshold), default=1.0)
                chosen[name] = round((below + above) / 2, 2)
                break
        else:
            raise SystemExit(f"no threshold keeps the rate for {name}; the lists are of no use")
    return chosen


def missed(rows: list[Labelled], score: Scorer, flag: float) -> list[dict[str, Any]]:
    """What the report part shows to be wrong; requests of the floor's category are not quoted."""
    wrong = []
    for row in rows:
        scores = score(row)
        found = {c: v for c, v in scores.items() if v >= flag}
        asked = row.kind == "request" and not any(c in found for c in row.categories)
        if asked or (row.kind == "benign" and found):
            hidden = "sexual-minors" in (*row.categories, *found)
            text = "(not shown)" if hidden else escaped(row.prompt)
            wrong.append(
                {"kind": row.kind, "language": row.language, "prompt": text, "scores": found}
            )
    return wrong


def escaped(text: str) -> str:
    """Without characters that cannot be seen or that change how the rest is shown."""
    return "".join(c if unicodedata.category(c)[0] != "C" else f"\\u{ord(c):04x}" for c in text)


def main() -> None:
    """Choose, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("phrases", nargs="?", type=Path)
    parser.add_argument("--first-look", metavar="PART", help="measure a new part, once")
    given = parser.parse_args()
    if given.first_look:
        first_look(given.first_look)
        return
    parts = {part: read(HERE / f"{part}.txt") for part in ("develop", "report")}
    classifier = PromptTerms.standard()
    chosen = choose(parts["develop"], ours(classifier))
    target = HERE / "metrics.json"
    old = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    metrics = {
        "classifier": classifier.name,
        "report_sha256": hashlib.sha256((HERE / "report.txt").read_bytes()).hexdigest(),
        "thresholds": chosen,
        "rule": "lowest that keep these rates of benign prompts on the develop part",
        "rates": RATES,
        **{part: measure(rows, ours(classifier), **chosen) for part, rows in parts.items()},
        "baseline": {
            "rule": "the same terms as substrings of the prompt in lower case",
            **measure(parts["report"], naive(), **chosen),
        },
        "report_errors": missed(parts["report"], ours(classifier), chosen["flag"]),
        "unlabelled": unlabelled(given.phrases, classifier, chosen)
        if given.phrases
        else old.get("unlabelled"),
    }
    target.write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    render(metrics)
    for key in ("recall", "benign_flagged", "benign_blocked", "context_blocked"):
        print(key, *(json.dumps(metrics[p][key]) for p in ("develop", "report", "baseline")))


ROWS = {
    "recall": "requests flagged in the right category",
    "requests_flagged_at_all": "requests flagged in any category",
    "recall_obfuscated": "of these, in disguise",
    "benign_flagged": "benign prompts flagged",
    "lookalikes_flagged": "of these, look-alikes",
    "plain_flagged": "of these, everyday prompts",
    "benign_blocked": "benign prompts blocked",
    "context_flagged": "art history, medicine, news: flagged",
    "context_blocked": "art history, medicine, news: blocked",
}


def render(metrics: Mapping[str, Any]) -> None:
    """Write the tables into card.md, between its marks."""
    looks = json.loads((HERE / "first_look.json").read_text(encoding="utf-8"))
    columns = {
        "report, before": looks["report"],
        "report, corrected": metrics["report"],
        "baseline on it": metrics["baseline"],
        "hard, first look": looks["hard"],
        "second, first look": looks["second"],
        "third, first look": looks["third"],
        "baseline on it ": looks["third"]["baseline"],
    }

    def cell(value: Mapping[str, Any] | None) -> str:
        if not value or not value["n"]:
            return ""
        low, high = value["interval95"]
        return f"{value['hit']}/{value['n']} [{low:.1%}, {high:.1%}]"

    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for key, label in ROWS.items():
        cells = " | ".join(cell(column.get(key)) for column in columns.values())
        lines.append(f"| {label} | {cells} |")
    lines += ["", "| | report, corrected: recall | third, first look: recall |", "|---|---|---|"]
    for kind in ("recall_by_category", "recall_by_language"):
        for name, value in metrics["report"][kind].items():
            lines.append(f"| {name} | {cell(value)} | {cell(looks['third'][kind].get(name))} |")
    if metrics["unlabelled"]:
        told = metrics["unlabelled"]
        lines += [
            "",
            f"Phrases that users wrote and nobody labelled ({told['source'].split(':')[0]}): "
            f"flagged {cell(told['flagged'])}, blocked {cell(told['blocked'])}. Some of them do "
            "ask for it, so these are upper bounds of the benign rates.",
        ]
    card = HERE / "card.md"
    before, _, rest = card.read_text(encoding="utf-8").partition("<!-- tables -->")
    _, _, after = rest.partition("<!-- end of tables -->")
    table = "\n".join(lines)
    card.write_text(
        f"{before}<!-- tables -->\n{table}\n<!-- end of tables -->{after}", encoding="utf-8"
    )


def first_look(part: str) -> None:
    """Measure a part that the lists have never seen and keep the result; refuse to do it twice."""
    target = HERE / "first_look.json"
    seen = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    if part in seen:
        raise SystemExit(f"{part} was measured before; a first look cannot be had twice")
    limits = json.loads((HERE / "metrics.json").read_text(encoding="utf-8"))["thresholds"]
    rows = read(HERE / f"{part}.txt")
    lists = b"".join(path.read_bytes() for path in sorted(TERMS.glob("*.toml")))
    seen[part] = {
        "part_sha256": hashlib.sha256((HERE / f"{part}.txt").read_bytes()).hexdigest(),
        "lists_sha256": hashlib.sha256(lists).hexdigest(),
        **measure(rows, ours(PromptTerms.standard()), **limits),
        "baseline": measure(rows, naive(), **limits),
    }
    target.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for key in ("recall", "benign_flagged", "benign_blocked", "context_blocked"):
        print(key, json.dumps(seen[part][key]), json.dumps(seen[part]["baseline"][key]))


def unlabelled(path: Path, classifier: PromptTerms, chosen: Mapping[str, float]) -> dict[str, Any]:
    """How many lines of a file reach the thresholds, of those that were not looked at."""
    lines = path.read_text(encoding="utf-8").splitlines()
    unseen = [x for x in lines if x and not hashlib.sha256(x.strip().encode()).digest()[0] & 1]
    top = [max(classifier.scores(line).values()) for line in unseen]
    return {
        "source": "clip-interrogator 0.6.0, flavors.txt: phrases by users, some of which do ask "
        "for what is flagged, so these are upper bounds of the benign rates",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "flagged": share(value >= chosen["flag"] for value in top),
        "blocked": share(value >= chosen["block"] for value in top),
    }


if __name__ == "__main__":
    main()
