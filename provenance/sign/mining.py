"""What others may do with the picture: the assertion `cawg.training-mining`.

Source: CAWG, Training and Data Mining Assertion 1.1, https://cawg.io/training-and-data-mining/
(before C2PA 2.0 it was `c2pa.training-mining`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LABEL = "cawg.training-mining"


class Permission(StrEnum):
    """May it be done?"""

    ALLOWED = "allowed"
    NOT_ALLOWED = "notAllowed"
    CONSTRAINED = "constrained"
    """Under the conditions that `TrainingMining.constraint` names."""


@dataclass(frozen=True, slots=True)
class TrainingMining:
    """A preference for each use; None says nothing about it.

    Attributes:
        generative_training: training a model that generates.
        training: training any other model.
        inference: as input to a trained model.
        data_mining: automated analysis.
        constraint: the conditions of what is constrained, in words or as a URL.

    Raises:
        ValueError: something is constrained, and no condition is named.
    """

    generative_training: Permission | None = None
    training: Permission | None = None
    inference: Permission | None = None
    data_mining: Permission | None = None
    constraint: str = ""

    def __post_init__(self) -> None:
        """Hold the promise that each constraint has its condition."""
        if not self.constraint and Permission.CONSTRAINED in self._entries().values():
            raise ValueError("a use is constrained without a constraint; say which, or a URL")

    @classmethod
    def all(cls, permission: Permission, constraint: str = "") -> TrainingMining:
        """The same preference for every use."""
        return cls(permission, permission, permission, permission, constraint)

    def _entries(self) -> dict[str, Permission]:
        named = {
            "cawg.ai_generative_training": self.generative_training,
            "cawg.ai_training": self.training,
            "cawg.ai_inference": self.inference,
            "cawg.data_mining": self.data_mining,
        }
        return {use: permission for use, permission in named.items() if permission is not None}

    def data(self) -> dict[str, Any]:
        """The assertion."""
        entries: dict[str, dict[str, str]] = {}
        for use, permission in self._entries().items():
            entries[use] = {"use": permission.value}
            if permission is Permission.CONSTRAINED:
                entries[use]["constraint_info"] = self.constraint
        return {"entries": entries}
