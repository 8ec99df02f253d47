"""What a search has shown, in sentences that claim no more than the figures."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import scipy.stats

from pipeline.reports.search.key_axis import is_number
from transforms.plural import counted, plural
from tuning.importance import Importance
from tuning.main_effect import MainEffect
from tuning.results import SearchResults
from tuning.space import Domain
from tuning.trial_result import TrialResult, value_text

_CONFIDENCE = 0.95

_BY_CHANCE = 0.05
_MIN_POINTS = 3  # Of two values one is always at an end.
_EDGE = 0.02  # Share of a range that counts as its end.
_LIGHTER = 0.7


def verdict(results: SearchResults) -> list[str]:
    """Returns which trial is the best, by how much, and what to doubt."""
    trials = results.best_first()
    noise = seed_noise(trials)
    return [
        _best(results, trials[0], noise),
        *_lead(results, trials, noise),
        _count(results),
        f"Trials were chosen by {results.metric} on meta-validation, which flatters "
        "the best of them; meta-test has not been looked at.",
    ]


def description(results: SearchResults) -> str:
    """Returns what was searched, in a sentence."""
    return (
        f"Search {results.space.name!r} by {results.algorithm}, "
        f"{counted(len(results.space.keys), 'key')}, "
        f"{counted(len(results.trials), 'trial')} of "
        f"{counted(len(results.seeds), 'seed')}."
    )


def reasons(results: SearchResults) -> list[str]:
    """Returns why trials have no result, and which, each reason once."""
    trials: dict[tuple[str, str], list[str]] = {}
    for trial in results.trials:
        if trial.status != "completed":
            trials.setdefault((trial.status, trial.reason), []).append(trial.trial_id)
    return [
        f"{len(names)} {status} ({_some(names)}): {reason}"
        for (status, reason), names in trials.items()
    ]


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def name_of(results: SearchResults, trial: TrialResult) -> str:
    """Names a trial, and says so if it is the experiment itself."""
    itself = " (the experiment itself)" if results.is_own(trial) else ""
    return f"{trial.trial_id}{itself}"


def setting_of(values: Mapping[str, Any]) -> str:
    """Returns values of keys in a line of text."""
    return ", ".join(f"{key} = {value_text(value)}" for key, value in values.items())


def quantity(results: SearchResults, value: float) -> str:
    """Returns a value of the metric with its unit."""
    return f"{value:.4f} {results.unit}".rstrip()


def how_judged(results: SearchResults) -> str:
    """Returns what the objective is, in words."""
    if len(results.seeds) == 1:
        return f"{results.metric} of one seed"
    mean = f"mean {results.metric} of {len(results.seeds)} seeds"
    weight = results.space.spread_weight
    if weight == 0.0:
        return mean
    sign = "plus" if results.minimise else "less"
    return f"{mean} {sign} {weight:g} times their standard deviation"


def _best(results: SearchResults, best: TrialResult, noise: SeedNoise | None) -> str:
    assert best.objective is not None
    side = "lowest" if results.minimise else "highest"
    text = (
        f"Trial {name_of(results, best)} is the best, with "
        f"{setting_of(best.values)}: it has the {side} {how_judged(results)}, "
        f"{quantity(results, best.objective)}"
    )
    if noise is None:
        return f"{text}."
    mean = statistics.fmean(best.scores)
    low, high = min(best.scores), max(best.scores)
    return f"{text} (mean {mean:.4f}, seeds from {low:.4f} to {high:.4f})."


def _lead(
    results: SearchResults, trials: list[TrialResult], noise: SeedNoise | None
) -> list[str]:
    if len(trials) == 1:
        return ["It is the only completed trial: there is nothing to hold it against."]
    best, second = trials[0], trials[1]
    assert best.objective is not None
    assert second.objective is not None
    gap = abs(best.objective - second.objective)
    if gap == 0.0:
        same = [t.trial_id for t in trials[1:] if t.objective == best.objective]
        return [f"Of equals the earliest is taken: {', '.join(same)} did as well."]
    lead = (
        f"It is {quantity(results, gap)} ahead of the second, trial {second.trial_id}"
    )
    if noise is None:
        return [
            f"{lead}; with one seed it cannot be known whether that is more than luck."
        ]
    if noise.spread == 0.0:
        return [f"{lead}, and seeds make no difference."]
    lead += f", which is {gap / noise.spread:.2g} times the spread of seeds"
    even = [t for t in trials[1:] if noise.is_within(best, t)]
    if not even:
        return [f"{lead} ({noise.spread:.4f}): more than their luck would make."]
    count = f"{counted(len(even), 'trial')} {plural(len(even), 'is', 'are')}"
    return [
        f"{lead} ({noise.spread:.4f}): the difference is within noise.",
        f"{count} not told apart from the best, being no further away than "
        f"{noise.least_gap:.4f}, as far as the luck of the seeds reaches.",
    ]


def _count(results: SearchResults) -> str:
    states = [trial.status for trial in results.trials]
    parts = [f"{states.count('completed')} completed"]
    parts += [
        f"{states.count(state)} {state}"
        for state in ("failed", "invalid")
        if state in states
    ]
    minutes = sum(trial.seconds for trial in results.trials) / 60.0
    return (
        f"Of {counted(len(states), 'trial')} {', '.join(parts)}; {minutes:.1f} minutes "
        "in all."
    )


@dataclasses.dataclass(frozen=True)
class SeedNoise:
    """The luck of the seeds, in the unit of the metric.

    Attributes:
        spread: Standard deviation over seeds, pooled over the better half of the
            trials, since those that diverge have another.
        num_seeds: Seeds of a trial.
        freedom: Degrees of freedom that the spread was told from.
    """

    spread: float
    num_seeds: int
    freedom: int

    @property
    def least_gap(self) -> float:
        """The difference of two trials that luck makes in one case of twenty."""
        quantile = float(scipy.stats.t.ppf((1.0 + _CONFIDENCE) / 2.0, self.freedom))
        return quantile * self.spread * math.sqrt(2.0 / self.num_seeds)

    def is_within(self, one: TrialResult, other: TrialResult) -> bool:
        """Whether the objectives of two trials differ by no more than luck would."""
        assert one.objective is not None
        assert other.objective is not None
        return abs(one.objective - other.objective) <= self.least_gap


def seed_noise(best_first: Sequence[TrialResult]) -> SeedNoise | None:
    """Measures the luck of the seeds.

    Args:
        best_first: Completed trials, the best first, at least one.

    Returns:
        The noise; None if there is one seed, of which nothing can be told.
    """
    half = best_first[: math.ceil(len(best_first) / 2)]
    num_seeds = min(len(trial.scores) for trial in half)
    if num_seeds < 2:
        return None
    pooled = math.sqrt(statistics.fmean(trial.spread**2 for trial in half))
    return SeedNoise(pooled, num_seeds, len(half) * (num_seeds - 1))


def advice(
    results: SearchResults, importance: Importance, max_epochs: int
) -> list[str]:
    """Returns what to try next, in sentences.

    Args:
        results: The search.
        importance: Importance of its keys.
        max_epochs: Most epochs of the best trial.
    """
    idle = [
        key
        for key, effect in importance.main.items()
        if isinstance(effect, MainEffect) and effect.p > _BY_CHANCE
    ]
    unused = []
    if _is_start_kept(results):
        unused = [key for key in results.space.keys if key.startswith("training.")]
    sentences = [
        *_edges(results, [*idle, *unused]),
        *_epochs(results, max_epochs),
        *_doubts(results),
    ]
    if idle:
        sentences.append(
            f"On average no effect beyond chance is seen of {', '.join(idle)}: the "
            "cheapest values will do until more trials say otherwise."
        )
    return sentences or ["Nothing stands out: the space holds a clear best trial."]


def _edges(results: SearchResults, idle: list[str]) -> list[str]:
    best = results.best_first()[0]
    sentences = []
    for key, domain in results.space.keys.items():
        if key not in best.values:
            continue
        value = best.values[key]
        start = f"{key}: the best value, {value_text(value)}, is"
        if results.is_own(best) and not domain.holds(value):
            sentences.append(
                f"{start} that of the experiment itself. Let the space hold it."
            )
        elif (side := _edge(domain, value)) and key not in idle:
            sentences.append(
                f"{start} the {side} that was allowed. Let the space go beyond it."
            )
    return sentences


def _edge(domain: Domain, value: Any) -> str | None:
    """Returns "lowest" or "highest" if a number is at that end of several."""
    if domain.min is not None and domain.max is not None:
        low, high = float(domain.min), float(domain.max)
        share = (value - low) / (high - low)
        if domain.scale == "log":
            share = math.log(value / low) / math.log(high / low)
        if share <= _EDGE:
            return "lowest"
        return "highest" if share >= 1.0 - _EDGE else None
    values = domain.values or ()
    if len(values) < _MIN_POINTS or not all(map(is_number, values)):
        return None
    if value == min(values):
        return "lowest"
    return "highest" if value == max(values) else None


def _is_start_kept(results: SearchResults) -> bool:
    """Whether no epoch of any trial was better than the start."""
    epochs = [n for trial in results.best_first() for n in trial.best_epochs]
    return bool(epochs) and not any(epochs)


def _epochs(results: SearchResults, max_epochs: int) -> list[str]:
    if _is_start_kept(results):
        return [
            "No epoch of any trial was better than the start, so that keys of training "
            "and of the networks change nothing: search others, or with a larger "
            "training.max_epochs."
        ]
    last = [n for n in results.best_first()[0].best_epochs if n >= max_epochs]
    if not last:
        return []
    return [
        f"The best trial was at its best in its last epoch ({max_epochs}) with "
        f"{len(last)} of {counted(len(results.seeds), 'seed')}: raise "
        "training.max_epochs."
    ]


def _doubts(results: SearchResults) -> list[str]:
    trials = results.best_first()
    noise = seed_noise(trials)
    if len(trials) == 1:
        return ["Run more trials, since one has nothing to be held against."]
    if noise is None:
        return ["Train with several seeds, a key of the space, to learn what is luck."]
    best = trials[0]
    even = [trial for trial in trials[1:] if noise.is_within(best, trial)]
    if not even:
        return []
    sentences = [
        "Train those that are not told apart with more seeds before choosing between "
        "them, or take the cheapest."
    ]
    sizes = {trial.trial_id: trial.num_parameters for trial in even}
    known = {name: size for name, size in sizes.items() if size}
    if known and best.num_parameters:
        light = min(known, key=lambda name: known[name])
        if known[light] < _LIGHTER * best.num_parameters:
            share = known[light] / best.num_parameters
            sentences.append(
                f"Trial {light} is not told apart from the best and has {share:.0%} of "
                "its weights."
            )
    return sentences
