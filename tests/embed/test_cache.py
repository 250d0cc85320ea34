"""What was embedded once is not embedded again, whatever state the files are in."""

from __future__ import annotations

import dataclasses
import os
import stat

import numpy as np
import pytest

from provenance import Picture
from provenance.embed.cache import CachedTower
from provenance.embed.tower import LoadedTower

TEXTS = ["a cat", "a dog"]


def plain(value: int) -> Picture:
    return Picture.from_array(np.full((3, 5, 3), value, np.uint8))


def test_texts_are_computed_once(fake, engine, tmp_path):
    first = CachedTower(fake, tmp_path / "cache").embed_texts(TEXTS)
    again = CachedTower(fake, tmp_path / "cache").embed_texts(TEXTS)
    assert engine.calls == [2]
    assert np.array_equal(first, again)
    assert np.array_equal(first, fake.embed_texts(TEXTS))


@pytest.mark.parametrize("field", ["model", "revision", "backend", "precision"])
def test_other_weights_have_other_embeddings(fake, engine, tmp_path, field):
    CachedTower(fake, tmp_path).embed_texts(TEXTS)
    identity = dataclasses.replace(fake.identity, **{field: "other"})
    other = LoadedTower(dataclasses.replace(fake.recipe, identity=identity), fake.engine)
    CachedTower(other, tmp_path).embed_texts(TEXTS)
    CachedTower(fake, tmp_path).embed_texts(TEXTS[::-1])
    assert engine.calls == [2, 2, 2]


def test_pictures_are_kept_only_if_asked(fake, engine, tmp_path):
    plainly = CachedTower(fake, tmp_path)
    plainly.embed_pictures([plain(1)])
    plainly.embed_pictures([plain(1)])
    assert engine.calls == [1, 1]
    kept = CachedTower(fake, tmp_path, pictures=True)
    first = kept.embed_pictures([plain(1), plain(2), plain(1)])
    again = kept.embed_pictures([plain(3), plain(1), plain(2)])
    assert engine.calls == [1, 1, 2, 1]
    assert np.array_equal(first[:2], again[1:])
    assert np.array_equal(first[0], first[2])
    assert kept.embed_pictures([]).shape == (0, 4)


def test_shape_and_transparency_are_content(fake, engine, tmp_path):
    kept = CachedTower(fake, tmp_path, pictures=True)
    clear = np.full((3, 5, 4), 9, np.uint8)
    turned = np.full((5, 3, 3), 9, np.uint8)
    for picture in (plain(9), Picture.from_array(clear), Picture.from_array(turned)):
        kept.embed_pictures([picture])
    assert engine.calls == [1, 1, 1]


def damaged(data: bytes) -> list[bytes]:
    middle = len(data) // 2
    pickled = np.array([{"a": 1}], dtype=object)
    import io

    buffer = io.BytesIO()
    np.savez(buffer, vectors=pickled)
    long = io.BytesIO()
    np.savez_compressed(long, vectors=np.zeros((1000, 1000), np.float32))
    other = io.BytesIO()
    np.savez(other, vectors=np.ones((2, 4), np.float32))
    flipped = bytearray(data)
    flipped[flipped.index(b"NUMPY") + 130] ^= 1
    return [
        b"", data[:middle], data[middle:], b"x" * 5000, bytes(flipped),
        buffer.getvalue(), long.getvalue(), other.getvalue(),
    ]  # fmt: skip


def test_a_damaged_file_is_computed_again(fake, engine, tmp_path):
    expected = CachedTower(fake, tmp_path).embed_texts(TEXTS)
    (path,) = tmp_path.glob("*.npz")
    good = path.read_bytes()
    for number, bad in enumerate(damaged(good)):
        path.write_bytes(bad)
        found = CachedTower(fake, tmp_path).embed_texts(TEXTS)
        assert np.array_equal(found, expected)
        assert len(engine.calls) == number + 2
        assert path.read_bytes() == good


def test_untrained_weights_are_never_kept(fake, engine, tmp_path):
    identity = dataclasses.replace(fake.identity, revision="random")
    tower = LoadedTower(dataclasses.replace(fake.recipe, identity=identity), fake.engine)
    kept = CachedTower(tower, tmp_path, pictures=True)
    kept.embed_texts(TEXTS)
    kept.embed_pictures([plain(0)])
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_files_make_room(fake, tmp_path):
    kept = CachedTower(fake, tmp_path, pictures=True)
    for value in range(40):
        kept.embed_pictures([plain(value)])
    files = sorted(tmp_path.glob("*.npz"))
    for age, path in enumerate(files):
        os.utime(path, (age, age))
    limit = sum(path.stat().st_size for path in files) // 2
    CachedTower(fake, tmp_path, pictures=True, max_bytes=limit).embed_pictures([plain(99)])
    left = set(tmp_path.glob("*.npz"))
    assert files[0] not in left
    assert files[-1] in left
    assert sum(path.stat().st_size for path in left) <= limit


def test_only_the_owner_may_read_it(fake, tmp_path):
    CachedTower(fake, tmp_path / "cache").embed_texts(TEXTS)
    (path,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_costs_time_only(fake, engine, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    kept = CachedTower(fake, tmp_path / "file" / "cache")
    assert np.array_equal(kept.embed_texts(TEXTS), kept.embed_texts(TEXTS))
    assert engine.calls == [2, 2]


def test_the_rest_is_the_tower(fake, tmp_path):
    kept = CachedTower(fake, tmp_path)
    assert kept.describe() == fake.describe()
    assert (kept.identity, kept.width) == (fake.identity, 4)
    assert (kept.logit_scale, kept.logit_bias) == (100.0, 0.0)
