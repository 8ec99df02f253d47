"""A metric that methods are judged by: its name, its unit, and which way is better."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from models.evaluation.intervals import Interval


@dataclasses.dataclass(frozen=True)
class Metric:
    """What a mean over tasks is of; the first one of a setting decides.

    Attributes:
        name: As `eval/metrics.json` spells it, such as "mae" or "recall@20".
        unit: What stands behind a figure of it; "" for a share.
        higher_is_better: Whether more of it is better.
        in_tables: Whether the tables of `evaluate` and `compare` have a column of it.
    """

    name: str
    unit: str = ""
    higher_is_better: bool = True
    in_tables: bool = True

    @property
    def direction(self) -> int:
        """1 if more is better, -1 if less is."""
        return 1 if self.higher_is_better else -1

    def is_better(self, difference: Interval) -> bool | None:
        """Whether a difference is to the better; None if it may be chance."""
        if difference.low <= 0.0 <= difference.high:
            return None
        return difference.mean * self.direction > 0.0

    def best(self, means: Mapping[str, float]) -> str | None:
        """Names the best of some means, the first of equals; None without any.

        Args:
            means: By name; NaN is worse than any number.
        """

        def worth(name: str) -> float:
            value = self.direction * means[name]
            return -math.inf if math.isnan(value) else value

        return max(means, key=worth, default=None)
