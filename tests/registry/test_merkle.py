"""The tree against RFC 9162 as it is written, and against forged proofs."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.registry.merkle import (
    EMPTY,
    Frontier,
    grew,
    leaf_hash,
    node_hash,
    prove,
    prove_growth,
    root_from_path,
)


def naive_root(leaves):
    """RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_path(index, leaves):
    """RFC 9162, section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def leaves_of(count):
    return [leaf_hash(str(n).encode()) for n in range(count)]


def root_of(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    assert frontier.size == len(leaves)
    return frontier.root


def test_known_answers():
    """The roots that Certificate Transparency's own tests use."""
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
               "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
    leaves = [leaf_hash(bytes.fromhex(e)) for e in entries]
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaves[0].hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert (
        root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


@pytest.mark.parametrize("size", range(34))
def test_every_small_tree(size):
    leaves = leaves_of(size)
    root = root_of(leaves)
    assert root == naive_root(leaves)
    for index in range(size):
        path = prove(leaves, index)
        assert list(path) == naive_path(index, leaves)
        assert root_from_path(leaves[index], index, size, path) == root


@given(st.integers(1, 300), st.data())
def test_proofs_of_larger_trees(size, data):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    path = prove(leaves, index)
    assert list(path) == naive_path(index, leaves)
    assert root_from_path(leaves[index], index, size, path) == naive_root(leaves)


@given(st.integers(2, 100), st.data())
def test_a_proof_of_anything_else_fails(size, data):
    leaves = leaves_of(size)
    root = naive_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = list(prove(leaves, index))
    place = data.draw(st.integers(0, len(path) - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda b: b != path[place]))
    forged = [*path[:place], other, *path[place + 1 :]]
    assert root_from_path(leaves[index], index, size, forged) != root
    assert root_from_path(leaf_hash(b"other"), index, size, path) != root
    assert root_from_path(leaves[index], index, size, path[:-1]) != root
    assert root_from_path(leaves[index], index, size, [*path, path[-1]]) != root
    elsewhere = data.draw(st.integers(-3, size + 3).filter(lambda i: i != index))
    assert root_from_path(leaves[index], elsewhere, size, path) != root


def test_a_node_is_no_leaf():
    """Second preimages: the concatenation of two leaves must not hash to their parent."""
    a, b = leaves_of(2)
    assert leaf_hash(a + b) != node_hash(a, b)


def naive_growth(first, leaves, whole=True):
    """RFC 9162, section 2.1.4.1, word for word."""
    if first == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= k:
        return [*naive_growth(first, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_growth(first - k, leaves[k:], False), naive_root(leaves[:k])]


@pytest.mark.parametrize("size", range(1, 34))
def test_every_small_tree_grew_from_each_smaller_one(size):
    leaves = leaves_of(size)
    for first in range(1, size + 1):
        path = prove_growth(leaves, first)
        assert list(path) == naive_growth(first, leaves)
        assert grew(first, naive_root(leaves[:first]), size, naive_root(leaves), path)


def test_the_growth_of_the_example_in_the_standard():
    """RFC 9162, section 2.1.5: seven leaves, and the proofs from three, four and six."""
    leaves = leaves_of(7)
    a, b, c, d, e, f, j = leaves
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741
    assert prove_growth(leaves, 3) == (c, d, g, l)
    assert prove_growth(leaves, 4) == (l,)
    assert prove_growth(leaves, 6) == (i, j, k)


@given(st.integers(2, 100), st.data())
def test_a_proof_of_other_growth_fails(size, data):
    leaves = leaves_of(size)
    first = data.draw(st.integers(1, size - 1))
    old, new = naive_root(leaves[:first]), naive_root(leaves)
    path = list(prove_growth(leaves, first))
    assert grew(first, old, size, new, path)
    place = data.draw(st.integers(0, len(path) - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda b: b != path[place]))
    assert not grew(first, old, size, new, [*path[:place], other, *path[place + 1 :]])
    assert not grew(first, old, size, new, path[:-1])
    assert not grew(first, old, size, new, [*path, path[-1]])
    assert not grew(first, other, size, new, path)
    assert not grew(first, old, size, other, path)
    assert not grew(size, new, first, old, path)
    rewritten = [leaf_hash(b"another"), *leaves[1:]]
    assert not grew(first, old, size, naive_root(rewritten), prove_growth(rewritten, first))


@given(
    st.integers(-2, 40),
    st.integers(-2, 40),
    st.lists(st.binary(min_size=32, max_size=32), max_size=8),
)
def test_garbage_proves_no_growth(first, second, path):
    assert not grew(first, b"x" * 32, second, b"y" * 32, path)
    assert not grew(first, b"x" * 32, second, b"y" * 32, [])
