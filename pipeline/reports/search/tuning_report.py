"""The step `tune report`: a search as a page for people, and its best trial."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Sequence

from models.whole_files import write_atomically
from pipeline.reports.search.advice import advice
from pipeline.reports.search.best_config import (
    best_experiment,
    best_yaml,
    lengths_of_trials,
)
from pipeline.reports.search.key_axis import searched_keys
from pipeline.reports.search.page import search_page
from pipeline.reports.search.search_tables import trial_table
from tuning.hparams_log import HPARAMS_DIR
from tuning.importance import importance
from tuning.results import read_results
from tuning.space import EPOCHS_KEY

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
        results.trials, list(searched_keys(results)), minimise=results.minimise
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
