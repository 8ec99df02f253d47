"""One key of a search as an axis of a figure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reports.page.svg import plain
from tuning.results import SearchResults
from tuning.space import Domain
from tuning.trial_result import TrialResult
from tuning.value_text import value_text

_LABEL_LENGTH = 24
_NUM_TICKS = 5


@dataclasses.dataclass(frozen=True)
class KeyAxis:
    """Where each value of a key stands on an axis from 0 to 1.

    Values of a list stand at even distances, numbers by size, names as the space has
    them; those of a range stand where their size, or its logarithm, puts them.

    Attributes:
        key: The key.
        ticks: Places by label.
        ends: Ends of a range, both their logarithms if the range says so; None of a
            list.
        is_log: Whether they are logarithms.
    """

    key: str
    ticks: Mapping[str, float]
    ends: tuple[float, float] | None = None
    is_log: bool = False

    @property
    def is_even(self) -> bool:
        """Whether values are those of a list, at even distances."""
        return self.ends is None

    @property
    def gap(self) -> float:
        """Distance between two values of a list; 1 if there is one alone."""
        return 1.0 / max(len(self.ticks) - 1, 1)

    def place(self, value: Any) -> float:
        """Returns where a value stands, in [0, 1]."""
        if self.ends is None:
            return self.ticks[_label(value)]
        low, high = self.ends
        size = math.log10(value) if self.is_log else float(value)
        return min(max((size - low) / (high - low), 0.0), 1.0)


def key_axis(key: str, domain: Domain, trials: Sequence[TrialResult]) -> KeyAxis:
    """Makes the axis of a key.

    Args:
        key: The key.
        domain: What it may be.
        trials: Trials, which may have values that the domain has not.
    """
    tried = [trial.values[key] for trial in trials if key in trial.values]
    if domain.min is None or domain.max is None:
        return KeyAxis(key, _even_ticks([*(domain.values or ()), *tried]))
    is_log = domain.scale == "log"
    ends = domain.min, domain.max
    low, high = (math.log10(end) if is_log else float(end) for end in ends)
    bare = KeyAxis(key, {}, (low, high), is_log)
    values = domain.points() if domain.steps else _round_numbers(low, high, is_log)
    values = values if len(values) <= _NUM_TICKS + 1 else (domain.min, domain.max)
    ticks = {f"{value:.3g}": bare.place(value) for value in values}
    return dataclasses.replace(bare, ticks=ticks)


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


def _even_ticks(values: Sequence[Any]) -> dict[str, float]:
    in_order = sorted(values) if all(map(is_number, values)) else values
    labels = list(dict.fromkeys(_label(value) for value in in_order))
    if len(labels) == 1:
        return {labels[0]: 0.5}
    return {label: n / (len(labels) - 1) for n, label in enumerate(labels)}


def _round_numbers(low: float, high: float, is_log: bool) -> tuple[float, ...]:
    """Returns both ends, and of logarithms the powers of ten between."""
    if not is_log:
        steps = range(_NUM_TICKS)
        return tuple(low + (high - low) * n / (_NUM_TICKS - 1) for n in steps)
    powers = [10.0**n for n in range(math.floor(low) + 1, math.ceil(high))]
    return (10.0**low, *powers, 10.0**high)


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else value_text(value)


def shortened(label: str) -> str:
    """Returns a label as it fits into a figure, none of it taken for mathematics."""
    is_long = len(label) > _LABEL_LENGTH
    return plain(f"{label[: _LABEL_LENGTH - 1]}\u2026" if is_long else label)
