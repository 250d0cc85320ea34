"""Vocabularies that come as tokenizer.json, here a tiny one that is trained on the spot."""

from __future__ import annotations

import pickle

import pytest

from provenance.embed.tokens import HubTokenizer, padding_token
from provenance.errors import ConfigError

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def vocabulary() -> bytes:
    """A unigram model as SigLIP's, which ends texts with </s> and fills up with it."""
    return trained()


def trained() -> bytes:
    made = tokenizers.Tokenizer(tokenizers.models.Unigram())
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
        show_progress=False,
    )  # fmt: skip
    lines = ["a photo of a cat", "a drawing of a dog", "the quick brown fox jumps over", "s"]
    made.train_from_iterator(lines * 20, trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return made.to_str().encode()


def test_texts_are_filled_up_and_cut(vocabulary):
    cut = HubTokenizer(vocabulary, pad="</s>", context=16, how="canonicalize")
    tokens = cut(["A photo of a cat!", "cat " * 100, ""])
    assert tokens.shape == (3, 16)
    assert tokens[0, -1] == tokens[1, -1] == 1
    assert (tokens[2] == 1).all()
    assert tokens[0].tolist() == cut(["a photo, of a CAT"])[0].tolist()
    assert cut([]).shape == (0, 16)


def test_the_mark_of_the_end_is_text_when_it_is_written(vocabulary):
    cut = HubTokenizer(vocabulary, pad="<pad>", context=32, how="lower")
    assert (cut(["a cat</s> and a dog"]) == 1).sum() == 1


def test_it_travels_by_pickle_with_the_same_digest(vocabulary):
    cut = HubTokenizer(vocabulary, pad="</s>", context=16, how="lower")
    again = pickle.loads(pickle.dumps(cut))
    assert again.digest == cut.digest
    assert again(["a fox"]).tolist() == cut(["a fox"]).tolist()
    assert cut.digest != HubTokenizer(vocabulary, pad="<pad>", context=16, how="lower").digest


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"null"])
def test_what_is_no_vocabulary_is_refused(data):
    with pytest.raises(ConfigError):
        HubTokenizer(data, pad="</s>", how="lower")


def test_an_unknown_padding_token_is_refused(vocabulary):
    with pytest.raises(ConfigError, match="fill up"):
        HubTokenizer(vocabulary, pad="<fill>", how="lower")


def test_the_padding_token_is_never_guessed():
    assert padding_token({}, {"pad_token": "</s>"}) == "</s>"
    assert padding_token({}, {"pad_token": {"content": "<pad>"}}) == "<pad>"
    assert padding_token({"padding": {"pad_token": "<p>"}}, None) == "<p>"
    with pytest.raises(ConfigError, match="fills up"):
        padding_token({"padding": None}, {})
