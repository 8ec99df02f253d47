"""Whether a version is good enough, beyond chance: better than some, worse than none.

Tasks are resampled in pairs, which removes what makes them easy or hard for both. A
version that must beat several baselines must beat each, so that nothing has to be
corrected for their number: chance has to help every time, not just once. Every
difference is the version less the other one, whichever way is better.
"""

import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import (
    NO_DIFFERENCE,
    paired_difference,
    resampled_means,
)
from pipeline.experiment.config_section import PushConfig
from pipeline.judging.interval_text import signed
from pipeline.judging.rule import Rule
from pipeline.serving.gate.task_figures import TaskFigures
from transforms.plural import counted

CONFIDENCE = 0.95  # One-sided, of the bound on how much worse a version may be.
_MIN_TASKS = 2  # One task, resampled, has no spread.


def better_rule(
    figures: TaskFigures, candidate: str, baseline: str, options: PushConfig
) -> Rule:
    """Checks that a version is better than a baseline, beyond chance.

    The 95 % interval of the difference must lie on the better side of 0; the value is
    its worse end.

    Args:
        figures: Of all methods.
        candidate: Name of the version.
        baseline: Name of the baseline.
        options: The resampling.
    """
    name = f"better than {baseline}"
    first, second = _paired(figures, candidate, baseline)
    if first.size < _MIN_TASKS:
        return _too_few(name, first.size)
    gap = paired_difference(first, second, options.seed, options.num_resamples)
    direction = figures.metric.direction
    worst, limit = (gap.low, "above 0") if direction > 0 else (gap.high, "below 0")
    detail = (
        f"{_means(figures, first, second)}, this version less {baseline} {signed(gap)}"
    )
    return Rule(name, direction * worst > 0.0, worst, limit, detail)


def not_worse_rule(
    figures: TaskFigures, candidate: str, serving: str, options: PushConfig
) -> Rule:
    """Checks that a version is not worse than another one by more than the margin.

    The worse end of the one-sided 95 % interval of the difference, which is the value,
    must not lie beyond it.

    Args:
        figures: Of all methods.
        candidate: Name of the version.
        serving: Name of the version that serves now.
        options: The margin, a multiple of the unit of figures, and the resampling.
    """
    name = f"not worse than {serving}"
    margin = options.margin * figures.unit
    first, second = _paired(figures, candidate, serving)
    if first.size < _MIN_TASKS:
        return _too_few(name, first.size)
    direction, gap = figures.metric.direction, first - second
    side, end = (
        ("at least", 1 - CONFIDENCE) if direction > 0 else ("at most", CONFIDENCE)
    )
    means = resampled_means(gap, options.seed, options.num_resamples)
    worst = float(np.quantile(means, end))
    detail = (
        f"{_means(figures, first, second)}, this version less {serving} "
        f"{gap.mean():+.4f}, {side} {worst:+.4f} with 95 % confidence"
    )
    if figures.unit != 1.0:
        detail += (
            f"; the limit is push.margin, {options.margin:g}, times the standard "
            f"deviation of the labels, {figures.unit:.4g}"
        )
    if np.allclose(first, second, rtol=0.0, atol=NO_DIFFERENCE):
        detail += "; equal on every task, so that nothing new was judged"
    limit = 0.0 - direction * margin
    passed = direction * (worst - limit) >= 0.0
    return Rule(name, passed, worst, f"{side} {limit:.4g}", detail)


def rubber_stamp(reason: str) -> Rule:
    """Passes a version that cannot be compared with one that serves; it says why."""
    detail = f"rubber stamp: {reason}; the other rules alone decide"
    return Rule("not worse than serving", True, None, None, detail)


def _paired(
    figures: TaskFigures, first: str, second: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the figures of two methods on the tasks that both have."""
    a, b = figures.by_method[first], figures.by_method[second]
    both = ~np.isnan(a) & ~np.isnan(b)
    return a[both], b[both]


def _means(
    figures: TaskFigures, first: NDArray[np.float64], second: NDArray[np.float64]
) -> str:
    return (
        f"{figures.metric.name} {first.mean():.4f} against {second.mean():.4f} "
        f"on {counted(first.size, 'task')}"
    )


def _too_few(name: str, num_tasks: int) -> Rule:
    detail = f"needs {_MIN_TASKS} tasks that both have figures of, got {num_tasks}"
    return Rule(name, False, None, None, detail)
