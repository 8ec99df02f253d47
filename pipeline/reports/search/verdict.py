"""What a search has shown, in sentences that claim no more than the figures."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from pipeline.reports.search.seed_noise import SeedNoise, seed_noise
from transforms.plural import counted, plural
from tuning.results import SearchResults
from tuning.trial_result import TrialResult
from tuning.value_text import value_text


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
        f"Trial {best.trial_id} is the best, with {setting_of(best.values)}: it has "
        f"the {side} {how_judged(results)}, {quantity(results, best.objective)}"
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
