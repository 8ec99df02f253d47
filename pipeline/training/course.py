"""The course of a training: what each epoch came to."""

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from models.resumable_training import METRICS_FILE
from pipeline.experiment.run_dir import RunDir

# One line of `metrics.jsonl`. Epoch 0, the start, was judged alone: it has no speed.
Epoch: TypeAlias = Mapping[str, float]

_SPEED, _SECONDS = "tasks_per_s", "epoch_s"


def read_course(run: RunDir) -> list[Epoch]:
    """Reads the epochs of a training, each once, in their order."""
    lines = (run.path / METRICS_FILE).read_text(encoding="utf-8").splitlines()
    epochs = {line["epoch"]: line for line in map(json.loads, lines)}
    return [epochs[number] for number in sorted(epochs)]


def median_speed(course: Sequence[Epoch]) -> float:
    """Returns the median of tasks a second; NaN if nothing was trained."""
    speeds = [line[_SPEED] for line in course if _SPEED in line]
    # The first epoch traces the graph.
    return statistics.median(speeds[1:] or speeds or [float("nan")])


def seconds(course: Sequence[Epoch]) -> float:
    """Returns how long all epochs took together, meta-validation left out."""
    return sum(line.get(_SECONDS, 0.0) for line in course)
