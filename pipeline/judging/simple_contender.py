"""A simple method in a comparison, whatever the setting."""

import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from models.recommender import Recommender
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.contender import Changes, Contender, method_run

# A fitted method, and what was chosen from its grid.
Fitted: TypeAlias = tuple[Recommender, dict[str, Any]]


class SimpleContender(Contender):
    """A method that is fitted in one call; its grid is searched then.

    Args:
        name: Its name.
        fit: Fits it, the best of its grid.
        build: Fits it with given hyperparameters.
        home: Folder of the experiment's runs.
        fingerprint: Of all that decides what is fitted.
    """

    KIND: ClassVar[str] = "simple"
    candidates: Sequence[Changes] = ({},)

    def __init__(
        self,
        name: str,
        *,
        fit: Callable[[], Fitted],
        build: Callable[[Changes], Recommender],
        home: pathlib.Path,
        fingerprint: str,
    ) -> None:
        self.name = name
        self._fit = fit
        self._build = build
        self._home = home
        self._fingerprint = fingerprint
        self._fitted: Fitted | None = None

    @property
    def has_seeds(self) -> bool:
        """Whether it is fitted with other seeds: no, they hardly matter to it."""
        return False

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Fits the method, unless its results are kept."""
        del changes, seed
        run = method_run(self._home, self.name, self._fingerprint)
        if not run.is_done("train", self._fingerprint):
            started = time.monotonic()
            _, chosen = self._fit_once()
            seconds = round(time.monotonic() - started, 3)
            run.record("train", self._fingerprint, fit_s=seconds, chosen=chosen)
        return run

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Fits it again if another process has."""
        del run, changes
        return self._fit_once()[0]

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns nothing: what is chosen is known once it is fitted."""
        return dict(changes)

    def chosen(self, run: RunDir, changes: Changes) -> dict[str, Any]:
        """Returns what was chosen from its grid."""
        del changes
        return dict(run.facts("train")["chosen"])

    def build(self, hyperparameters: Changes) -> Recommender:
        """Fits it as it was chosen."""
        return self._build(hyperparameters)

    def _fit_once(self) -> Fitted:
        if self._fitted is None:
            self._fitted = self._fit()
        return self._fitted
