"""Three thousand damaged files: each is decoded or refused, and nothing else happens."""

import random
import struct
import zlib

import pytest

from provenance.codec.decode import decode
from provenance.errors import InputError

KINDS = [*["flip", "byte", "word"] * 2, "drop", "repeat", "cut"]
MUTANTS = 250  # of each of 13 pictures


def mutate(data, chance):
    """Flip, overwrite with the values that break parsers, and now and then cut or repeat."""
    result = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        near = min(len(result), 200) if chance.random() < 0.5 else len(result)
        at = chance.randrange(max(near, 1))
        what = chance.choice(KINDS)
        if what == "flip" and result:
            result[at] ^= 1 << chance.randrange(8)
        elif what == "byte":
            result[at : at + 1] = bytes([chance.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF])])
        elif what == "word":
            result[at : at + 4] = chance.choice([bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff"])
        elif what == "drop":
            del result[at : at + chance.randint(1, 40)]
        elif what == "repeat":
            result[at:at] = result[at : at + chance.randint(1, 40)]
        elif chance.random() < 0.3:
            del result[max(at, 12) :]
    return mended(bytes(result)) if chance.random() < 0.7 else bytes(result)


def mended(data):
    """Make the checksums of a PNG true again, so that what lies behind them is reached."""
    if not data.startswith(b"\x89PNG"):
        return data
    result = bytearray(data)
    at = 8
    while at + 12 <= len(result):
        end = at + 8 + struct.unpack_from(">I", result, at)[0]
        if end + 4 > len(result):
            break
        struct.pack_into(">I", result, end, zlib.crc32(result[at + 4 : end]))
        at = end + 4
    return bytes(result)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about tags that it passes over
@pytest.mark.parametrize("number", range(13))
def test_damaged_files_are_decoded_or_refused(stills, number):
    name, data = sorted(stills.items())[number]
    chance = random.Random(name)
    refused = 0
    for _ in range(MUTANTS):
        mutant = mutate(data, chance)
        try:
            picture = decode(mutant, first_frame=True)
        except InputError as error:
            refused += 1
            assert str(error)
            assert "\n" not in str(error)
        else:
            assert picture.pixels.shape == (picture.height, picture.width, 3)
    assert refused > 0


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_animations_are_decoded_or_refused(animations):
    for name, data in sorted(animations.items()):
        chance = random.Random(name)
        for _ in range(40):
            try:
                decode(mutate(data, chance), first_frame=True)
            except InputError as error:
                assert str(error)


@pytest.mark.parametrize("number", range(13))
def test_a_file_cut_short_anywhere_is_never_half_shown(stills, number):
    name, data = sorted(stills.items())[number]
    whole = decode(data).pixels
    for cut in range(0, len(data), max(1, len(data) // 40)):
        try:
            picture = decode(data[:cut])
        except InputError:
            continue
        assert (picture.pixels == whole).all(), (name, cut)  # only the tail was missing
