"""The step `tune report`: a search as a page for people, and its best trial."""

import pathlib
import shlex
from collections.abc import Sequence
from typing import Any

from models.whole_files import write_atomically
from pipeline.experiment.config_file import to_yaml
from pipeline.experiment.config_section import Experiment
from pipeline.reports.page.render import render
from pipeline.reports.search.course import best_so_far, objective_by_cost, slices
from pipeline.reports.search.key_axis import searched_keys
from pipeline.reports.search.objective_axis import objective_axis
from pipeline.reports.search.search_tables import importance_table, trial_table
from pipeline.reports.search.verdict import (
    advice,
    description,
    how_judged,
    name_of,
    quantity,
    reasons,
    setting_of,
    verdict,
)
from pipeline.settings.registry import load_experiment
from tuning.hparams_log import HPARAMS_DIR
from tuning.importance import Importance, importance
from tuning.results import SearchResults, read_results
from tuning.space import EPOCHS_KEY, LENGTH_KEYS

PAGE_FILE = "report.html"
TABLE_FILE = "trials"
BEST_FILE = "best.yaml"


def write_report(
    search_dir: pathlib.Path, config_path: str | pathlib.Path, overrides: Sequence[str]
) -> pathlib.Path:
    """Writes a page, the table of trials, and the best trial as an experiment.

    They can be written while the search goes on, of the trials that have ended.

    Args:
        search_dir: Folder of the search; the files are written there.
        config_path: The experiment that was searched around.
        overrides: Changes of it as typed, those that the search had.

    Returns:
        The page.

    Raises:
        ConfigError: If the experiment cannot be read, or refuses the values of the best
            trial.
        DataError: If the folder holds no search, or no completed trial yet.
    """
    results = read_results(search_dir)
    experiment = best_experiment(results, config_path, overrides)
    best = best_yaml(results, experiment)
    of_keys = importance(
        results.of_space(), list(searched_keys(results)), minimise=results.minimise
    )
    lengths = lengths_of_trials(results)
    command = shlex.join(["cmml", "run", "--config", str(search_dir / BEST_FILE)])
    max_epochs = experiment.training.max_epochs
    text = search_page(
        results,
        of_keys,
        name=experiment.name,
        advice=advice(results, of_keys, lengths.get(EPOCHS_KEY, max_epochs)),
        best_yaml=best,
        command=command,
        logs=search_dir / HPARAMS_DIR,
    )
    table = trial_table(results)
    write_atomically(search_dir / f"{TABLE_FILE}.csv", table.to_csv())
    write_atomically(search_dir / f"{TABLE_FILE}.md", table.to_markdown())
    write_atomically(search_dir / BEST_FILE, best)
    write_atomically(search_dir / PAGE_FILE, text)
    return search_dir / PAGE_FILE


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
        f"trial: {name_of(results, best)}, of {len(results.best_first())} that were "
        "completed",
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


def search_page(
    results: SearchResults,
    importance: Importance,
    *,
    name: str,
    advice: Sequence[str],
    best_yaml: str,
    command: str,
    logs: pathlib.Path,
) -> str:
    """Returns the page: the verdict, what to try next, and what that rests on.

    Args:
        results: The search.
        importance: Importance of its keys.
        name: Name of the experiment.
        advice: What to try next, in sentences.
        best_yaml: The experiment of the best trial.
        command: What runs it.
        logs: Folder of the trials for TensorBoard.
    """
    return render(
        "search.html",
        name=name,
        search=results.space.name,
        metric=results.metric,
        description=description(results),
        verdict=verdict(results),
        advice=advice,
        keys=importance_table(results, importance),
        figures=search_figures(results),
        num_beyond=objective_axis(results).num_beyond,
        reasons=reasons(results),
        trials=trial_table(results),
        command=command,
        best_yaml=best_yaml,
        logs=logs,
    )


def search_figures(results: SearchResults) -> dict[str, str]:
    """Returns every figure that there is something to draw in, SVG by name."""
    drawn = {
        "slices": slices(results),
        "best_so_far": best_so_far(results),
        "objective_by_cost": objective_by_cost(results),
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}
