"""Cutting a store: every box that lies is refused."""

import pytest

from provenance.server import jumbf
from tests.signed import encoded, signed


@pytest.fixture(scope="module")
def made():
    parent = signed().data
    return signed(seed=1, parent=parent)


def test_the_newest_of_two_is_cut_out(made):
    cut = jumbf.only(made.manifest, made.manifest_id)
    assert int.from_bytes(cut[:4], "big") == len(cut) < len(made.manifest)
    assert jumbf.only(cut, made.manifest_id) == cut
    assert encoded().data not in cut


def test_a_large_box_is_read(made):
    store = made.manifest
    large = b"\0\0\0\x01jumb" + (len(store) + 8).to_bytes(8, "big") + store[8:]
    open_ended = b"\0\0\0\0" + store[4:]
    wanted = jumbf.only(store, made.manifest_id)
    assert jumbf.only(large, made.manifest_id) == wanted
    assert jumbf.only(open_ended, made.manifest_id) == wanted


def test_another_id_is_refused(made):
    with pytest.raises(ValueError, match="holds 0 manifests"):
        jumbf.only(made.manifest, "urn:c2pa:other")


def test_two_of_one_id_are_refused(made):
    store = jumbf.only(made.manifest, made.manifest_id)
    described = int.from_bytes(store[8:12], "big")
    twice = store[8:] + store[8 + described :]
    double = (8 + len(twice)).to_bytes(4, "big") + b"jumb" + twice
    with pytest.raises(ValueError, match="holds 2 manifests"):
        jumbf.only(double, made.manifest_id)


@pytest.mark.parametrize("store", [b"", b"jumb", b"\0\0\0\x08free", b"\0\0\0\x07jumb", bytes(40)])
def test_no_store_is_refused(store):
    with pytest.raises(ValueError, match=r"JUMBF|beyond"):
        jumbf.only(store, "urn:c2pa:any")


def test_every_cut_and_every_flipped_size_is_survived(made):
    store = made.manifest
    for end in range(0, len(store), 7):
        with pytest.raises(ValueError):
            jumbf.only(store[:end], made.manifest_id)
    for at in range(min(400, len(store))):
        for bit in (1, 0x80):
            mutated = store[:at] + bytes([store[at] ^ bit]) + store[at + 1 :]
            try:
                assert jumbf.only(mutated, made.manifest_id)
            except ValueError:
                continue
