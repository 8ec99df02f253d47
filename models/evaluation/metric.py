"""A metric that methods are judged by: its name, its unit, and which way is better."""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

from models.evaluation.intervals import Interval

# Five tasks agree by chance in one case of 16: no interval of so few says anything.
MIN_TASKS = 6


class NotFiniteError(ValueError):
    """Scores that no metric can be taken of."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """What a mean over tasks is of; the first one of a setting decides.

    Attributes:
        name: As `eval/metrics.json` spells it, such as "mae" or "recall@20".
        unit: What stands behind a figure of it; "" for a share.
        higher_is_better: Whether more of it is better.
        in_tables: Whether tables have a column of it.
        target: What its mean should be, where neither more nor less of it is better;
            None for a metric with a direction. It then takes no part in who is better.
        sentence: What a mean of it says, such as "{:.1%} of the labels are inside";
            "" if its name says enough.
    """

    name: str
    unit: str = ""
    higher_is_better: bool = True
    in_tables: bool = True
    target: float | None = None
    sentence: str = ""

    @property
    def direction(self) -> int:
        """1 if more is better, -1 if less is, 0 if it has a target instead."""
        if self.target is not None:
            return 0
        return 1 if self.higher_is_better else -1

    @property
    def better(self) -> str:
        """Which of its means are better: "higher" or "lower"."""
        return "higher" if self.higher_is_better else "lower"

    def is_better(self, difference: Interval) -> bool | None:
        """Whether a difference is to the better; None if it may be chance.

        None, too, of a metric with a target: a difference does not tell on which side;
        and of a difference that fewer than `MIN_TASKS` tasks have.
        """
        if self.target is not None or math.isnan(difference.mean):
            return None
        if has_few_tasks(difference):
            return None
        if difference.low <= 0.0 <= difference.high:
            return None
        return difference.mean * self.direction > 0.0

    def best(self, means: Mapping[str, float]) -> str | None:
        """Names the best of some means, the first of equals; None without any.

        With a target it is the nearest to that.

        Args:
            means: By name; NaN is worse than any number.
        """

        def worth(name: str) -> float:
            value = means[name]
            if math.isnan(value):
                return -math.inf
            if self.target is not None:
                return -abs(value - self.target)
            return self.direction * value

        return max(means, key=worth, default=None)


def has_few_tasks(interval: Interval, least: int = MIN_TASKS) -> bool:
    """Whether an interval is of fewer than `least` tasks, so that it says nothing."""
    return interval.num_tasks is not None and interval.num_tasks < least


def check_formulas(
    metrics: Sequence[Metric], formulas: Collection[str], place: str
) -> None:
    """Refuses metrics without a formula, whose columns would be empty.

    Args:
        metrics: Those that methods are to be judged by.
        formulas: Names that have a formula.
        place: Where formulas stand, for the message.

    Raises:
        ValueError: If one has none.
    """
    for metric in metrics:
        if metric.name not in formulas:
            raise ValueError(
                f"a metric of METRICS must have a formula in {place}, but "
                f"{metric.name!r} has none."
            )
