"""Writes provenance/moderate/prompt/characters.toml: letters by look, and Han by their simple form.

    pip install confusable-homoglyphs==3.3.1 opencc-python-reimplemented==0.1.7
    python models/prompts/make_tables.py

The packages are needed here and nowhere else: loading theirs takes longer than all of moderation.
"""

from __future__ import annotations

import importlib.resources
import json
import string
import unicodedata
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parents[2] / "provenance/moderate/prompt/characters.toml"
HEAD = """\
# Written by models/prompts/make_tables.py; do not edit.
# homoglyphs: Unicode confusables (UTS #39, Unicode License v3), by way of confusable-homoglyphs
#   3.3.1 (MIT): characters that look like one ASCII letter, and that NFKC does not turn into it.
# han: OpenCC's TSCharacters (Apache-2.0), by way of opencc-python-reimplemented 0.1.7: each
#   traditional character over its first simplified one.
"""
BLOCKS = {
    letter: (0x1F130 + n, 0x1F150 + n, 0x1F170 + n, 0x1F1E6 + n)
    for n, letter in enumerate(string.ascii_lowercase)
}
"""Letters in squares, in black circles, in black squares, and of flags: emoji that spell words."""


def homoglyphs() -> dict[str, str]:
    """Look-alikes by ASCII letter."""
    path = importlib.resources.files("confusable_homoglyphs") / "confusables.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, set[str]] = defaultdict(set)
    for letter in string.ascii_letters:
        for entry in table.get(letter, ()):
            char = entry["c"]
            if len(char) != 1 or char.isascii() or unicodedata.category(char)[0] not in "LN":
                continue
            if unicodedata.normalize("NFKC", char).casefold()[0].isascii():
                continue
            found[letter.lower()].add(char)
    for letter in string.ascii_lowercase:
        try:
            small = unicodedata.lookup(f"LATIN LETTER SMALL CAPITAL {letter}")
        except KeyError:
            continue
        likes = (entry["c"] for entry in table.get(small, ()))
        found[letter] |= {small, *(c for c in likes if len(c) == 1 and c.isalpha())}
    for letter, points in BLOCKS.items():
        found[letter] |= {
            chr(p) for p in points if not unicodedata.normalize("NFKC", chr(p))[0].isascii()
        }
    taken: dict[str, str] = {}
    for letter in sorted(found):
        for char in sorted(found[letter]):
            taken.setdefault(char, letter)
    return {
        letter: "".join(sorted(c for c, to in taken.items() if to == letter)) for letter in found
    }


def han() -> tuple[str, str]:
    """Traditional characters and their simplified ones, in the same order."""
    path = importlib.resources.files("opencc") / "dictionary" / "TSCharacters.txt"
    pairs = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        traditional, _, simple = line.partition("\t")
        first = simple.split()[0]
        if len(traditional) == len(first) == 1 and traditional != first:
            pairs[traditional] = first
    return "".join(pairs), "".join(pairs.values())


def main() -> None:
    """Write the file."""
    lines = [HEAD, "[homoglyphs]"]
    lines += [f'{letter} = "{chars}"' for letter, chars in sorted(homoglyphs().items())]
    traditional, simple = han()
    lines += ["", "[han]", f'traditional = "{traditional}"', f'simple = "{simple}"', ""]
    TARGET.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
