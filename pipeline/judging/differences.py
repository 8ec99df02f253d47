"""Differences between methods, paired by task, and the file that keeps them."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from models.evaluation.intervals import Floats, Interval, bootstrap_means
from models.evaluation.metric import Metric
from models.whole_files import read_json, write_atomically
from pipeline.judging.task_metrics_file import TaskMetrics
from transforms.schema import DataError

DIFFERENCES_FILE = "differences.json"
FORMAT_VERSION = 2


class Contrast(NamedTuple):
    """A method in one group and what it is held against, by one metric.

    Attributes:
        metric: Name of the metric.
        method: The method.
        group: Its group.
        reference: What it is held against.
        reference_group: The group of that, of the same tasks.
    """

    metric: str
    method: str
    group: str
    reference: str
    reference_group: str


# A method less its reference, the mean over the tasks that both have a value of.
Differences: TypeAlias = Mapping[Contrast, Interval]


def take_differences(
    contrasts: Iterable[Contrast],
    by_task: Mapping[str, TaskMetrics],
    seed: int,
    num_resamples: int,
) -> dict[Contrast, Interval]:
    """Takes differences, all of them over the same resampled tasks.

    Args:
        contrasts: What is asked for.
        by_task: Values of each task, by method, group and metric.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        Each contrast once, in the order asked for; those without a task that has both
        values are left out.
    """
    gaps: dict[Contrast, Floats] = {}
    for one in contrasts:
        of_method = by_task[one.method][one.group]
        of_reference = by_task[one.reference][one.reference_group]
        if one.metric in of_method and one.metric in of_reference:
            gap = of_method[one.metric] - of_reference[one.metric]
            if not np.isnan(gap).all():
                gaps[one] = gap
    intervals = bootstrap_means([*gaps.values()], seed, num_resamples)
    return dict(zip(gaps, intervals, strict=True))


def write_differences(
    path: pathlib.Path, metrics: Sequence[Metric], differences: Differences
) -> None:
    """Writes `differences.json`.

    Args:
        path: The file.
        metrics: All metrics, the one that decides first.
        differences: Every one is method less reference.
    """
    named = {one.metric for one in differences}
    values: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "metric": metrics[0].name,
        "higher_is_better": {
            one.name: one.higher_is_better for one in metrics if one.name in named
        },
        "differences": [
            {**contrast._asdict(), **dataclasses.asdict(interval)}
            for contrast, interval in differences.items()
        ],
    }
    write_atomically(path, json.dumps(values, indent=2))


def read_differences(path: pathlib.Path) -> dict[Contrast, Interval]:
    """Reads what `write_differences` wrote.

    Raises:
        DataError: If the file is of another format.
    """
    values = read_json(path)
    if values["format_version"] != FORMAT_VERSION:
        raise DataError(
            f"{path}: format_version must be {FORMAT_VERSION}, got "
            f"{values['format_version']!r}: run `cmml evaluate` again."
        )
    return {
        Contrast(*(row[name] for name in Contrast._fields)): Interval(
            row["mean"], row["low"], row["high"], row["num_tasks"]
        )
        for row in values["differences"]
    }
