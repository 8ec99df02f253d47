"""Metrics of each task in a file, by group and metric."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

# Values of each task, float64 [T], by group and metric.
TaskMetrics: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]


def save_metrics(path: pathlib.Path, metrics: TaskMetrics) -> None:
    """Writes metrics, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp.npz")
    arrays: dict[str, Any] = {
        f"{group}/{metric}": values
        for group, by_metric in metrics.items()
        for metric, values in by_metric.items()
    }
    np.savez(temporary, **arrays)
    temporary.replace(path)


def load_metrics(path: pathlib.Path) -> TaskMetrics:
    """Reads what `save_metrics` wrote."""
    metrics: dict[str, dict[str, np.ndarray]] = {}
    with np.load(path) as arrays:
        for name, values in arrays.items():
            group, _, metric = name.rpartition("/")  # Groups may have one.
            metrics.setdefault(group, {})[metric] = values
    return metrics
