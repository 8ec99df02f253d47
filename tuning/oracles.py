"""The oracles by name: the grid, and KerasTuner's own."""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from tuning.grid import Refusal, grid_points, split_points
from tuning.keras_tuner_parts import (
    BayesianOptimizationOracle,
    HyperbandOracle,
    RandomSearchOracle,
    TrialStatus,
)
from tuning.key_values import encode
from tuning.results import SearchResults
from tuning.search_oracle import SearchOracle


class GridOracle(SearchOracle):
    """Trial i tries point i of the grid, so that there is nothing to remember.

    Args:
        search: What is searched for.
        search_dir: Folder of the search.
        **options: As of `SearchOracle`.
    """

    def __init__(
        self, search: SearchResults, search_dir: pathlib.Path, **options: Any
    ) -> None:
        super().__init__(search, search_dir, **options)
        self._points: Sequence[Mapping[str, Any]] = ()

    def resume(self) -> None:
        """Lays out the grid, and reads what an earlier search has left."""
        points = grid_points(self._space)
        self._points, refused = split_points(points, self._refusal)
        self._skipped.extend(refused)
        super().resume()

    @property
    def num_planned(self) -> int:
        """Trials of the whole search."""
        return min(len(self._points), self._budget or len(self._points))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a trial."""
        if self.is_spent():
            return {"status": TrialStatus.STOPPED}
        values = encode(self._space, self._points[int(trial_id)])
        return {"status": TrialStatus.RUNNING, "values": values}


class RandomOracle(SearchOracle, RandomSearchOracle):
    """Draws every trial by itself."""


class BayesianOracle(SearchOracle, BayesianOptimizationOracle):
    """Draws a few trials, then tries where a Gaussian process expects the most."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Chooses the values of a trial, or draws them if those were tried before."""
        response = super().populate_space(trial_id)
        values = response.get("values")
        if values and (self._duplicate(values) or self._is_refused(values)):
            response = self._random_populate_space()
        return response


class BracketOracle(SearchOracle, HyperbandOracle):
    """Hyperband: many short trainings, of which the better ones get longer ones.

    A longer training starts anew, since the learning rate falls along a cosine over
    the epochs that there will be. A bracket whose first round finds no more values to
    try, as in a space of few points, goes on with those that it has.
    """

    def __init__(
        self, search: SearchResults, search_dir: pathlib.Path, **options: Any
    ) -> None:
        self._closed: dict[int, int] = {}  # Trials of first rounds that are cut short.
        super().__init__(search, search_dir, **options)

    def _random_trial(self, trial_id: str, bracket: Mapping[str, Any]) -> Any:
        """Begins a trial of a first round; without new values one of a later round."""
        response = super()._random_trial(trial_id, bracket)
        if response["status"] == TrialStatus.RUNNING:
            return response
        self._closed[bracket["bracket_num"]] = len(bracket["rounds"][0])
        return super().populate_space(trial_id)

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


def make_oracle(
    search: SearchResults,
    search_dir: pathlib.Path,
    *,
    refusal: Refusal,
    max_trials: int | None,
    max_seconds: float | None,
    max_epochs: int,
) -> SearchOracle:
    """Makes the oracle of a search; it knows nothing yet of an earlier start.

    Args:
        search: What is searched for.
        search_dir: Folder of the search.
        refusal: Says why the configuration refuses values.
        max_trials: Trials of the whole search, at most; None for no limit.
        max_seconds: No trial starts later than that; None for no limit.
        max_epochs: Most epochs that Hyperband gives to a trial.
    """
    options = {"max_epochs": max_epochs} if search.algorithm == "hyperband" else {}
    return _ORACLES[search.algorithm](
        search,
        search_dir,
        refusal=refusal,
        max_trials=max_trials,
        max_seconds=max_seconds,
        **options,
    )
