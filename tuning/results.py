"""The folder of a search, as others read it."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.whole_files import read_json, write_json
from transforms.schema import DataError
from tuning.space import Space, is_among
from tuning.trial_result import TrialResult, read_result

SEARCH_FILE = "search.json"
TRIALS_DIR = "trials"

SKIPPED_FILE = "skipped.json"


class SkippedPoints:
    """Points that a search leaves out, on disk as `skipped.json`, each of them once.

    Args:
        search_dir: Folder of the search.
    """

    def __init__(self, search_dir: pathlib.Path) -> None:
        self._path = search_dir / SKIPPED_FILE
        self._points: list[dict[str, Any]] = []
        if self._path.exists():
            self._points = read_json(self._path)

    def extend(self, refused: Iterable[tuple[Mapping[str, Any], str]]) -> None:
        """Notes several points with their reasons."""
        known = [point["values"] for point in self._points]
        new = [
            {"values": values, "reason": reason}
            for values, reason in json.loads(json.dumps(list(refused)))
            if values not in known
        ]
        if new:
            self._points += new
            write_json(self._path, self._points)

    def results(self) -> list[TrialResult]:
        """Returns them as trials that are invalid."""
        return [
            TrialResult(f"skipped-{number:04d}", "invalid", **point)
            for number, point in enumerate(self._points)
        ]


@dataclasses.dataclass(frozen=True)
class SearchResults:
    """The trials of a search so far.

    Attributes:
        space: What it tries.
        algorithm: "grid", "random", "bayesian" or "hyperband".
        metric: What trials are judged by on meta-validation, such as "val_mae".
        minimise: Whether less of it is better.
        unit: Its unit, such as "stars"; "" if it has none.
        seeds: The seeds that each trial is trained with.
        trials: Trials that have ended, by name; points of a grid that are no legal
            configuration are among them, as "invalid".
        own: Values that the experiment has itself, which are tried first; None of a
            search that was not told them.
    """

    space: Space
    algorithm: str
    metric: str
    minimise: bool
    unit: str
    seeds: tuple[int, ...]
    trials: Sequence[TrialResult] = ()
    own: Mapping[str, Any] | None = None

    def best_first(self) -> list[TrialResult]:
        """Returns the completed trials, the best first, of equals the earlier."""
        sign = 1.0 if self.minimise else -1.0

        def order(trial: TrialResult) -> tuple[float, str]:
            assert trial.objective is not None  # Completed.
            return sign * trial.objective, trial.trial_id

        completed = [t for t in self.trials if t.status == "completed"]
        return sorted(completed, key=order)

    def is_own(self, trial: TrialResult) -> bool:
        """Whether a trial is the experiment itself."""
        searched = self.space.keys
        return self.own == {k: v for k, v in trial.values.items() if k in searched}

    def of_space(self) -> list[TrialResult]:
        """Returns the trials without the experiment itself if it is beside the space.

        It would leave hardly any that differ from others in one key alone.
        """

        def is_held(key: str, value: Any) -> bool:
            domain = self.space.keys.get(key)
            if domain is None or self.algorithm != "grid":
                return domain is None or domain.holds(value)
            return is_among(value, domain.points())

        return [
            trial
            for trial in self.trials
            if not self.is_own(trial)
            or all(is_held(key, value) for key, value in trial.values.items())
        ]


def write_search(search_dir: pathlib.Path, search: SearchResults, **facts: Any) -> None:
    """Writes down what is searched for, before the first trial.

    Args:
        search_dir: Folder of the search.
        search: The search; its trials are not written.
        facts: What else is worth knowing.
    """
    fields = {f.name: getattr(search, f.name) for f in dataclasses.fields(search)}
    del fields["trials"]
    fields["space"] = search.space.model_dump(mode="json")
    write_json(search_dir / SEARCH_FILE, {**fields, "facts": facts})


def read_results(search_dir: pathlib.Path) -> SearchResults:
    """Reads a search and the trials that have ended.

    Raises:
        DataError: If the folder holds no search, or no completed trial yet.
    """
    results = read_search(search_dir)
    if not results.best_first():
        ended = len(results.trials)
        raise DataError(
            f"{search_dir} holds no completed trial yet, of {ended} that have ended: "
            "run `cmml tune`."
        )
    return results


def read_search(search_dir: pathlib.Path) -> SearchResults:
    """Reads a search, of which no trial need have ended.

    Raises:
        DataError: If the folder holds none.
    """
    path = search_dir / SEARCH_FILE
    if not path.exists():
        raise DataError(f"{search_dir} holds no search: run `cmml tune`.")
    fields = read_json(path)
    del fields["facts"]
    fields["space"] = Space.model_validate(fields["space"])
    fields["seeds"] = tuple(fields["seeds"])
    return SearchResults(**fields, trials=tuple(_ended(search_dir)))


def _ended(search_dir: pathlib.Path) -> list[TrialResult]:
    folders = sorted((search_dir / TRIALS_DIR).glob("*"))
    results = [read_result(folder) for folder in folders]
    skipped = SkippedPoints(search_dir).results()
    return [r for r in results if r is not None] + skipped
