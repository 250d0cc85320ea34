"""A contact sheet of a dry run: one HTML file with all in it, blurred until somebody looks.

There is no script in it and nothing is loaded: a policy in the file forbids both.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Sequence

from provenance.moderate.interface import FLOOR, Finding, Policy
from provenance.moderate.preview import WORDS, Outcome, Preview, summary

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fafafa; --soft: #5c6670;
  --line: #d5dae0; --accent: #0b5fce; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #16191d; --soft: #a2abb5; --line: #343a41; --accent: #79b0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem; font: 15px/1.45 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .6rem; padding-top: .6rem;
  border-top: 1px solid var(--line); }
p { margin: .2rem 0; color: var(--soft); max-width: 60rem; }
table { border-collapse: collapse; margin: .8rem 0; }
th, td { text-align: left; padding: .1rem 1.2rem .1rem 0; font-weight: normal; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.all { display: inline-block; margin: .6rem 0; padding: .35rem .7rem; cursor: pointer;
  border: 1px solid var(--line); border-radius: .4rem; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr)); }
figure { margin: 0; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
.frame { display: block; position: relative; height: 11rem; overflow: hidden; cursor: pointer;
  background: #8886; }
.frame img { width: 100%; height: 100%; object-fit: contain; filter: blur(18px); }
.frame span { position: absolute; inset: auto .4rem .4rem auto; padding: .05rem .5rem;
  border-radius: .8rem; font-size: .8rem; background: #000b; color: #fff; }
.frame span::after { content: "show"; }
.show { position: absolute; opacity: 0; }
.show:checked ~ img, body:has(#all:checked) .frame img { filter: none; }
.show:checked ~ span::after { content: "hide"; }
body:has(#all:checked) .frame span { display: none; }
.frame:has(:focus-visible), .all:has(:focus-visible) { outline: 3px solid var(--accent);
  outline-offset: -3px; }
.none { display: grid; place-items: center; height: 11rem; padding: 1rem; text-align: center;
  color: var(--soft); background: #8882; }
figcaption { padding: .5rem .6rem; font-size: .85rem; overflow-wrap: anywhere; }
figcaption ul { margin: .25rem 0 0; padding: 0; list-style: none; color: var(--soft); }
.was { color: var(--accent); }
"""


def sheet(policy: Policy, previews: Sequence[Preview], against: Policy | None = None) -> str:
    """The sheet as HTML.

    The thumbnails are in the file, blurred or not: it is as confidential as the pictures.

    Args:
        policy: whose outcomes come first in each preview.
        previews: of the pictures.
        against: whose outcomes come last, to show what would change.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    rules = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    title = f"Policy {_safe(policy.name)}: {len(previews):,} pictures"
    head = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
    )
    body = "\n".join(_body(title, policy, previews, against))
    return f"{head}<body>\n{body}\n</body>\n</html>\n"


def _body(
    title: str, policy: Policy, previews: Sequence[Preview], against: Policy | None
) -> Iterator[str]:
    yield f"<h1>{title}</h1>"
    yield (
        f"<p>A dry run: no picture was changed, marked, signed or recorded. Digest of the policy: "
        f"{policy.digest}.</p>"
    )
    if against is not None:
        yield f"<p>Compared with policy {_safe(against.name)}, {against.digest}.</p>"
    yield (
        "<p>The thumbnails are in this file, blurred or not, and the scores would teach how to "
        "pass: keep it as confidential as the pictures.</p>"
    )
    yield from _table(previews)
    yield '<label class="all"><input type="checkbox" id="all"> show all pictures</label>'
    yield "<main>"
    if against is not None:
        changed = [each for each in previews if each.changes]
        yield from _group(f"Changed against {_safe(against.name)}", changed)
        previews = [each for each in previews if not each.changes]
    for word in WORDS:
        yield from _group(word, [each for each in previews if each.outcomes[0].word == word])
    yield "</main>"


def _table(previews: Sequence[Preview]) -> Iterator[str]:
    counted = summary(previews)
    yield "<table>"
    for word, pictures in counted.actions.items():
        named = ", ".join(f"{_safe(c)} {n:,}" for c, n in counted.categories[word].items())
        yield f'<tr><th scope="row">{word}</th><td class="n">{pictures:,}</td><td>{named}</td></tr>'
    for (old, new), pictures in counted.changes.items():
        yield (
            f'<tr><th scope="row" class="was">{old} → {new}</th><td class="n">{pictures:,}</td>'
            "<td></td></tr>"
        )
    yield "</table>"


def _group(title: str, previews: Sequence[Preview]) -> Iterator[str]:
    if not previews:
        return
    yield f'<section>\n<h2>{title} ({len(previews):,})</h2>\n<div class="grid">'
    for each in sorted(previews, key=_worst_first):
        yield _figure(each)
    yield "</div>\n</section>"


def _worst_first(each: Preview) -> tuple[float, str]:
    scores = [f.score or 0.0 for f in each.outcomes[0].findings]
    return -max(scores, default=0.0), str(each.path)


def _figure(each: Preview) -> str:
    first = each.outcomes[0]
    name = _safe(each.path.name)
    where = _safe(str(each.path))
    was = f'<b class="was">{each.outcomes[-1].word} → </b>' if each.changes else ""
    items = "".join(f"<li>{line}</li>" for line in _lines(first))
    return (
        f"<figure>{_frame(each, name)}<figcaption>"
        f'<bdi title="{where}">{name}</bdi><br>{was}<b>{first.word}</b><ul>{items}</ul>'
        "</figcaption></figure>"
    )


def _frame(each: Preview, name: str) -> str:
    if not each.thumbnail:
        return '<div class="none">not shown</div>'
    data = base64.b64encode(each.thumbnail).decode()
    return (
        f'<label class="frame"><input type="checkbox" class="show" aria-label="show {name}">'
        f'<img alt="" src="data:image/jpeg;base64,{data}"><span></span></label>'
    )


def _lines(outcome: Outcome) -> Iterator[str]:
    if outcome.problem:
        yield _safe(outcome.problem)
    for finding in outcome.findings:
        yield _safe(scored(finding))


def scored(finding: Finding) -> str:
    """A finding on one line: `nudity 0.91, block from 0.8`. Of the floor, no score."""
    if finding.category in FLOOR:
        refused = finding.score is None and finding.action.value == "block"
        return f"{finding.category}: {'no policy can allow it' if refused else 'allowed'}"
    score = "" if finding.score is None else f" {finding.score:.2f}"
    limit = "" if finding.threshold is None else f", {finding.action} from {finding.threshold:.2f}"
    if finding.action.value == "allow":
        limit = ", allowed"
    return f"{finding.category}{score}{limit}"


def _safe(text: str) -> str:
    """The text for HTML, without characters that would show another name than there is."""
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))
