"""A tiny random text classifier, made here; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import pickle

import pytest

from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.prompt.adapters.transformers import TransformersClassifier

LABELS = {"sexual": ("NSFW",), "violence": ("GORE", "FIGHT")}
there = importlib.util.find_spec("transformers") and importlib.util.find_spec("torch")
needs_it = pytest.mark.skipif(not there, reason="needs transformers and torch")
quiet = pytest.mark.filterwarnings("default")  # theirs, not ours


def make(folder, problem):
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "a", "cat", "dog", "sits", "runs", "bad"]
    tokenizer = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]"
    ).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label={0: "SAFE", 1: "NSFW", 2: "GORE", 3: "FIGHT"},
        problem_type=problem,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(
    scope="module", params=["single_label_classification", "multi_label_classification"]
)
def folder(request, tmp_path_factory):
    return make(tmp_path_factory.mktemp("model"), request.param)


@quiet
@needs_it
def test_every_category_gets_a_score(folder):
    classifier = TransformersClassifier(folder, LABELS, window=32)
    scores = classifier.scores("a cat sits")
    assert set(scores) == {"sexual", "violence"}
    assert all(0.0 <= score <= 1.0 for score in scores.values())
    assert scores == pickle.loads(pickle.dumps(classifier)).scores("a cat sits")


@quiet
@needs_it
def test_the_end_of_a_long_prompt_counts(folder):
    classifier = TransformersClassifier(folder, LABELS, window=32)
    start = classifier.scores("a cat " * 200)
    end = classifier.scores("a cat " * 200 + "bad dog " * 30)
    assert all(end[category] >= start[category] for category in start)
    assert end != start


@quiet
@needs_it
@pytest.mark.parametrize("prompt", ["", "\ud800", "🌻", "\x00"])
def test_odd_texts_get_scores(folder, prompt):
    assert set(TransformersClassifier(folder, LABELS, window=32).scores(prompt)) == set(LABELS)


@quiet
@needs_it
def test_an_unknown_label_is_refused(folder):
    with pytest.raises(ConfigError, match="no label 'CLOWN'"):
        TransformersClassifier(folder, {"sexual": ("CLOWN",)}).scores("a cat")


@quiet
@needs_it
def test_something_else_in_the_folder_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        TransformersClassifier(tmp_path, LABELS).scores("a cat")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no config\.json"):
        TransformersClassifier(tmp_path / "none", LABELS)


def test_settings_are_checked_before_anything_is_loaded(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="at least 16"):
        TransformersClassifier(tmp_path, LABELS, window=4)
    with pytest.raises(ModerationFailed, match="shorten it"):
        TransformersClassifier(tmp_path, LABELS).scores("x" * 20_001)


@pytest.mark.skipif(bool(there), reason="transformers is installed")
def test_without_transformers_it_says_how_to_get_it(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="pip install"):
        TransformersClassifier(tmp_path, LABELS).scores("a cat")
