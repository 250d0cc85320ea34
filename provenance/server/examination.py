"""`Examiner`: what is known of a file, in the form that was asked for. Knows nothing of HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from provenance.codec.limits import Limits
from provenance.report.history import Step, history
from provenance.report.page import page
from provenance.report.pictures import Shown, preview
from provenance.server.page.telling import told
from provenance.server.page.words import LANGUAGES, words
from provenance.server.public import public
from provenance.server.upload import upload
from provenance.verify.verifier import Verifier


class Form(StrEnum):
    """How a report is answered, with its media type."""

    JSON = "application/json"
    HTML = "text/html"
    FULL = "full"


class Examiner:
    """Verifies, and renders.

    Args:
        verifier: gathers evidence and concludes.
        limits: on bytes and pixels.
    """

    def __init__(self, verifier: Verifier, limits: Limits) -> None:
        self._verifier = verifier
        self._limits = limits

    def examine(self, pieces: Sequence[bytes], content_type: str, name: str, form: Form) -> bytes:
        """The report on the file in a body.

        Args:
            pieces: the body.
            content_type: of the body.
            name: of the file, if the body does not say it.
            form: of the answer.

        Raises:
            Refusal: the body is a form that cannot be understood.
            InputError: the file cannot be examined.
        """
        sent = upload(pieces, content_type)
        report = public(self._verifier.verify(sent.data, name=sent.name or name))
        if form is Form.JSON:
            return _json(report.to_dict())
        text = page(report, sent.data, limits=self._limits)
        if form is Form.HTML:
            return text.encode("utf-8", "replace")
        shown = preview(sent.data, self._limits) if report.width else None
        first = history(sent.data)
        return _json(
            {
                "report": report.to_dict(),
                "html": text,
                "picture": _picture(shown),
                "history": None if first is None else _step(first),
                "said": {each: told(report, words(each)) for each in LANGUAGES},
            }
        )


def _json(value: Any) -> bytes:
    # In ASCII, so that half a surrogate pair out of somebody's metadata is no error.
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _picture(shown: Shown | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    return {"address": str(shown.address), "width": shown.width, "height": shown.height}


def _step(step: Step) -> dict[str, Any]:
    return {
        "title": step.title,
        "relationship": step.relationship,
        "signer": step.signer,
        "tool": step.tool,
        "actions": list(step.actions),
        "problems": list(step.problems),
        "picture": _picture(step.picture),
        "made_from": [_step(each) for each in step.made_from],
        "cut": step.cut,
    }
