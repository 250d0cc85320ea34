"""Every exception the library raises; one class for each reaction a caller could have.

    ProvenanceError
    ├── InputError             the picture cannot be used as it is
    │   ├── UnreadablePicture  damaged, empty, or not a picture at all
    │   ├── UnsupportedPicture understood, and refused (animated, a format we do not write)
    │   ├── TooLarge           over the limit on bytes or pixels
    │   └── TooSmall           cannot carry a mark reliably
    ├── CapacityError          the payload does not fit its carrier
    ├── ConfigError            settings are missing or wrong
    │   ├── KeyUnusable        a key or certificate is missing, damaged, locked or expired
    │   └── WeightsMissing     a model's weights are not here (in provenance.weights.interface)
    ├── Blocked                the policy said no: an answer, not a fault
    ├── HeldForReview          the policy wants a person to look first
    ├── ModerationFailed       a check could not run, which blocks as well
    ├── SigningFailed          the manifest could not be made
    ├── ReadbackFailed         the finished bytes did not verify, so they were discarded
    ├── PullFailed             weights could not be fetched (in provenance.weights.interface)
    ├── OutputError            the result could not be written
    ├── RegistryUnavailable    the registry or the log cannot be used
    └── RegistryConflict       the registry holds other content under the same id

A message says what was found, what was expected and what to do. It never holds a key, a
passphrase or a prompt. A negative answer of `verify` is a result, not an exception.
"""

from __future__ import annotations


class ProvenanceError(Exception):
    """Base of every exception in this library."""


class InputError(ProvenanceError):
    """The picture cannot be used as it is."""


class UnreadablePicture(InputError):
    """The bytes are damaged, cut short, empty, or not a picture."""


class UnsupportedPicture(InputError):
    """The picture was understood and is refused: animated, or a format we do not write."""


class TooLarge(InputError):
    """The picture is over the limit on bytes or on pixels; nothing was decoded."""


class TooSmall(InputError):
    """The picture is too small to carry a mark reliably."""


class CapacityError(ProvenanceError):
    """The payload does not fit the carrier or the scheme."""


class ConfigError(ProvenanceError):
    """Settings are missing or wrong."""


class KeyUnusable(ConfigError):
    """A key or certificate is missing, damaged, locked or expired. Never holds key material."""


class Blocked(ProvenanceError):
    """The policy refused the prompt or the picture. The message may be shown to end users.

    Attributes:
        category: what was seen, such as `nudity`.
        score: the classifier's score in [0, 1]; not a probability unless its card says so. For
            operators: it is not in the message. None where no score is ever shown.
        threshold: the score at which the policy blocks, or None likewise.
        policy: the policy's name and digest.
        stage: `prompt` or `picture`.
    """

    def __init__(
        self,
        category: str,
        score: float | None,
        threshold: float | None,
        policy: str,
        stage: str = "picture",
    ) -> None:
        self.category = category
        self.score = score
        self.threshold = threshold
        self.policy = policy
        self.stage = stage
        name = policy.partition("@")[0]
        why = f"for {category}" if score is not None else "and no policy can allow it"
        super().__init__(f"the {stage} was refused by policy '{name}' {why}; change the {stage}")

    def __reduce__(
        self,
    ) -> tuple[type[Blocked], tuple[str, float | None, float | None, str, str]]:
        """Pickle by fields, so that the exception crosses process boundaries."""
        return type(self), (self.category, self.score, self.threshold, self.policy, self.stage)


class HeldForReview(ProvenanceError):
    """A person has to look at the picture first; it waits in the queue, and is not returned.

    Attributes:
        ticket: names it in the queue, for `provenance review`.
        category: what was seen.
        policy: the policy's name and digest.
    """

    def __init__(self, ticket: str, category: str, policy: str) -> None:
        self.ticket = ticket
        self.category = category
        self.policy = policy
        name = policy.partition("@")[0]
        super().__init__(
            f"policy '{name}' holds the picture for review; it waits under ticket {ticket}"
        )

    def __reduce__(self) -> tuple[type[HeldForReview], tuple[str, str, str]]:
        """Pickle by fields, so that the exception crosses process boundaries."""
        return type(self), (self.ticket, self.category, self.policy)


class ModerationFailed(ProvenanceError):
    """A required check could not run. A check that fails, blocks."""


class SigningFailed(ProvenanceError):
    """The manifest could not be made or attached."""


class ReadbackFailed(ProvenanceError):
    """The finished bytes did not verify when read back; they were discarded."""


class OutputError(ProvenanceError):
    """The result could not be written; nothing half-written was left behind."""


class RegistryUnavailable(ProvenanceError):
    """The registry or the log cannot be used: locked, read-only, corrupt, full, or unreachable."""


class RegistryConflict(ProvenanceError):
    """The registry holds other content under the same manifest id; the old record was kept."""
