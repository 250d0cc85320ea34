"""What a request asks for: the words, what the generator is shown, and the format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provenance._inputs import NOTHING, Inputs
from provenance.pipeline import Pipeline
from provenance.proxy import asked
from provenance.proxy.apis.interface import Api, usable
from provenance.proxy.limits import ProxyLimits


@dataclass(frozen=True, slots=True)
class Wish:
    """What the pictures of an answer are to be protected with.

    Attributes:
        prompts: what they are generated from; they have been checked.
        inputs: what the generator is given to see.
        format: `png`, `jpeg`, `webp`, or None for the upstream's.
        repeated: the request only reads, so that the same bytes may be given the same asset.
    """

    prompts: Sequence[str] = ()
    inputs: Inputs = NOTHING
    format: str | None = None
    repeated: bool = False


def understood(
    pipeline: Pipeline,
    api: Api,
    limits: ProxyLimits,
    head: asked.Head,
    pieces: Sequence[bytes],
) -> Wish:
    """Read a request and have its words checked; blocking.

    Raises:
        Refusal: it cannot be understood.
        Blocked, ModerationFailed: the policy refuses the words.
    """
    request = asked.read(head, pieces)
    prompts: Sequence[str] = api.prompts(request)
    inputs = api.inputs(request)
    usable(inputs, limits.pictures)
    if prompts:
        prompts = pipeline.check_prompts(prompts)
    reads = head.method in ("GET", "HEAD") and not prompts
    return Wish(prompts, inputs, api.wanted_format(request), repeated=reads)
