"""What trains a trial, and what comes of it; without TensorFlow or KerasTuner.

A training has a process of its own, which imports this before it can hold back what
TensorFlow says when it starts.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, Protocol


@dataclasses.dataclass(frozen=True)
class Training:
    """What a training came to.

    Attributes:
        score: Best value of the metric on meta-validation.
        best_epoch: The epoch of it, the first being 1.
        num_parameters: Weights that were trained.
    """

    score: float
    best_epoch: int
    num_parameters: int


class TrainingFailedError(Exception):
    """A training that failed because of its values; the search goes on."""


class Trainer(Protocol):
    """Trains with some values of keys, or goes on where it was killed."""

    def __call__(
        self, values: Mapping[str, Any], seed: int, folder: pathlib.Path
    ) -> Training:
        """Trains, unless that has been done in this folder.

        Args:
            values: Values by key of the configuration.
            seed: Seed of the training.
            folder: What it writes goes below; others of the trial do so too.

        Raises:
            TrainingFailedError: If the training failed.
        """
