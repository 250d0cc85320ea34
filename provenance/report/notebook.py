"""An asset as notebooks show it: the picture, the verdict, and what it rests on.

Styled in attributes alone, since notebooks take `<style>` out of what they do not trust; without
colours of its own but the badge's, since it has to be read on light and on dark.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

from provenance.evidence import Evidence
from provenance.report.markup import Markup, data_uri, joined, tag
from provenance.report.pictures import thumbnail_of
from provenance.report.words import CHECKS, STATUSES, sign, title, tone

if TYPE_CHECKING:
    from provenance.picture import Asset

_SHOWN = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif"})
"""What browsers show."""

_MOST = 2 << 20
"""Bytes: in base64 just under the 3 MB that Jupyter lets through in one go
(`iopub_data_rate_limit` times `rate_limit_window`, by default)."""

_TONES = {"good": "#0f6b3a", "bad": "#a4161a", "open": "#7a5200"}
"""Under white letters, at a contrast of 6 to 1 and more."""

_TABLE = "border-collapse: collapse; margin: 0; table-layout: fixed; width: 100%"
_CELL = "text-align: left; vertical-align: top; padding: .15em .8em .15em 0; white-space: normal"


def card(asset: Asset) -> str:
    """HTML to stand in a page of somebody else's; everything from the file is escaped.

    The picture is the asset's very bytes, so that saving it from the notebook saves the signed
    file; one that is too large or that browsers do not show is scaled down, which is said.
    """
    verdict = asset.report.verdict
    badge = tag(
        "span",
        f"{sign(verdict)} {title(verdict)}",
        style=f"background: {_TONES[tone(verdict)]}; color: #fff; padding: .2em .7em; "
        "border-radius: 1em; font-weight: 600; white-space: nowrap",
    )
    told = tag(
        "div",
        tag("p", badge, style="margin: 0 0 .5em"),
        tag("p", verdict.headline, style="margin: 0 0 .5em"),
        tag("table", tag("tbody", *_rows(asset)), style=_TABLE),
        style="flex: 1 1 20em; min-width: 0",
    )
    return tag(
        "div",
        _picture(asset),
        told,
        style="display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start; "
        "max-width: 60em; overflow-wrap: anywhere; font-family: system-ui, sans-serif; "
        "font-size: 13px; line-height: 1.45",
    )


def _picture(asset: Asset) -> Markup:
    label, caption = "The protected picture", ""
    if asset.media_type in _SHOWN and len(asset.data) <= _MOST:
        source = data_uri(asset.media_type, base64.b64encode(asset.data).decode("ascii"))
    else:
        shown = thumbnail_of(asset.data)
        if shown is None:
            return Markup("")
        source, caption = shown.address, "A preview, without mark and credentials: save the asset."
    image = tag(
        "img",
        src=source,
        alt=label,
        style="max-width: 192px; max-height: 192px; display: block; margin: 0",
    )
    small = tag("figcaption", caption, style="max-width: 192px; font-size: 11px") if caption else ""
    return tag("figure", image, small, style="margin: 0; flex: none")


def _rows(asset: Asset) -> Iterator[Markup]:
    kind = asset.media_type.rpartition("/")[2].upper()
    yield _row("File", f"{kind}, {asset.width} × {asset.height}, {len(asset.data):,} bytes")
    yield _row("Manifest", tag("code", asset.manifest_id))
    mark = tag("code", asset.watermark_id) if asset.watermark_id else "none"
    yield _row("Watermark id", mark)
    policy = asset.decision.policy.partition("@")[0]
    yield _row("Moderation", f"{asset.decision.action.value}{f', policy {policy}' * bool(policy)}")
    for evidence in asset.report.evidence:
        yield _row(CHECKS.get(evidence.source, (evidence.source, ""))[0], _found(evidence))
    for note in asset.notes:
        yield _row("Note", note)


def _found(evidence: Evidence) -> Markup:
    mark, word, _ = STATUSES[evidence.status]
    return joined(tag("strong", f"{mark} {word}"), f": {evidence.explanation}")


def _row(name: str, value: str) -> Markup:
    head = tag("th", name, scope="row", style=f"{_CELL}; font-weight: 600; width: 11em")
    return tag("tr", head, tag("td", value, style=_CELL), style="background: none")
