"""CMML in a comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from models.recommender import Recommender
from pipeline.experiment.config_file import with_changes
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.compared_method import ComparedMethod
from pipeline.judging.results import Changes
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.training.trained import trained_model


class ComparedCMML(ComparedMethod):
    """CMML; its candidates are changes of the configuration.

    Args:
        name: Its name.
        config: The experiment.
        data: The data set.
        own: What it has by itself, unless a candidate changes it.
        fixed: What no candidate changes.
        train: Trains it as the step `train` does, in the same place.
    """

    KIND: ClassVar[str] = "cmml"
    candidates: Sequence[Changes] = (
        {},
        {"training.learning_rate": 1e-3},
        {"model.dropout": 0.4},
        {"training.learning_rate": 3e-4},
    )

    def __init__(
        self,
        name: str,
        config: Any,
        data: Data,
        *,
        own: Changes,
        fixed: Changes,
        train: Callable[[Any], RunDir],
    ) -> None:
        self.name = name
        self._config = config
        self._data = data
        self._own = own
        self._fixed = fixed
        self._train = train

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains it with a seed."""
        return self._train(self._changed(self.resolve(changes), seed))

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds it with the best weights of a run."""
        config = self._changed(self.resolve(changes), 0)
        return trained_model(config, self._data, run)

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns the changes of the configuration."""
        return {**self._own, **changes, **self._fixed}

    def build(self, hyperparameters: Changes) -> Recommender:
        """Builds it with fresh weights."""
        config = self._changed(hyperparameters, 0)
        return setting_of(config).build(config, self._data, fit=True)

    def _changed(self, changes: Changes, seed: int) -> Any:
        return with_changes(self._config, {**changes, "training.seed": seed})
