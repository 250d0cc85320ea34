"""Counts letters and characters that follow one another, for `provenance/detect/text/language.py`.

    python models/text/make_language.py WORDS DICT      writes language.npz beside this file

WORDS is Debian's /usr/share/dict/american-english (package wamerican 2020.12.07: SCOWL, whose
licence lets anybody use, copy, modify and sell it). Words as they are used come from the texts of
`pydoc_data`, in every Python (PSF-2.0). DICT is jieba/dict.txt of the package jieba 0.42.1 (MIT):
Chinese words with how often they occur. Only counts of three letters, and pairs of characters, are
kept.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

from provenance.detect.text.language import LETTERS, folded

PAIRS = 30_000
"""Most frequent pairs of Chinese characters that are kept."""


def english(words: Path) -> np.ndarray:
    """Bits of surprise of a letter after two others, times 16; a word's edge counts as one."""
    counts: Counter[str] = Counter()
    for word in words.read_text(encoding="utf-8").split():
        counts[folded(word)] += 3
    for word in re.findall(r"[A-Za-z']+", " ".join(topics.values())):
        counts[folded(word)] += 1
    size = len(LETTERS) + 1
    table = np.full((size, size, size), 0.05)
    for word, times in counts.items():
        marks = [0, 0, *(LETTERS.index(letter) + 1 for letter in word if letter in LETTERS), 0]
        for a, b, c in zip(marks, marks[1:], marks[2:], strict=False):
            table[a, b, c] += min(times, 200)
    chance = table / table.sum(axis=2, keepdims=True)
    return np.minimum(255, np.round(-16 * np.log2(chance))).astype(np.uint8)


def chinese(dictionary: Path) -> np.ndarray:
    """The most frequent pairs, as code points side by side, sorted."""
    counts: Counter[int] = Counter()
    for line in dictionary.read_text(encoding="utf-8").splitlines():
        word, times, *_ = line.split(" ")
        for a, b in itertools.pairwise(word):
            if 0x4E00 <= ord(a) <= 0x9FFF and 0x4E00 <= ord(b) <= 0x9FFF:
                counts[ord(a) << 16 | ord(b)] += int(times)
    return np.array(sorted(pair for pair, _ in counts.most_common(PAIRS)), np.uint32)


def main(words: Path, dictionary: Path) -> None:
    """Count and write."""
    target = Path(__file__).with_name("language.npz")
    np.savez_compressed(target, english=english(words), chinese=chinese(dictionary))
    print(target.name, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
