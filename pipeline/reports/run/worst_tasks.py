"""The tasks that CMML does worst on, and what they have in common."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.evaluation.intervals import Floats
from models.evaluation.scored_pairs import ScoredPairs
from pipeline.judging.evaluation import CMML
from pipeline.reports.run.evaluated_run import EvaluatedRun

_WORST_SHARE = 0.1
MIN_WORST = 5  # Fewer have nothing in common that stands out from chance.
_BY_CHANCE = 0.01
_RARE = 10  # An item with fewer interactions is.


@dataclasses.dataclass(frozen=True)
class InCommon:
    """A trait in which the worst tasks differ from the others beyond chance.

    Attributes:
        name: The trait.
        worst: Median over the worst tasks.
        others: Median over the others.
        higher: How often a worst task has more of it than another one, in [0, 1].
    """

    name: str
    worst: float
    others: float
    higher: float


@dataclasses.dataclass(frozen=True, eq=False)
class WorstTasks:
    """Tasks in order, the worst first.

    Attributes:
        order: int, places of the tasks of the main group.
        num_worst: How many of the first are called the worst.
        traits: Properties of all tasks by name, float64 [T], NaN where not known.
        in_common: Those that set the worst apart, the clearest first.
    """

    order: NDArray[np.int64]
    num_worst: int
    traits: Mapping[str, Floats]
    in_common: Sequence[InCommon]


def worst_tasks(run: EvaluatedRun, item_counts: NDArray) -> WorstTasks:
    """Orders the tasks of the main group by the metric of CMML.

    Args:
        run: The scores.
        item_counts: int, interactions of each item that can be learned from.
    """
    main = run.main
    metric = run.by_task(CMML, main)
    known = np.flatnonzero(~np.isnan(metric))
    order = known[np.argsort(run.metric.direction * metric[known], kind="stable")]
    num_worst = max(round(_WORST_SHARE * len(order)), min(MIN_WORST, len(order) // 4))
    of_tasks = traits(run.scores[CMML][main], len(run.task_ids), item_counts)
    if run.strongest is not None:
        name = f"{run.metric.name} of {run.strongest}"
        of_tasks[name] = run.by_task(run.strongest, main)
    common = _in_common(order, num_worst, of_tasks)
    return WorstTasks(order, num_worst, of_tasks, common)


def traits(
    rows: ScoredPairs, num_tasks: int, item_counts: NDArray
) -> dict[str, Floats]:
    """Returns what is known of tasks from their query pairs.

    Args:
        rows: The pairs.
        num_tasks: All tasks.
        item_counts: int, interactions of each item.
    """

    def mean(values: NDArray) -> Floats:
        counts = np.bincount(rows.task, minlength=num_tasks)
        sums = np.bincount(rows.task, values, minlength=num_tasks)
        means: Floats = sums / np.where(counts > 0, counts, np.nan)
        return means

    counts = item_counts[rows.item]
    of_tasks = {
        "support pairs shown": mean(rows.support_size),
        "interactions of its items, mean": mean(counts),
        f"share of items with fewer than {_RARE}": mean(counts < _RARE),
    }
    if rows.label is not None:
        label = rows.label.astype(np.float64)
        centre = mean(label)
        of_tasks |= {
            "mean label": centre,
            "spread of labels": np.sqrt(mean((label - centre[rows.task]) ** 2)),
        }
    if rows.num_candidates is not None:
        pairs = np.unique(np.stack([rows.task, rows.user]), axis=1)
        num_users = np.bincount(pairs[0], minlength=num_tasks).astype(np.float64)
        of_tasks |= {
            "users": np.where(num_users > 0, num_users, np.nan),
            "candidates": mean(rows.num_candidates),
        }
    return of_tasks


def _in_common(
    order: NDArray, num_worst: int, of_tasks: Mapping[str, Floats]
) -> list[InCommon]:
    if num_worst < MIN_WORST:
        return []
    common = []
    for name, values in of_tasks.items():
        worst, others = (
            part[~np.isnan(part)] for part in np.split(values[order], [num_worst])
        )
        if not worst.size or not others.size:
            continue
        test = stats.mannwhitneyu(worst, others)
        if test.pvalue < _BY_CHANCE:
            higher = float(test.statistic) / (worst.size * others.size)
            medians = float(np.median(worst)), float(np.median(others))
            common.append(InCommon(name, *medians, higher))
    return sorted(common, key=lambda each: -abs(each.higher - 0.5))
