"""What trains a trial, what became of it, and the file that says so.

Without TensorFlow or KerasTuner: a training has a process of its own, which imports
this before it can hold back what TensorFlow says when it starts.
"""

import dataclasses
import json
import pathlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from models.whole_files import read_json, write_json

RESULT_FILE = "result.json"

Status: TypeAlias = Literal["completed", "invalid", "failed"]


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


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """A trial that has ended.

    Attributes:
        trial_id: Its name, such as "0003".
        status: "completed", "invalid" if the configuration refuses its values, or
            "failed" if a training failed.
        values: Values by key of the configuration, such as {"model.encoder": "gru"};
            keys that are not active in this trial are left out.
        scores: Metric on meta-validation, by seed; empty if not completed.
        objective: What trials are held against each other by; None if not completed.
        best_epochs: Epoch of each of the scores, the first being 1.
        num_parameters: Weights that were trained; None if not completed.
        seconds: Wall time of the trial, over all the times it was started.
        reason: Why it is invalid or failed; "" otherwise.
    """

    trial_id: str
    status: Status
    values: Mapping[str, Any]
    scores: tuple[float, ...] = ()
    objective: float | None = None
    best_epochs: tuple[int, ...] = ()
    num_parameters: int | None = None
    seconds: float = 0.0
    reason: str = ""

    @property
    def spread(self) -> float:
        """Standard deviation of the scores over seeds; 0 of fewer than two."""
        return spread(self.scores)


def spread(scores: Sequence[float]) -> float:
    """Standard deviation of a sample; 0 of fewer than two scores."""
    return statistics.stdev(scores) if len(scores) > 1 else 0.0


def objective(
    scores: Sequence[float], *, spread_weight: float, minimise: bool
) -> float:
    """Joins the scores of several seeds into one, in the unit of the metric.

    Args:
        scores: One for each seed, at least one.
        spread_weight: Standard deviations added to the mean, to the worse side.
        minimise: Whether less of the metric is better.
    """
    sign = 1.0 if minimise else -1.0
    return statistics.fmean(scores) + sign * spread_weight * spread(scores)


def write_result(folder: pathlib.Path, result: TrialResult) -> None:
    """Writes `result.json` into the folder of a trial, whole or not at all."""
    write_json(folder / RESULT_FILE, dataclasses.asdict(result))


def read_result(folder: pathlib.Path) -> TrialResult | None:
    """Reads what `write_result` wrote; None if the trial has not ended."""
    path = folder / RESULT_FILE
    if not path.exists():
        return None
    fields = read_json(path)
    for name in ("scores", "best_epochs"):
        fields[name] = tuple(fields[name])
    return TrialResult(**fields)


def value_text(value: Any) -> str:
    """Writes a value as YAML would have it on one line, text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)
