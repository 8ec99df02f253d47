"""What methods are judged by with scenarios as tasks."""

from collections.abc import Sequence

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric, check_formulas
from models.evaluation.ranking_metrics import UserMetrics, user_metrics
from models.evaluation.scored_pairs import ScoredPairs

_FILE = "models/evaluation/ranking_metrics.py"

# Epochs are chosen by it. Recall@20 hangs on few clicks near its edge: on Last.fm its
# best epochs order the first places worse than the start, and recall no more.
EPOCH_METRIC = Metric("ndcg")
METRICS = (
    Metric("recall@20"),
    *(Metric(f"recall@{k}") for k in (5, 10, 50)),
    *(Metric(f"ndcg@{k}", in_tables=False) for k in (10, 20)),
    *(EPOCH_METRIC, Metric("mrr")),
)


def metrics_by_user(pairs: ScoredPairs) -> UserMetrics:
    """Returns the metrics of each user in each scenario."""
    assert pairs.rank is not None  # Clicks are ranked.
    assert pairs.num_tied is not None
    assert pairs.num_candidates is not None
    return user_metrics(
        *(pairs.task, pairs.user, pairs.rank),
        num_tasks=pairs.num_tasks,
        num_tied=pairs.num_tied,
        num_candidates=pairs.num_candidates,
    )


def metrics_by_task(
    pairs: ScoredPairs, *, names: Sequence[str] | None = None
) -> dict[str, Floats]:
    """Returns the metrics of each scenario, means over users; see `Setting.by_task`.

    Raises:
        ValueError: If a metric of `METRICS` has no formula.
    """
    by_task = metrics_by_user(pairs).by_scenario()
    check_formulas(METRICS, by_task, f"`user_metrics` of {_FILE}")
    return {k: v for k, v in by_task.items() if names is None or k in names}
