"""A simple method in a comparison."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from models.options import MODEL_VERSION
from models.recommender import Recommender
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.run_dir import EVALUATION_VERSION, RunDir
from pipeline.judging.compared_method import ComparedMethod, method_run
from pipeline.judging.results import Changes
from pipeline.judging.simple_methods import FittedMethod, fit_simple
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from transforms.schema import META_VALIDATION


class ComparedSimple(ComparedMethod):
    """A method that is fitted in one call; its grid is searched then.

    Args:
        name: Its name.
        config: The experiment.
        data: The data set.
    """

    KIND: ClassVar[str] = "simple"
    candidates: Sequence[Changes] = ({},)

    def __init__(self, name: str, config: Any, data: Data) -> None:
        self.name = name
        self._config = config
        self._data = data
        self._methods = setting_of(config).methods(config)
        self._home = pathlib.Path(config.runs_dir, config.name)
        self._fingerprint = hash_of(
            *(MODEL_VERSION, EVALUATION_VERSION, self._methods.simple[name].GRID),
            *(data.info.fingerprint, config.factor_sections, config.evaluation),
        )
        self._fitted: FittedMethod | None = None

    @property
    def has_seeds(self) -> bool:
        """Whether it is fitted with other seeds: no, they hardly matter to it."""
        return False

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Fits the method, unless its results are there already."""
        del changes, seed
        run = method_run(self._home, self.name, self._fingerprint)
        if not run.is_done("train", self._fingerprint):
            started = time.monotonic()
            chosen = self._fit_once().hyperparameters
            seconds = round(time.monotonic() - started, 3)
            run.record("train", self._fingerprint, fit_s=seconds, chosen=chosen)
        return run

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Fits it again if another process has."""
        del run, changes
        return self._fit_once().method

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns nothing: what is chosen is known once it is fitted."""
        return dict(changes)

    def chosen(self, run: RunDir, changes: Changes) -> dict[str, Any]:
        """Returns what was chosen from its grid."""
        del changes
        return dict(run.facts("train")["chosen"])

    def build(self, hyperparameters: Changes) -> Recommender:
        """Fits it as it was chosen."""
        return self._methods.fit(self.name, self._data, hyperparameters)

    def _fit_once(self) -> FittedMethod:
        if self._fitted is None:
            groups = setting_of(self._config).groups(
                self._config, self._data, META_VALIDATION
            )
            self._fitted = fit_simple(self.name, self._config, self._data, groups)
        return self._fitted
