"""What methods are judged by with users as tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric
from models.evaluation.rating_metrics import NDCG_CUTOFFS, task_metrics
from models.evaluation.scored_pairs import ScoredPairs

MAE = Metric("mae", unit="stars", higher_is_better=False)
METRICS = (
    MAE,
    Metric("rmse", unit="stars", higher_is_better=False),
    *(Metric(f"ndcg@{k}") for k in NDCG_CUTOFFS),
)


def metrics_by_task(
    pairs: ScoredPairs, *, seed: int, names: Sequence[str] | None = None
) -> dict[str, Floats]:
    """Returns the metrics of each user; see `Setting.by_task`."""
    (labels, scores, users), mask = pairs.padded("label", "score", "user")
    first = users[:, 0] if users.shape[1] else np.zeros(len(users), np.int32)
    return task_metrics(labels, scores, mask, seed=seed, task_ids=first, names=names)
