"""Oracles: which values a trial tries next, remembered so that a search can go on.

Every file is written aside and renamed. What was half done when a search was killed is
dropped or done again, never lost and never done twice. Values that the
configuration refuses are skipped before they become a trial. The first trial is the
experiment itself, so that the best one is no worse.
"""

import dataclasses
import json
import math
import pathlib
import shutil
import time
from collections.abc import Mapping
from typing import Any

from models.whole_files import write_atomically
from tuning.grid import Refusal
from tuning.keras_tuner_parts import Objective, Oracle, Trial, TrialStatus, synchronized
from tuning.key_values import decode, encode, to_hyperparameters
from tuning.results import SearchResults, SkippedPoints

ORACLE_DIR = "oracle"

_MAX_REFUSED = 200  # Draws in a row.


@dataclasses.dataclass(frozen=True)
class Budget:
    """What a search may cost.

    Attributes:
        max_trials: Trials of the whole search; None for no limit.
        max_hours: Hours after which no trial is started, from the start of this
            process; None for no limit.
        max_epochs: Most epochs that Hyperband gives to a trial.
    """

    max_trials: int | None = None
    max_hours: float | None = None
    max_epochs: int = 100


class SearchOracle(Oracle):
    """What all oracles here have beside the drawing of values.

    Args:
        search: What is searched for.
        search_dir: Folder of the search.
        refusal: Says why the configuration refuses values.
        budget: What it may cost.
        **options: Of the KerasTuner oracle.

    Attributes:
        search_name: Name of the folder.
    """

    trials: dict[str, Trial]

    def __init__(
        self,
        search: SearchResults,
        search_dir: pathlib.Path,
        *,
        refusal: Refusal,
        budget: Budget,
        **options: Any,
    ) -> None:
        direction = "min" if search.minimise else "max"
        super().__init__(
            objective=Objective(search.metric, direction),
            hyperparameters=to_hyperparameters(search.space),
            seed=1 + search.seeds[0],  # KerasTuner takes 0 for none.
            # Failures are counted by the tuner, which knows their reasons.
            max_consecutive_failed_trials=-1,
            **options,
        )
        self.max_trials = None  # Ours is counted otherwise.
        self.verbose = 0
        self._set_project_dir(str(search_dir), ORACLE_DIR)
        self.search_name = search_dir.name
        self._space = search.space
        self._own = None if search.own is None else encode(search.space, search.own)
        self._refusal = refusal
        self._max_trials = budget.max_trials
        self._deadline = math.inf
        if budget.max_hours is not None:
            self._deadline = time.monotonic() + budget.max_hours * 3600.0
        self._is_exhausted = False
        self._skipped = SkippedPoints(search_dir)

    @property
    def num_planned(self) -> int | None:
        """Trials of the whole search; None if that is not known."""
        return self._max_trials

    def is_spent(self) -> bool:
        """Whether no more trials may be started."""
        if self._is_exhausted or time.monotonic() >= self._deadline:
            return True
        planned = self.num_planned
        return planned is not None and len(self.trials) >= planned

    def is_finished(self) -> bool:
        """Whether every trial that may be started has ended."""
        return self.is_spent() and not self.ongoing_trials and not self._retry_queue

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a trial, unless the budget is spent."""
        if self.is_spent():
            return {"status": TrialStatus.STOPPED}
        own = self._own
        tried = [trial.hyperparameters.values for trial in self.trials.values()]
        if own is not None and own not in tried:
            return {"status": TrialStatus.RUNNING, "values": dict(own)}
        return self._draw(trial_id)

    def _draw(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a trial that is not the experiment itself."""
        response: dict[str, Any] = super().populate_space(trial_id)
        return response

    @synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Hands out a trial, first of those that were begun and not ended.

        As long as others work, a worker with nothing to do has to wait: a trial
        may come back from one that died.
        """
        trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED:
            if self.ongoing_trials:
                self.tuner_ids.add(tuner_id)
                trial.status = TrialStatus.IDLE
            else:
                self._is_exhausted = True
        return trial

    @synchronized
    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> Trial:
        """Notes what a trial has come to, unless it was killed after it had been."""
        trial = self.trials[trial_id]
        name = self.objective.name
        if not (trial.metrics.exists(name) and trial.metrics.get_history(name)):
            trial = super().update_trial(trial_id, metrics, step)
        return trial

    @synchronized
    def end_trial(self, trial: Trial) -> None:
        """Takes back a trial; one that has ended before, of a late worker, is left."""
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        if trial.trial_id not in self.end_order:
            # What came from another process has numbers of single precision.
            trial.hyperparameters = self.trials[trial.trial_id].hyperparameters
            super().end_trial(trial)
        self._release(trial.trial_id)
        self.save()  # The base class does so before the trial is released.

    @synchronized
    def give_back(self, tuner_id: str) -> str | None:
        """Forgets a worker and puts its trial, if it has one, up for another.

        Returns:
            The trial.
        """
        self.tuner_ids.discard(tuner_id)
        trial = self.ongoing_trials.pop(tuner_id, None)
        if trial is None:
            return None
        if trial.trial_id not in self._retry_queue:
            self._retry_queue.append(trial.trial_id)
        self.save()
        return str(trial.trial_id)

    def resume(self) -> None:
        """Reads what an earlier search has left, if there was one."""
        if pathlib.Path(self._get_oracle_fname()).exists():
            self.reload()

    def reload(self) -> None:
        """Reads the state; what was not yet handed out is dropped, and drawn again."""
        super().reload()  # Queues trials that were going on.
        for trial_id in self.trials.keys() - set(self.start_order):
            del self.trials[trial_id]
            shutil.rmtree(self._get_trial_dir(trial_id))
        queued = dict.fromkeys(self._retry_queue)
        self._retry_queue: list[str] = [t for t in queued if t not in self.end_order]

    def save(self) -> None:
        """Writes the state, whole or not at all."""
        path = pathlib.Path(self._get_oracle_fname())
        write_atomically(path, json.dumps(self.get_state()))

    def _save_trial(self, trial: Trial) -> None:
        path = pathlib.Path(self._get_trial_dir(trial.trial_id), "trial.json")
        write_atomically(path, json.dumps(trial.get_state()))

    def _release(self, trial_id: str) -> None:
        for tuner_id, trial in list(self.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.ongoing_trials[tuner_id]

    def _random_values(self) -> dict[str, Any] | None:
        """Draws values that are not refused; None if there seem to be no more."""
        for _ in range(_MAX_REFUSED):
            encoded: dict[str, Any] | None = super()._random_values()
            if encoded is None or not self._is_refused(encoded):
                return encoded
        return None

    def _is_refused(self, encoded: Mapping[str, Any]) -> bool:
        """Whether values are refused; they are then noted, and not drawn again."""
        values = decode(self._space, encoded)
        if reason := self._refusal(values):
            self._tried_so_far.add(self._compute_values_hash(encoded))
            self._skipped.extend([(values, reason)])
        return bool(reason)
