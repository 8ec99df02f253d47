"""What to try after a search."""

from __future__ import annotations

import math
from typing import Any

from pipeline.reports.search.key_axis import is_number
from pipeline.reports.search.seed_noise import seed_noise
from transforms.plural import counted
from tuning.importance import Importance
from tuning.main_effect import MainEffect
from tuning.results import SearchResults
from tuning.space import Domain
from tuning.value_text import value_text

_BY_CHANCE = 0.05
_MIN_POINTS = 3  # Of two values one is always at an end.
_EDGE = 0.02  # Share of a range that counts as its end.
_LIGHTER = 0.7


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
    sentences = _edges(results, idle) + _epochs(results, max_epochs) + _doubts(results)
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
        side = _edge(domain, best.values[key]) if key in best.values else None
        if side and key not in idle:
            sentences.append(
                f"{key}: the best value, {value_text(best.values[key])}, is the {side} "
                "that was allowed. Let the space go beyond it."
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


def _epochs(results: SearchResults, max_epochs: int) -> list[str]:
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
