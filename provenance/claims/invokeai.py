"""InvokeAI in its three forms: `invokeai_metadata`, before that `sd-metadata`, and `Dream`.

Source: files of InvokeAI 6; older forms as d3x-at/sd-parsers 0.6 reads them
(sd_parsers/parsers/_invokeai): `Dream` is `"prompt [negative]" -s steps -S seed -W width -H height
-C scale -A sampler`.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.claims import values
from provenance.claims.fields import Fields
from provenance.claims.interface import Claim, Generation
from provenance.evidence import Origin

_OPTION = re.compile(r" -([A-Za-z]) ?(\S{1,100})")
_NEGATIVE = re.compile(r"\[([^\[\]]*)\]")


def read(fields: Fields) -> tuple[Claim, ...]:
    """The newest form that is there."""
    for name, parse in (
        ("invokeai_metadata", _newest),
        ("sd-metadata", _middle),
        ("Dream", _oldest),
    ):
        for field in fields.of("png", name):
            made = parse(fields, field.text)
            if made:
                return (
                    Claim(
                        "invokeai",
                        field.place,
                        Origin.GENERATED,
                        values.joined("InvokeAI", made.version),
                        generation=made,
                    ),
                )
    return ()


def _newest(fields: Fields, text: str) -> Generation | None:
    said = fields.object(text)
    if not said:
        return None
    model = said.get("model")
    names = model if isinstance(model, dict) else {"name": model}
    return Generation(
        generator="InvokeAI",
        version=values.text(said.get("app_version")),
        model=values.text(names.get("name") or names.get("model_name")),
        prompt=values.text(said.get("positive_prompt")),
        negative_prompt=values.text(said.get("negative_prompt")),
        seed=values.integer(said.get("seed")),
        sampler=values.text(said.get("scheduler")),
        steps=values.integer(said.get("steps")),
        cfg=values.number(said.get("cfg_scale")),
        size=values.size(said.get("width"), said.get("height", 0)),
    )


def _middle(fields: Fields, text: str) -> Generation | None:
    said = fields.object(text)
    image = said.get("image")
    if not isinstance(image, dict):
        return None
    asked = image.get("prompt")
    if isinstance(asked, list) and asked and isinstance(asked[0], dict):
        asked = asked[0].get("prompt")
    prompt, negative = _parted(values.text(asked))
    return Generation(
        generator="InvokeAI",
        version=values.text(said.get("app_version")).removeprefix("v"),
        model=values.text(said.get("model_weights") or said.get("model")),
        prompt=prompt,
        negative_prompt=negative,
        seed=values.integer(image.get("seed")),
        sampler=values.text(image.get("sampler")),
        steps=values.integer(image.get("steps")),
        cfg=values.number(image.get("cfg_scale")),
        size=values.size(image.get("width"), image.get("height", 0)),
    )


def _oldest(_: Fields, text: str) -> Generation | None:
    text = values.text(text)
    start, end = text.find('"'), text.rfind('"')
    if start < 0 or end <= start:
        return None
    options: dict[str, Any] = dict(_OPTION.findall(text[end + 1 :]))
    if not {"s", "S"} <= options.keys():
        return None
    prompt, negative = _parted(text[start + 1 : end])
    return Generation(
        generator="InvokeAI",
        prompt=prompt,
        negative_prompt=negative,
        seed=values.integer(options["S"]),
        sampler=values.text(options.get("A")),
        steps=values.integer(options["s"]),
        cfg=values.number(options.get("C")),
        size=values.size(options.get("W"), options.get("H", 0)),
    )


def _parted(prompt: str) -> tuple[str, str]:
    """What stands in brackets is asked not to appear."""
    negative = ", ".join(part.strip(" ,") for part in _NEGATIVE.findall(prompt))
    return _NEGATIVE.sub("", prompt).strip(" ,"), negative
