"""The best trial of a search as an experiment that can be run."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

from pipeline.experiment.config_file import to_yaml
from pipeline.experiment.config_section import Experiment
from pipeline.reports.search.verdict import how_judged, quantity, setting_of
from pipeline.settings.registry import load_experiment
from tuning.results import SearchResults
from tuning.space import LENGTH_KEYS


def best_experiment(
    results: SearchResults, config_path: str | pathlib.Path, overrides: Sequence[str]
) -> Any:
    """Returns the experiment with the values of the best trial and its first seed.

    How long it trains is as the experiment says, whatever the space or Hyperband made
    of it for the trials, unless that was searched.

    It keeps its name, so that it finds the prepared data, and its run is a new one:
    runs are told apart by what decides their weights.

    Args:
        results: The search.
        config_path: The experiment that was searched around.
        overrides: Changes of it as typed, those that the search had.

    Raises:
        ConfigError: If the experiment cannot be read, or refuses the values.
    """
    lengths = lengths_of_trials(results)
    values = {**results.space.set, **results.best_first()[0].values}
    changes = {key: value for key, value in values.items() if key not in lengths}
    changes["training.seed"] = results.seeds[0]
    return load_experiment(config_path, overrides, changes)


def lengths_of_trials(results: SearchResults) -> dict[str, Any]:
    """Returns the keys, not searched, that say how long the best trial was trained."""
    values = {**results.space.set, **results.best_first()[0].values}
    return {
        key: values[key]
        for key in LENGTH_KEYS
        if key in values and key not in results.space.keys
    }


def best_yaml(results: SearchResults, experiment: Experiment) -> str:
    """Writes the experiment, and above it where its values come from.

    Args:
        results: The search.
        experiment: As `best_experiment` returns it.
    """
    best = results.best_first()[0]
    assert best.objective is not None
    scores = ", ".join(
        f"{seed}: {score:.4f}"
        for seed, score in zip(results.seeds, best.scores, strict=True)
    )
    lines = [
        f"The best trial of the search {results.space.name!r} by {results.algorithm}.",
        f"trial: {best.trial_id}, of {len(results.best_first())} that were completed",
        f"values: {setting_of(best.values)}",
        f"objective: {quantity(results, best.objective)}, {how_judged(results)} on "
        "meta-validation",
        f"{results.metric} by seed: {scores}",
        f"chosen for the {'lowest' if results.minimise else 'highest'} objective, of "
        "equals the earliest; meta-test was not looked at",
    ]
    for key, value in lengths_of_trials(results).items():
        section, _, name = key.partition(".")
        full = getattr(getattr(experiment, section), name)
        lines.append(f"{key} is that of the experiment, {full}; trials had {value}")
    comments = [f"# {' '.join(line.split())}\n" for line in lines]  # Each on one line.
    return "".join(comments) + to_yaml(experiment)
