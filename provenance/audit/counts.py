"""What is counted: of a detector where it was measured, and of what it said of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.errors import InputError


@dataclass(frozen=True, slots=True)
class Rates:
    """How a detector did where it was measured.

    Attributes:
        found: generated pictures that it called generated.
        generated: of how many.
        accused: other pictures that it called generated.
        others: of how many.

    Raises:
        InputError: the counts cannot be, or the detector is no better than a coin.
    """

    found: int
    generated: int
    accused: int
    others: int

    def __post_init__(self) -> None:
        """Hold the promise on the counts."""
        if not (0 <= self.found <= self.generated and 0 <= self.accused <= self.others):
            raise InputError(f"{self} cannot be counts of a detector")
        # In whole numbers: rounded shares that are alike may seem to differ.
        better = self.found * self.others > self.accused * self.generated
        if not better:
            raise InputError(
                f"{self} tells generated pictures from others no better than a coin, so that "
                "nothing can be estimated with it"
            )

    @property
    def sensitivity(self) -> float:
        """Share of generated pictures that are found."""
        return self.found / self.generated

    @property
    def specificity(self) -> float:
        """Share of other pictures that are not accused."""
        return 1 - self.accused / self.others


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the dataset: a class, a folder, a split, or all of it.

    Attributes:
        name: of the part.
        population: pictures in it.
        judged: those that were drawn at random and that the detector judged.
        called: of these, those that it called generated.
    """

    name: str
    population: int
    judged: int
    called: int

    def __post_init__(self) -> None:
        """Hold the promise on the counts.

        Raises:
            InputError: they cannot be.
        """
        if not 0 <= self.called <= self.judged <= self.population:
            raise InputError(f"{self} cannot be counts of a sample")
