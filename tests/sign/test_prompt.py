"""A prompt is committed to, not hashed: nobody can test guesses without the key."""

from __future__ import annotations

import hashlib

import pytest

from provenance.sign.interface import Generation, Statement
from provenance.sign.prompt import Commitment, commit, plain_hash
from provenance.sign.sign import sign
from tests import signed

PROMPT = "a cat"


def test_a_commitment_holds_for_its_prompt_and_no_other():
    made = commit(PROMPT)
    assert made.holds(PROMPT)
    assert not made.holds("a dog")
    assert not Commitment(made.algorithm, made.digest, bytes(32)).holds(PROMPT)


def test_each_commitment_has_a_key_of_its_own():
    assert len({commit(PROMPT).digest for _ in range(5)}) == 5


def test_a_key_may_be_derived_and_not_too_short():
    key = hashlib.sha256(b"secret|request").digest()
    assert commit(PROMPT, key).digest == commit(PROMPT, key).digest
    with pytest.raises(ValueError, match="has 8 bytes; expected at least 32"):
        commit(PROMPT, b"too weak")


def test_the_plain_hash_is_what_anybody_would_compute():
    assert plain_hash(PROMPT).digest == hashlib.sha256(b"a cat").digest()
    assert plain_hash(PROMPT).holds(PROMPT)


def test_a_guess_cannot_be_tested_against_the_file():
    made = commit(PROMPT)
    says = Statement(signed.GENERATOR, generation=Generation(prompt=made))
    data = sign(signed.encoded(), says, signed.signer()).data
    assert made.key not in data
    assert made.key.hex().encode() not in data
    assert PROMPT.encode() not in data
    assert hashlib.sha256(PROMPT.encode()).digest() not in data


def test_the_key_is_not_shown():
    made = commit(PROMPT, b"k" * 32)
    assert "k" * 8 not in repr(made)


def test_text_that_is_not_unicode_can_be_committed_to():
    assert commit("\ud800").holds("\ud800")
