"""The floor: anything sexual together with an apparent minor is refused, whatever the policy.

The answer is yes or no. Which words led to it is not told, so that nobody can search for a way
around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provenance.moderate.prompt.lexicon import MINORS, Lexicon, Role
from provenance.moderate.prompt.scan import Hit
from provenance.moderate.prompt.tokens import Gap, Text

ADULT_AGE = 18

_AFTER = frozenset(
    [
        "yo",
        "y",
        "year",
        "years",
        "yr",
        "yrs",
        "yearold",
        "ans",
        "ano",
        "anos",
        "jahre",
        "jahrige",
        "jahriger",
        "jahriges",
        "jahrig",
        "岁",
        "歳",
        "才",
        "周",
    ]
)
_BEFORE = frozenset(["age", "aged", "ages", "edad", "alter"])
_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
]
_HAN_DIGITS = "零一二三四五六七八九"


def says_minor_age(text: Text) -> bool:
    """True if an age below 18 stands in the text: "15 yo", "aged 14", 十五岁."""
    tokens = text.tokens
    for index, token in enumerate(tokens):
        age, last = _number(text, index)
        if age is None or not 0 < age < ADULT_AGE:
            continue
        after = tokens[last].word if last < len(tokens) else ""
        if after in _AFTER and tokens[last].gap is not Gap.CLAUSE:
            return True
        if index and tokens[index - 1].word in _BEFORE and token.gap is not Gap.CLAUSE:
            return True
    return False


def _number(text: Text, index: int) -> tuple[int | None, int]:
    """The number that starts at a token, and the token after it."""
    word = text.tokens[index].word
    if word.isdecimal() and len(word) < 4:
        return int(word), index + 1
    if word in _WORDS:
        return _WORDS.index(word), index + 1
    if word == "十" or word in _HAN_DIGITS:
        if index and text.tokens[index - 1].word in _HAN_DIGITS + "十":
            return None, index
        following = text.tokens[index + 1].word if index + 1 < len(text.tokens) else ""
        if word != "十":
            return (None, index) if following == "十" else (_HAN_DIGITS.index(word), index + 1)
        if following and following in _HAN_DIGITS:
            return 10 + _HAN_DIGITS.index(following), index + 2
        return 10, index + 1
    return None, index


def refused(
    text: Text,
    hits: Sequence[Hit],
    excused: Mapping[Hit, str],
    negated: Mapping[Hit, str],
    lexicon: Lexicon,
    exposed: bool,
) -> bool:
    """True if the floor refuses the prompt.

    Args:
        text: the prompt.
        hits: what was found in it.
        excused: hits that do not count.
        negated: hits with a "no" before them; models often paint what they are told to leave out,
            so only the words that the lists call negatable are taken back here.
        lexicon: says which these are.
        exposed: the negative prompt steers away from clothes or from adults.
    """
    counted = [hit for hit in hits if hit not in excused]
    terms = [
        hit.entry
        for hit in counted
        if hit.entry.role is Role.TERM
        and not (hit in negated and hit.entry.text in lexicon.negatable)
    ]
    if any(entry.category == MINORS for entry in terms):
        return True
    sexual = exposed or any(
        entry.category == "sexual" or (entry.category == "nudity" and entry.level != "weak")
        for entry in terms
    )
    if not sexual:
        return False
    return says_minor_age(text) or any(
        hit.entry.role is Role.MINOR and hit not in negated for hit in counted
    )
