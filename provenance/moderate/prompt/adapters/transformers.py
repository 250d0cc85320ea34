"""A text classifier in the transformers format, from a folder on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenance._per_process import PerProcess
from provenance.errors import ConfigError, ModerationFailed
from provenance.moderate.prompt.interface import checked

_LONGEST = 20_000
"""Characters of a prompt that are read, in windows of the model's own length."""


class TransformersClassifier:
    """Runs the classifier on every window of a prompt; the highest score counts. Thread-safe.

    Loaded on first use, once for each process, from safetensors; nothing is downloaded and no code
    of the folder is run.

    Args:
        folder: `config.json`, `model.safetensors` and the tokenizer's files.
        labels: the model's labels by our categories, such as `{"sexual": ("NSFW",)}`; the highest
            of a category's labels counts.
        window: tokens read at a time; the model's limit is the most that makes sense.

    Raises:
        ConfigError: the folder is not there.
    """

    def __init__(
        self, folder: Path | str, labels: Mapping[str, tuple[str, ...]], window: int = 256
    ) -> None:
        self._folder = Path(folder)
        if not (self._folder / "config.json").is_file():
            raise ConfigError(
                f"{self._folder} has no config.json; expected the folder of a text classifier in "
                "the transformers format"
            )
        if window < 16:
            raise ConfigError(f"the window has {window} tokens; expected at least 16")
        self._labels = {category: tuple(names) for category, names in labels.items()}
        self._window = window
        self.categories = tuple(self._labels)
        self.name = f"transformers/{self._folder.name}"
        self._loaded = PerProcess(self._load)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings, not the model."""
        return type(self), (self._folder, self._labels, self._window)

    def scores(self, prompt: str) -> Mapping[str, float]:
        """A probability by the model for each category, the highest of all windows.

        Raises:
            ConfigError: transformers is missing, or the folder holds something else.
            ModerationFailed: the prompt is not text, or too long for this.
        """
        text = checked(prompt)[0]
        if len(text) > _LONGEST:
            raise ModerationFailed(
                f"the prompt has {len(text):,} characters, {self.name} reads {_LONGEST:,}; "
                "shorten it"
            )
        tokenizer, model, columns, several = self._loaded()
        import torch

        # Lone surrogates cannot be tokenised, and say nothing.
        plain = text.encode("utf-8", "ignore").decode("utf-8")
        encoded = tokenizer(
            plain,
            truncation=True,
            max_length=self._window,
            stride=self._window // 4,
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        )
        encoded.pop("overflow_to_sample_mapping", None)
        if not encoded["input_ids"].numel():
            return dict.fromkeys(columns, 0.0)  # not a single token
        with torch.inference_mode():
            logits = model(**encoded).logits.float()
        rows = torch.sigmoid(logits) if several else torch.softmax(logits, dim=-1)
        top = rows.max(dim=0).values.tolist()
        return {category: max(top[n] for n in places) for category, places in columns.items()}

    def _load(self) -> tuple[Any, Any, dict[str, list[int]], bool]:
        try:
            import transformers
        except ImportError as error:
            raise ConfigError(
                "transformers is not installed; install it with: pip install 'transformers' 'torch'"
            ) from error
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                self._folder, local_files_only=True, trust_remote_code=False, use_fast=True
            )
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                self._folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
            )
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(
                f"{self._folder} cannot be loaded as a text classifier ({type(error).__name__}); "
                "expected config.json, model.safetensors and a fast tokenizer"
            ) from error
        places = {str(label): int(n) for n, label in model.config.id2label.items()}
        for names in self._labels.values():
            for name in names:
                if name not in places:
                    raise ConfigError(
                        f"{self._folder} has no label '{name}'; expected one of "
                        f"{', '.join(sorted(places))}"
                    )
        columns = {c: [places[name] for name in names] for c, names in self._labels.items()}
        several = model.config.problem_type == "multi_label_classification"
        return tokenizer, model.eval(), columns, several
