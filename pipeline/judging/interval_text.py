"""How a mean or a difference with its interval stands in a text."""

import math
from collections.abc import Iterable, Mapping

from models.evaluation.intervals import Interval
from models.evaluation.metric import has_few_tasks
from transforms.plural import counted, plural

UNDEFINED_TEXT = "-"


def cell(interval: Interval, least: int = 2) -> str:
    """Writes a mean and its interval; "-" if it is of no task.

    Args:
        interval: The mean, its interval and of how many tasks they are.
        least: Of fewer tasks the mean stands alone. One has no interval ever.
    """
    if math.isnan(interval.mean):
        return UNDEFINED_TEXT
    if has_few_tasks(interval, least):
        return f"{interval.mean:.4f}"
    return f"{interval.mean:.4f} [{interval.low:.3f}, {interval.high:.3f}]"


def signed(interval: Interval, least: int = 2) -> str:
    """Writes a difference and its interval; as `cell` otherwise."""
    if math.isnan(interval.mean):
        return UNDEFINED_TEXT
    if has_few_tasks(interval, least):
        return f"{interval.mean:+.4f}"
    return f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"


def untold(difference: Interval) -> str:
    """Says that a difference is of too few tasks to tell anything; "" if it is not."""
    if not has_few_tasks(difference):
        return ""
    assert difference.num_tasks is not None  # They are few.
    return f"cannot be told of only {counted(difference.num_tasks, 'task')}"


def p_text(p: float) -> str:
    """Writes a p-value."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def task_counts(names: Iterable[str], intervals: Mapping[str, Interval]) -> str:
    """Says how many tasks each mean is of, those of one number together.

    Args:
        names: Metrics, in order.
        intervals: By metric; those that are not there are defined for no task.

    Returns:
        Such as "80 tasks (mae, rmse), 71 of 80 tasks (ndcg@1), no task (ndcg@3)".
    """
    by_count: dict[int, list[str]] = {}
    for name in names:
        found = intervals.get(name)
        count = found.num_tasks or 0 if found is not None else 0
        by_count.setdefault(count, []).append(name)
    if len(by_count) == 1 and 0 not in by_count:
        (count,) = by_count
        return _tasks(count, count)
    most = max(by_count)
    parts = [f"{_tasks(n, most)} ({', '.join(those)})" for n, those in by_count.items()]
    return ", ".join(parts)


def _tasks(count: int, most: int) -> str:
    if not count:
        return "no task"
    share = f"{count:,} of " if count < most else ""
    return f"{share}{most:,} {plural(most, 'task')}"
