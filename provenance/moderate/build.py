"""Makes the moderator that a policy asks for: finds its classifiers by name.

A name may carry an argument, as in `zero-shot:ViT-B-32/openai`. Third parties register factories
under the entry point groups `provenance.picture_classifiers` and `provenance.prompt_classifiers`;
a factory takes the policy and the argument, which is empty without one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from provenance.errors import ConfigError, ProvenanceError
from provenance.moderate.interface import PictureClassifier, Policy, PromptClassifier
from provenance.moderate.moderator import Moderator
from provenance.weights.interface import WeightsMissing

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ForPictures: TypeAlias = Callable[[Policy, str], PictureClassifier]
ForPrompts: TypeAlias = Callable[[Policy, str], PromptClassifier]


@dataclass(frozen=True, slots=True)
class Classifiers:
    """What a policy's names lead to on this machine.

    Attributes:
        pictures: those that score pictures, by the name in the policy.
        prompts: those that score prompts, likewise.
        missing: those whose weights are not here, with what to do about it.
    """

    pictures: Mapping[str, PictureClassifier]
    prompts: Mapping[str, PromptClassifier]
    missing: Mapping[str, str]


def moderator(policy: Policy) -> Moderator:
    """The moderator of a policy, with every classifier it names.

    Raises:
        ConfigError: a classifier is unknown; or its weights are missing or a category with a rule
            is scored by nobody, and the policy does not allow for that.
    """
    return assembled(policy, classifiers(policy))


def assembled(policy: Policy, found: Classifiers) -> Moderator:
    """The moderator of a policy with these classifiers.

    Raises:
        ConfigError: some are missing or too few, and the policy does not allow for that.
    """
    for name, why in found.missing.items():
        if policy.on_missing == "refuse":
            raise ConfigError(
                f"policy '{policy.name}' needs {name}: {why}; or set "
                'on_missing = "report" to run without it'
            )
    built = Moderator(
        policy, tuple(found.pictures.values()), tuple(found.prompts.values()), found.missing
    )
    if built.idle() and policy.on_missing == "refuse":
        raise ConfigError(
            f"policy '{policy.name}' has rules for {', '.join(built.idle())}, which none of its "
            f"classifiers ({', '.join(policy.classifiers) or 'none'}) scores in pictures; name "
            'one that does, remove the rules, or set on_missing = "report"'
        )
    return built


def classifiers(policy: Policy) -> Classifiers:
    """Every classifier that a policy names, in its order; one may score pictures and prompts.

    The embedded terms are looked for in prompts even if the policy does not name them: no policy
    can lower the floor.

    Raises:
        ConfigError: a name is unknown, or leads to something that cannot be made.
    """
    of_pictures, of_prompts = _offered(_PICTURES, "picture"), _offered(_PROMPTS, "prompt")
    pictures: dict[str, PictureClassifier] = {}
    prompts: dict[str, PromptClassifier] = {}
    missing: dict[str, str] = {}
    for full in _named(policy):
        name, _, argument = full.partition(":")
        if name not in {*of_pictures, *of_prompts, "terms"}:
            raise ConfigError(_unknown(policy, name, (*of_pictures, *of_prompts)))
        try:
            if name in of_pictures:
                pictures[full] = of_pictures[name](policy, argument)
            if name in of_prompts:
                prompts[full] = of_prompts[name](policy, argument)
        except WeightsMissing as error:
            missing[full] = str(error)
    return Classifiers(pictures, prompts, missing)


def _named(policy: Policy) -> tuple[str, ...]:
    """What the policy names, each once; the embedded terms come first if it does not."""
    if any(full.partition(":")[0] == "terms" for full in policy.classifiers):
        return tuple(dict.fromkeys(policy.classifiers))
    return tuple(dict.fromkeys(("terms", *policy.classifiers)))


def _unknown(policy: Policy, name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(known)}"
    return f"policy '{policy.name}' names the classifier '{name}'; {hint}"


def _offered(embedded: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Ours, and those of others by the names they registered; ours cannot be replaced."""
    from importlib.metadata import entry_points

    ours = {*_PICTURES, *_PROMPTS, "terms"}
    others: dict[str, list[EntryPoint]] = {}
    for each in entry_points(group=f"provenance.{kind}_classifiers"):
        if each.name not in ours:
            others.setdefault(each.name, []).append(each)
    return {**{name: _later(entries) for name, entries in others.items()}, **embedded}


def _later(entries: Sequence[EntryPoint]) -> Callable[[Policy, str], Any]:
    """A third party's factory, imported when it is asked for and not before."""
    entry = entries[0]
    offers = sorted({each.value for each in entries})

    def make(policy: Policy, argument: str) -> Any:
        if len(offers) > 1:
            raise ConfigError(
                f"policy '{policy.name}' names the classifier '{entry.name}', which several "
                f"packages offer ({', '.join(offers)}); uninstall all but one"
            )
        try:
            return entry.load()(policy, argument)
        except ProvenanceError:
            raise
        except Exception as error:  # somebody else's code may fail in any way
            raise ConfigError(
                f"policy '{policy.name}' names the classifier '{entry.name}', which {entry.value} "
                f"could not make ({type(error).__name__}: {error}); see its documentation"
            ) from error

    return make


def _open_nsfw(policy: Policy, argument: str) -> PictureClassifier:
    from provenance.moderate.nudity import NudityClassifier

    _no_argument(policy, "open-nsfw", argument)
    return NudityClassifier()


def _nudenet(policy: Policy, argument: str) -> PictureClassifier:
    from provenance.moderate.nudenet import NudeNetClassifier

    del policy
    return NudeNetClassifier(argument or "nudity")


def _zero_shot(policy: Policy, argument: str) -> PictureClassifier:
    from provenance.moderate.on_tower import zero_shot

    return zero_shot(policy, argument)


def _head(policy: Policy, argument: str) -> PictureClassifier:
    from provenance.moderate.on_tower import head

    return head(policy, argument)


def _terms(policy: Policy, argument: str) -> PromptClassifier:
    """The embedded lists, and with `terms:PATH` one of your own besides."""
    from provenance.moderate.prompt import PromptTerms

    terms = PromptTerms.standard()
    if not argument:
        return terms
    path = Path(argument).expanduser()
    if not path.is_absolute():
        raise ConfigError(f"policy '{policy.name}' names {argument}; expected the list's full path")
    return terms.extended(path)


def _similarity(policy: Policy, argument: str) -> PromptClassifier:
    from provenance.moderate.on_tower import similarity

    return similarity(policy, argument)


def _openai(policy: Policy, argument: str) -> PromptClassifier:
    """Sends every prompt to OpenAI, with the key of $OPENAI_API_KEY; `openai:MODEL` names one."""
    from provenance.moderate.prompt.adapters.openai import OpenAIModeration

    del policy
    return OpenAIModeration(argument) if argument else OpenAIModeration()


def _no_argument(policy: Policy, name: str, argument: str) -> None:
    if argument:
        raise ConfigError(
            f"policy '{policy.name}' names the classifier '{name}:{argument}'; {name} takes no "
            f"argument: write '{name}'"
        )


_PICTURES: Mapping[str, ForPictures] = {
    "open-nsfw": _open_nsfw,
    "nudenet": _nudenet,
    "zero-shot": _zero_shot,
    "head": _head,
}
_PROMPTS: Mapping[str, ForPrompts] = {
    "terms": _terms,
    "similarity": _similarity,
    "openai": _openai,
}
