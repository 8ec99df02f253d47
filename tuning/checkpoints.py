"""Deletes the weights of all but the best trials."""

import pathlib
import shutil

from tuning.results import TRIALS_DIR, SearchResults

CHECKPOINTS_DIR = "checkpoints"  # As trainings name it.


def keep_best(search_dir: pathlib.Path, results: SearchResults) -> None:
    """Deletes the checkpoints of trials that have ended, but for the best ones.

    A trial that is not among the best now never will be, so that workers need not
    agree on it. Lineage, metrics and logs stay.

    Args:
        search_dir: Folder of the search.
        results: The search and all trials that have ended.
    """
    best = results.best_first()[: results.space.keep_checkpoints]
    best_ids = {trial.trial_id for trial in best}
    for trial in results.trials:
        folder = search_dir / TRIALS_DIR / trial.trial_id
        if trial.trial_id not in best_ids:
            for checkpoints in folder.glob(f"**/{CHECKPOINTS_DIR}"):
                shutil.rmtree(checkpoints, ignore_errors=True)  # Two may do it at once.
