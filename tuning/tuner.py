"""The tuner: asks an oracle for trials, runs them, and keeps what they came to."""

import contextlib
import math
import pathlib
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from transforms.schema import DataError
from tuning.hparams_log import write_trial
from tuning.keras_tuner_parts import (
    BaseTuner,
    FailedTrialError,
    OracleClient,
    Trial,
    TrialStatus,
)
from tuning.key_values import SEARCH_NAME, decode
from tuning.results import TRIALS_DIR, SearchResults, read_search
from tuning.search_oracle import ORACLE_DIR, SearchOracle
from tuning.training import Trainer, TrainingFailedError
from tuning.trial_progress import TrialProgress
from tuning.trial_result import (
    Status,
    TrialResult,
    objective,
    read_result,
    write_result,
)

CHECKPOINTS_DIR = "checkpoints"  # As trainings name it.

_IDLE_S = 1.0
_SIGN_OF_LIFE_S = 10.0
_MAX_ALIKE = 3


class SearchFailedError(DataError):
    """Several trials in a row failed alike, so that others would too."""


class SearchTuner(BaseTuner):
    """Runs the trials of a search, here or for a chief elsewhere.

    No models are built here: a trial is what the trainer makes of its values. What it
    comes to is in its folder before the oracle is notified, so that a trial whose end
    the oracle has not seen is not run again, only reported again.

    Args:
        oracle: Hands out trials, or stands for the one of the chief.
        search: What is searched for.
        search_dir: Folder of the search.
        trainer: Trains once.
        say: Prints a line of progress.
    """

    def __init__(
        self,
        oracle: SearchOracle,
        search: SearchResults,
        search_dir: pathlib.Path,
        trainer: Trainer,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(oracle, directory=str(search_dir), project_name=ORACLE_DIR)
        self._search = search
        self._search_dir = search_dir
        self._trainer = trainer
        self._say = say
        self._progress = TrialProgress(
            read_search(search_dir), oracle.num_planned or None
        )
        self._failures: list[str] = []

    def search(self) -> None:
        """Runs trials until there are no more.

        Raises:
            SearchFailedError: If three in a row fail alike.
        """
        while True:
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                return
            if trial.status == TrialStatus.IDLE:
                time.sleep(_IDLE_S)
                continue
            with self._signs_of_life(trial.trial_id):
                self._run(trial)

    def _run(self, trial: Trial) -> None:
        """Unlike the base class, takes no bug for a trial that failed."""
        try:
            metrics = self.run_trial(trial)
        except FailedTrialError as error:
            trial.status, trial.message = TrialStatus.FAILED, str(error)
            self._failures.append(re.sub(r"[\d.]+", "#", str(error)))
        else:
            self.oracle.update_trial(trial.trial_id, metrics)
            trial.status = TrialStatus.COMPLETED
            self._failures.clear()
        self.oracle.end_trial(trial)
        alike = self._failures[-_MAX_ALIKE:]
        if len(alike) == _MAX_ALIKE and len(set(alike)) == 1:
            raise SearchFailedError(
                f"{_MAX_ALIKE} trials in a row failed alike, the last one, "
                f"{trial.trial_id}, with: {trial.message}"
            )

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Trains with each seed, unless that has been done.

        Returns:
            The objective.

        Raises:
            FailedTrialError: If a training failed; says why.
        """
        name = trial.hyperparameters.values.get(SEARCH_NAME, self._search_dir.name)
        if name != self._search_dir.name:
            raise DataError(
                f"the chief searches {name!r}, this worker {self._search_dir.name!r}: "
                "start both with the same configuration, space and algorithm."
            )
        folder = self._search_dir / TRIALS_DIR / trial.trial_id
        result = read_result(folder)
        if result is None:
            result = self._train(trial, folder)
            write_result(folder, result)
        write_trial(self._search_dir, self._search, result)
        results = read_search(self._search_dir)
        keep_best(self._search_dir, results)
        self._say(self._progress.line(result, results))
        if result.objective is None:
            raise FailedTrialError(result.reason)
        return {self._search.metric: result.objective}

    def _train(self, trial: Trial, folder: pathlib.Path) -> TrialResult:
        started = time.monotonic()
        values = decode(self._search.space, trial.hyperparameters.values)

        def result(status: Status, **outcome: Any) -> TrialResult:
            seconds = round(time.monotonic() - started, 3)
            return TrialResult(
                trial.trial_id, status, values, seconds=seconds, **outcome
            )

        try:
            trainings = [self._trainer(values, s, folder) for s in self._search.seeds]
        except TrainingFailedError as error:
            return result("failed", reason=str(error))
        scores = tuple(training.score for training in trainings)
        if not all(map(math.isfinite, scores)):
            return result("failed", reason=f"scores must be finite: {scores}")
        return result(
            "completed",
            scores=scores,
            objective=objective(
                scores,
                spread_weight=self._search.space.spread_weight,
                minimise=self._search.minimise,
            ),
            best_epochs=tuple(training.best_epoch for training in trainings),
            num_parameters=trainings[0].num_parameters,
        )

    @contextlib.contextmanager
    def _signs_of_life(self, trial_id: str) -> Iterator[None]:
        """Lets a chief know again and again that the trial is being worked on."""
        if not isinstance(self.oracle, OracleClient):
            yield
            return
        ended = threading.Event()

        def ask() -> None:
            while not ended.wait(_SIGN_OF_LIFE_S):
                self.oracle.get_trial(trial_id)

        threading.Thread(target=ask, daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def save(self) -> None:
        """Does nothing: the oracle saves itself, and there is nothing else."""

    def reload(self) -> None:
        """Does nothing, as `save`."""


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
