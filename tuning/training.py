"""What trains a trial, and what comes of it; without TensorFlow or KerasTuner.

A training has a process of its own, which imports this before it can hold back what
TensorFlow says when it starts.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias


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


# Trains with values by key of the configuration and a seed, unless that has been done,
# or goes on where it was killed; what it writes goes below a folder, as that of others
# of the trial does. Raises `TrainingFailedError`.
Trainer: TypeAlias = Callable[[Mapping[str, Any], int, pathlib.Path], Training]
