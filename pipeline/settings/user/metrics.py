"""What methods are judged by with users as tasks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric, check_formulas
from models.evaluation.rating_metrics import NDCG_CUTOFFS, mae, mean_over_pairs, rmse
from models.evaluation.rating_metrics import ndcg as ndcg_at
from models.evaluation.scored_pairs import ScoredPairs

if TYPE_CHECKING:
    from pipeline.settings.user.data import UserData

COVERAGE = 0.8
LINEAR_NDCG = "ndcg_linear"  # Its gain is linear in the label, whatever the range.

_FILE = "pipeline/settings/user/metrics.py"

MAE = Metric("mae", higher_is_better=False)
RMSE = Metric("rmse", higher_is_better=False)
METRICS = (
    MAE,
    Metric("mae_median", higher_is_better=False),
    RMSE,
    *(Metric(f"ndcg@{k}") for k in NDCG_CUTOFFS),
    *(Metric(f"{LINEAR_NDCG}@{k}", in_tables=False) for k in NDCG_CUTOFFS),
    Metric("log_loss", unit="nats", higher_is_better=False),
    Metric(
        "coverage@80",
        in_tables=False,
        target=COVERAGE,
        sentence="the central 80% of the distributions hold {:.1%} of the labels",
    ),
)


def metric_notes(data: UserData) -> list[str]:
    """Says what a label is worth in NDCG."""
    return [f"The gain of ndcg is {data.label_gain.words}."]


def metrics_by_task(
    pairs: ScoredPairs, *, names: Sequence[str] | None = None
) -> dict[str, Floats]:
    """Returns the metrics of each user; see `Setting.by_task`.

    Each metric is of the statistic that it asks for: "mae" and "rmse" of the score,
    which is the mean of a predicted distribution, "mae_median" of its median, NDCG of
    the order by expected gain. Of a method without a distribution all are of the score,
    and "log_loss" and "coverage@80" are missing.

    Raises:
        ValueError: If a metric of `METRICS` has no formula here.
    """
    (labels, scores, medians, gains, *others), mask = _padded(pairs)
    worth = pairs.label_gain
    assert worth is not None  # They are rated.

    def ndcg(gain: Callable[[Floats], Floats], k: int) -> Floats:
        return ndcg_at(labels, gains, mask, k=k, gain=gain)

    measures: dict[str, Callable[[], Floats]] = {
        "mae": lambda: mae(labels, scores, mask),
        "mae_median": lambda: mae(labels, medians, mask),
        "rmse": lambda: rmse(labels, scores, mask),
        **{
            f"{name}@{k}": functools.partial(ndcg, gain, k)
            for name, gain in (("ndcg", worth.of), (LINEAR_NDCG, worth.linear))
            for k in NDCG_CUTOFFS
        },
    }
    of_distribution: dict[str, Callable[[], Floats]] = {
        "log_loss": lambda: -mean_over_pairs(np.asarray(others[0], np.float64), mask),
        "coverage@80": lambda: mean_over_pairs(np.asarray(others[1], np.float64), mask),
    }
    formulas = measures | of_distribution
    check_formulas(METRICS, formulas, f"`metrics_by_task` of {_FILE}")
    return {
        name: measure()
        for name, measure in (formulas if others else measures).items()
        if names is None or name in names
    }


def _padded(pairs: ScoredPairs) -> tuple[list[NDArray], NDArray]:
    """Returns labels, scores, medians and gains, and of a distribution two more."""
    given = dataclasses.replace(
        pairs,
        median=pairs.score if pairs.median is None else pairs.median,
        gain=pairs.score if pairs.gain is None else pairs.gain,
    )
    has_distribution = pairs.log_likelihood is not None
    columns = ("log_likelihood", "coverage") if has_distribution else ()
    return given.padded("label", "score", "median", "gain", *columns)
