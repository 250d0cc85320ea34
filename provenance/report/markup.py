"""HTML in which nothing that comes from a file can be anything but text.

Every string that goes into a tag is escaped, unless it is `Markup`, which only `tag` makes.
"""

from __future__ import annotations

import html
import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (some turn the direction of text), surrogate, private, unassigned, separators."""

_LONGEST = 2_000
"""Letters of one text that are shown; prompts in metadata may have a million."""

_VOID = frozenset({"meta", "link", "img", "br", "hr"})


class Markup(str):
    """Finished HTML. Made by `tag` and `joined` alone."""

    __slots__ = ()


def tag(element: str, /, *children: str, **attributes: str | int | float | bool | None) -> Markup:
    """An element.

    Args:
        element: its name.
        children: text, which is escaped, or `Markup`, which is not.
        attributes: `class_` is written `class`, other underscores become hyphens. True is written
            without a value; False and None are left out.
    """
    written = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{_quoted(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in _VOID:
        return Markup(f"<{element}{written}>")
    return Markup(f"<{element}{written}>{joined(*children)}</{element}>")


def joined(*children: str) -> Markup:
    """Several pieces, one after the other."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(clean(c)) for c in children))


def data_uri(media_type: str, encoded: str) -> Markup:
    """A `data:` address. Too long for `clean`, and made by us from base64."""
    return Markup(f"data:{html.escape(media_type)};base64,{html.escape(encoded)}")


def clean(text: str) -> str:
    """The text on one line, without characters that would show something else than there is."""
    if isinstance(text, Markup):
        return text
    shown = "".join(map(_letter, text[:_LONGEST]))
    return shown if len(text) <= _LONGEST else shown + " […]"


def _quoted(value: str | float) -> str:
    return html.escape(clean(value if isinstance(value, str) else str(value)))


def _letter(letter: str) -> str:
    if letter.isspace():
        return " "
    return "\ufffd" if unicodedata.category(letter) in _UNSAFE else letter


def _name(key: str) -> str:
    return _CASED.get(key, key.rstrip("_").replace("_", "-"))


_CASED = {"viewBox": "viewBox", "preserveAspectRatio": "preserveAspectRatio"}
