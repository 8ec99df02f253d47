"""Metrics of each task in a file, by group and metric."""

import pathlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from models.whole_files import whole_file

# Values of each task, float64 [T], by group and metric.
TaskMetrics: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]


def save_metrics(path: pathlib.Path, metrics: TaskMetrics) -> None:
    """Writes metrics, whole or not at all."""
    arrays: dict[str, Any] = {
        f"{group}/{metric}": values
        for group, by_metric in metrics.items()
        for metric, values in by_metric.items()
    }
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_metrics(path: pathlib.Path) -> TaskMetrics:
    """Reads what `save_metrics` wrote."""
    metrics: dict[str, dict[str, np.ndarray]] = {}
    with np.load(path) as arrays:
        for name, values in arrays.items():
            group, _, metric = name.rpartition("/")  # Groups may have one.
            metrics.setdefault(group, {})[metric] = values
    return metrics
