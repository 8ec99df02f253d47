"""Metrics that tables show beside the usual ones, as a configuration names them."""

import dataclasses
from collections.abc import Sequence

import pydantic

from models.evaluation.metric import Metric
from pipeline.experiment.config_errors import check_names


def more_metrics_of(metrics: Sequence[Metric]) -> pydantic.AfterValidator:
    """Returns what checks that named metrics are among some."""
    known = [one.name for one in metrics]

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        check_names("more_metrics", names, known)
        return names

    return pydantic.AfterValidator(check)


def shown_metrics(metrics: Sequence[Metric], more: Sequence[str]) -> list[Metric]:
    """Returns all metrics, those named among them with a column in tables."""
    return [
        dataclasses.replace(one, in_tables=one.in_tables or one.name in more)
        for one in metrics
    ]


def table_metrics(metrics: Sequence[Metric], more: Sequence[str]) -> list[Metric]:
    """Returns the metrics with a column in tables, those named among them."""
    return [one for one in shown_metrics(metrics, more) if one.in_tables]
