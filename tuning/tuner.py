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
from tuning.trial_result import (
    Status,
    Trainer,
    TrainingFailedError,
    TrialResult,
    objective,
    read_result,
    value_text,
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


class TrialProgress:
    """Tells how far a search is and how long it will take.

    Args:
        results: The search as it was resumed.
        num_planned: Trials of the whole search; None if that is not known.
    """

    def __init__(self, results: SearchResults, num_planned: int | None) -> None:
        self._num_planned = num_planned
        self._num_found = _num_run(results)
        self._started = time.monotonic()

    def line(self, result: TrialResult, results: SearchResults) -> str:
        """Returns a line on a trial that has ended.

        Args:
            result: The trial.
            results: The search with all trials that have ended, of other workers too.
        """
        num_ended = _num_run(results)
        number = f"{num_ended}/{self._num_planned}" if self._num_planned else num_ended
        values = " ".join(f"{k}={value_text(v)}" for k, v in result.values.items())
        return f"tune: trial {result.trial_id} ({number})  {values}  " + ", ".join(
            [*_outcome(result, results), *self._time_left(num_ended)]
        )

    def _time_left(self, num_ended: int) -> list[str]:
        num_here = num_ended - self._num_found  # Since this process began.
        if self._num_planned is None or num_here < 1:
            return []
        seconds = time.monotonic() - self._started
        left = seconds / num_here * max(self._num_planned - num_ended, 0)
        return [f"{duration(left)} left"]


def duration(seconds: float) -> str:
    """Writes a time for people, such as "2 h 05 min", "3 min" or "12 s"."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60.0), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _num_run(results: SearchResults) -> int:
    """Counts trials that were run, not those that were skipped."""
    return sum(trial.status != "invalid" for trial in results.trials)


def _outcome(result: TrialResult, results: SearchResults) -> list[str]:
    if result.objective is None:
        return [f"{result.status}: {result.reason}"]
    best = results.best_first()[0]
    spread = f" (sd {result.spread:.4f})" if len(result.scores) > 1 else ""
    score = f"{results.metric} {result.objective:.4f}{spread}"
    return [score, f"best {best.objective:.4f} of {best.trial_id}"]
