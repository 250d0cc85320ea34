"""What a published detector promises: one number for a picture, higher for generated ones."""

from __future__ import annotations

from typing import Protocol

from provenance.picture import Picture


class Detector(Protocol):
    """A network with its weights. What its number is worth, only a calibration says."""

    @property
    def name(self) -> str:
        """Of the evidence, such as `commfor`."""

    @property
    def model(self) -> str:
        """Of the weights, for `provenance models pull` and for the calibration."""

    @property
    def least(self) -> int:
        """Pixels of the shorter side under which it was not meant to be used."""

    def digest(self) -> str:
        """SHA-256 of what it was loaded from; a calibration is bound to it.

        Raises:
            WeightsMissing: the weights are not on this machine.
            ConfigError: they are not known, or not what they should be.
        """
        ...

    def logit(self, picture: Picture) -> float:
        """One number, from minus to plus infinity.

        Raises:
            WeightsMissing: the weights are not on this machine.
            ConfigError: they are not known, or not what they should be.
        """
        ...
