"""One key of a search as an axis of a figure."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.reports.page.svg import plain
from tuning.results import SearchResults
from tuning.space import Domain
from tuning.trial_result import TrialResult, value_text

_LABEL_LENGTH = 24
_NUM_TICKS = 5


@dataclasses.dataclass(frozen=True)
class KeyAxis:
    """Where each value of a key stands on an axis.

    Values of a list stand 1 apart, numbers by size, names as the space has them; those
    of a range where they are, or at the end that they lie beyond.

    Attributes:
        key: The key.
        ticks: Places by label, ascending.
        ends: Ends of a range; None of a list.
        scale: Of a range, "linear" or "log".
    """

    key: str
    ticks: Mapping[str, float]
    ends: tuple[float, float] | None = None
    scale: str = "linear"

    def place(self, value: Any) -> float:
        """Returns where a value stands."""
        if self.ends is None:
            return self.ticks[_label(value)]
        low, high = self.ends
        return min(max(value, low), high)


def key_axis(key: str, domain: Domain, trials: Sequence[TrialResult]) -> KeyAxis:
    """Makes the axis of a key.

    Args:
        key: The key.
        domain: What it may be.
        trials: Trials, which may have values that the domain has not.
    """
    if domain.min is not None and domain.max is not None:
        ends = domain.min, domain.max
        values = domain.points() if domain.steps else _between(*ends, domain.scale)
        values = values if len(values) <= _NUM_TICKS + 1 else ends
        ticks = {f"{value:.3g}": value for value in values}
        return KeyAxis(key, ticks, ends, domain.scale)
    tried = [trial.values[key] for trial in trials if key in trial.values]
    values = [*(domain.values or ()), *tried]
    in_order = sorted(values) if all(map(is_number, values)) else values
    labels = dict.fromkeys(map(_label, in_order))
    return KeyAxis(key, {label: n for n, label in enumerate(labels)})


def searched_keys(results: SearchResults) -> dict[str, Domain]:
    """Returns the keys of the space, then those that the algorithm sets by itself."""
    keys = dict(results.space.keys)
    for key in (key for trial in results.trials for key in trial.values):
        if key not in keys:
            tried = [t.values[key] for t in results.trials if key in t.values]
            by_text = {value_text(value): value for value in tried}
            keys[key] = Domain(values=tuple(by_text.values()))
    return keys


def varied_keys(results: SearchResults) -> dict[str, Domain]:
    """Returns the keys that have more than one value among the completed trials."""
    values: dict[str, set[str]] = {}
    for trial in results.best_first():
        for key, value in trial.values.items():
            values.setdefault(key, set()).add(value_text(value))
    keys = searched_keys(results).items()
    return {key: domain for key, domain in keys if len(values.get(key, ())) > 1}


def is_number(value: Any) -> bool:
    """Whether a value has a size; truth values have none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(low: float, high: float, scale: str) -> Sequence[float]:
    """Returns both ends, and even steps between, of logarithms the powers of ten."""
    if scale == "linear":
        return np.linspace(low, high, _NUM_TICKS).tolist()
    exponents = range(math.floor(math.log10(low)) + 1, math.ceil(math.log10(high)))
    return [low, *(10.0**exponent for exponent in exponents), high]


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else value_text(value)


def shortened(label: str) -> str:
    """Returns a label as it fits into a figure, none of it taken for mathematics."""
    is_long = len(label) > _LABEL_LENGTH
    return plain(f"{label[: _LABEL_LENGTH - 1]}\u2026" if is_long else label)
