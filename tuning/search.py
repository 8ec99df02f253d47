"""A search from its start to its end, in one process or as a part of several."""

import dataclasses
import functools
import json
import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc

from models.file_locks import LockedError, locked
from transforms.schema import DataError
from tuning.chief import serve_oracle, wait_for_chief
from tuning.grid import Refusal, check_values, grid_points, split_points
from tuning.hparams_log import write_experiment
from tuning.keras_tuner_parts import (
    BayesianOptimizationOracle,
    HyperbandOracle,
    RandomSearchOracle,
    TrialStatus,
)
from tuning.key_values import BRACKET_EPOCHS, decode, encode
from tuning.results import SearchResults, read_search, write_search
from tuning.search_oracle import Budget, SearchOracle
from tuning.trial_result import Trainer
from tuning.tuner import SearchTuner

_TUNER_ID = "KERASTUNER_TUNER_ID"
_IP = "KERASTUNER_ORACLE_IP"
_PORT = "KERASTUNER_ORACLE_PORT"


@dataclasses.dataclass(frozen=True)
class Role:
    """What this process is in a search.

    Attributes:
        tuner_id: Its name among several; "" if it is alone.
        address: Host and port of the chief; "" if it is alone.
    """

    tuner_id: str = ""
    address: str = ""

    @property
    def is_chief(self) -> bool:
        """Whether it hands out trials to others."""
        return "chief" in self.tuner_id  # As KerasTuner has it.

    @property
    def is_worker(self) -> bool:
        """Whether it runs trials that a chief hands out."""
        return bool(self.tuner_id) and not self.is_chief


def role_of(environment: Mapping[str, str] = os.environ) -> Role:
    """Reads KerasTuner's three variables.

    Raises:
        DataError: If some of them are set and others not.
    """
    variables = {name: environment.get(name, "") for name in (_TUNER_ID, _IP, _PORT)}
    missing = [name for name, value in variables.items() if not value]
    if len(missing) == len(variables):
        return Role()
    if missing:
        raise DataError(
            f"a distributed search needs {_TUNER_ID}, {_IP} and {_PORT}, got no "
            f"{' and no '.join(missing)}."
        )
    if not variables[_PORT].isdigit():
        raise DataError(f"{_PORT} must be a number, got {variables[_PORT]!r}.")
    return Role(variables[_TUNER_ID], f"{variables[_IP]}:{variables[_PORT]}")


def run_search(
    search: SearchResults,
    search_dir: pathlib.Path,
    *,
    refusal: Refusal,
    trainer: Trainer,
    say: Callable[[str], None],
    budget: Budget,
) -> SearchResults:
    """Runs the trials that are missing.

    Args:
        search: What is searched for.
        search_dir: Its folder.
        refusal: Says why the configuration refuses values.
        trainer: Trains once.
        say: Prints a line of progress.
        budget: What it may cost.

    Returns:
        The search with all trials that have ended.

    Raises:
        DataError: If values can never be tried, another process runs this search, or
            chief and worker do not find each other.
        SearchFailedError: If three trials in a row fail alike.
    """
    role = role_of()
    oracle = _ORACLES[search.algorithm](
        search, search_dir, refusal=refusal, budget=budget
    )
    tuner = functools.partial(
        SearchTuner, oracle, search, search_dir, trainer=trainer, say=say
    )
    if role.is_worker:
        _work(tuner, role.address, say)
        return read_search(search_dir)
    try:
        with locked(search_dir / ".lock", wait=False):
            check_values(search.space, refusal)
            write_search(search_dir, search)
            write_experiment(search_dir, search)
            oracle.resume()
            if role.is_chief:
                serve_oracle(oracle, role.address, say)
            else:
                tuner().search()
    except LockedError:
        raise DataError(
            f"{search_dir} is being searched by another process: wait for it, or start "
            f"a chief and workers, with {_TUNER_ID}."
        ) from None
    return read_search(search_dir)


def _work(
    tuner: Callable[[], SearchTuner], address: str, say: Callable[[str], None]
) -> None:
    """Runs trials for a chief; if it is gone, waits for it to be started again."""
    while True:
        wait_for_chief(address)
        try:
            return tuner().search()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            say(f"tune: the chief at {address} is gone, waiting for it to come back")


class GridOracle(SearchOracle):
    """Tries the points of the grid in their order."""

    _points: Sequence[dict[str, Any]] = ()

    def resume(self) -> None:
        """Lays out the grid, and reads what an earlier search has left."""
        points = grid_points(self._space)
        valid, refused = split_points(points, self._refusal)
        self._points = [encode(self._space, point) for point in valid]
        if self._own is not None and self._own not in self._points:
            self._points = [self._own, *self._points]
        self._skipped.extend(refused)
        super().resume()

    @property
    def num_planned(self) -> int:
        """Trials of the whole search."""
        return min(len(self._points), self._max_trials or len(self._points))

    def _draw(self, trial_id: str) -> dict[str, Any]:
        """Chooses the first point that was not tried."""
        tried = {
            json.dumps(trial.hyperparameters.values) for trial in self.trials.values()
        }
        new = [point for point in self._points if json.dumps(point) not in tried]
        if not new:
            return {"status": TrialStatus.STOPPED}
        return {"status": TrialStatus.RUNNING, "values": new[0]}


class RandomOracle(SearchOracle, RandomSearchOracle):
    """Draws every trial by itself."""


class BayesianOracle(SearchOracle, BayesianOptimizationOracle):
    """Draws a few trials, then tries where a Gaussian process expects the most."""

    def _draw(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a trial, or draws them if those were tried before."""
        response = super()._draw(trial_id)
        values = response.get("values")
        if values and (self._duplicate(values) or self._is_refused(values)):
            response = self._random_populate_space()
        return response

    def _vectorize_trials(self) -> Any:
        """Leaves out the experiment itself if it has no place within the space."""
        trials = self.trials
        self.trials = {
            trial_id: trial
            for trial_id, trial in trials.items()
            if self._space.holds(decode(self._space, trial.hyperparameters.values))
        }
        try:
            return super()._vectorize_trials()
        finally:
            self.trials = trials


class BracketOracle(SearchOracle, HyperbandOracle):
    """Hyperband: many short trainings, of which the better ones get longer ones.

    A longer training starts anew, since the learning rate falls along a cosine over
    the epochs that there will be. A bracket whose first round finds no more values to
    try, as in a space of few points, goes on with those that it has.
    """

    def __init__(self, *of_search: Any, budget: Budget, **options: Any) -> None:
        self._closed: dict[int, int] = {}  # Trials of first rounds that are cut short.
        options["max_epochs"] = budget.max_epochs
        super().__init__(*of_search, budget=budget, **options)
        if self._own is not None:  # Trained in full, as no bracket does at first.
            self._own |= {BRACKET_EPOCHS: self.max_epochs}

    def _random_trial(self, trial_id: str, bracket: Mapping[str, Any]) -> Any:
        """Begins a trial of a first round; without new values one of a later round."""
        response = super()._random_trial(trial_id, bracket)
        if response["status"] == TrialStatus.RUNNING:
            return response
        self._closed[bracket["bracket_num"]] = len(bracket["rounds"][0])
        return super()._draw(trial_id)

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        """Returns the trials of a round; as many times fewer as the first one has."""
        size, first = (
            super(BracketOracle, self)._get_size(bracket_num, number)
            for number in (round_num, 0)
        )
        found = self._closed.get(bracket_num, first)
        return min(int(size), math.ceil(found * size / first))


_ORACLES: Mapping[str, type[SearchOracle]] = {
    "grid": GridOracle,
    "random": RandomOracle,
    "bayesian": BayesianOracle,
    "hyperband": BracketOracle,
}
