"""Who runs a generator, by the names that its programs and services write into files.

Asked of fields that name software, credit or equipment alone, never of titles, authors or captions:
a person may be called Leonardo, and a photograph may show a firefly.

Source: `AI generated;txt2img;flux` and the like from black-forest-labs/flux (src/flux/util.py);
credits of Google from support.google.com and files of Google Photos; makes of Ideogram and others
from wiltodelta/remove-ai-watermarks (docs, survey of real files, 2026).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from provenance.evidence import Origin


class Named(NamedTuple):
    """A vendor's generator, as a field names it."""

    family: str
    vendor: str
    generator: str
    origin: Origin


_MADE, _EDITED = Origin.GENERATED, Origin.EDITED
_PATTERNS: tuple[tuple[str, str, str, str, Origin], ...] = (
    ("google", "Google", "Google AI", r"made (?:with|by) google ai", _MADE),
    ("google", "Google", "Google AI", r"edited with google ai", _EDITED),
    (
        "google",
        "Google",
        "Gemini",
        r"google gemini|gemini[ -][\d.]+(?: \w+)?[ -]image|nano banana",
        _MADE,
    ),
    ("google", "Google", "Imagen", r"google imagen|imagen [34]\b", _MADE),
    ("openai", "OpenAI", "DALL·E", r"dall[-·]e\b|dall ?e[ -]?[23]\b", _MADE),
    ("openai", "OpenAI", "GPT Image", r"gpt-image|gpt-4o image", _MADE),
    ("openai", "OpenAI", "ChatGPT", r"chatgpt|openai", _MADE),
    ("adobe", "Adobe", "Adobe Firefly", r"adobe[ _]firefly|^firefly(?: image)?\b", _MADE),
    ("midjourney", "Midjourney", "Midjourney", r"midjourney", _MADE),
    (
        "flux",
        "Black Forest Labs",
        "FLUX",
        r"black forest labs|flux[.]?[12]\b|ai generated;\w+2img;flux",
        _MADE,
    ),
    ("xai", "xAI", "Grok", r"\bgrok(?: imagine)?\b|\bxai\b", _MADE),
    ("stability", "Stability AI", "Stable Image", r"stability ai|dreamstudio", _MADE),
    ("ideogram", "Ideogram", "Ideogram", r"ideogram", _MADE),
    ("leonardo", "Leonardo.Ai", "Leonardo.Ai", r"leonardo[.]ai", _MADE),
    ("luma", "Luma", "Luma AI", r"luma ?labs|luma ai", _MADE),
    ("reve", "Reve", "Reve", r"reve[.](?:com|art)", _MADE),
    ("recraft", "Recraft", "Recraft", r"recraft", _MADE),
    (
        "microsoft",
        "Microsoft",
        "Microsoft Designer",
        r"bing image creator|microsoft designer",
        _MADE,
    ),
    ("meta", "Meta", "Meta AI", r"imagined with (?:meta )?ai|\bmeta ai\b", _MADE),
    ("apple", "Apple", "Image Playground", r"image playground", _MADE),
    ("apple", "Apple", "Apple Photos", r"apple photos (?:clean ?up|generative edit)", _EDITED),
    ("canva", "Canva", "Canva", r"^canva\b", Origin.UNKNOWN),
    ("novelai", "NovelAI", "NovelAI", r"novelai", _MADE),
)
_COMPILED = tuple(
    (Named(family, vendor, generator, origin), re.compile(pattern, re.IGNORECASE))
    for family, vendor, generator, pattern, origin in _PATTERNS
)
_ANY = re.compile("|".join(f"(?:{row[3]})" for row in _PATTERNS), re.IGNORECASE)
_MOST = 500


def named(text: str) -> Named | None:
    """The generator that a field names, or None."""
    text = text[:_MOST]
    if not _ANY.search(text):
        return None
    return next((known for known, pattern in _COMPILED if pattern.search(text)), None)


def vendor_of(text: str) -> str:
    """The vendor's one spelling, or nothing. Made for names of tools and signers.

    Unlike `named`, a company's name alone is enough: a signed tool is no person or photograph.
    """
    text = text[:_MOST]
    known = named(text)
    if known:
        return known.vendor
    return next((vendor for vendor, pattern in _COMPANIES if pattern.search(text)), "")


_COMPANIES = tuple(
    (vendor, re.compile(pattern, re.IGNORECASE))
    for vendor, pattern in (
        ("Google", r"\bgoogle\b"),
        ("Adobe", r"\badobe\b"),
        ("Microsoft", r"\bmicrosoft\b|image creator from designer"),
        ("Samsung", r"\bsamsung\b|\bgalaxy [a-z]+\d+"),
        ("ByteDance", r"bytedance|byteplus|volc ?engine|\bdoubao\b|\bdreamina\b|\bjimeng\b"),
        ("Civitai", r"\bcivitai\b"),
    )
)
