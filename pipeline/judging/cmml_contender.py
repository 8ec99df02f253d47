"""CMML in a comparison, whatever the setting."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic

from models.recommender import Recommender
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.contender import Changes, Contender
from pipeline.experiment.config_file import ExperimentT, with_changes


class CMMLContender(Contender, Generic[ExperimentT]):
    """CMML; its candidates are changes of the configuration.

    Args:
        name: Its name.
        config: The experiment.
        common: What all candidates share.
        train: Trains it as the step `train` does, in the same place.
        load: Builds it with the best weights of a run.
        build: Builds it with fresh weights.
    """

    KIND: ClassVar[str] = "cmml"
    candidates: Sequence[Changes] = (
        {},
        {"training.learning_rate": 3e-4},
        {"training.learning_rate": 2e-3},
        {"model.dropout": 0.4},
    )

    def __init__(
        self,
        name: str,
        config: ExperimentT,
        *,
        common: Changes,
        train: Callable[[ExperimentT], RunDir],
        load: Callable[[ExperimentT, RunDir], Recommender],
        build: Callable[[ExperimentT], Recommender],
    ) -> None:
        self.name = name
        self._config = config
        self._common = common
        self._train = train
        self._load = load
        self._build = build

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains it with a seed."""
        return self._train(self._changed(self.resolve(changes), seed))

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds it with the best weights of a run."""
        return self._load(self._changed(self.resolve(changes), 0), run)

    def resolve(self, changes: Changes) -> dict[str, Any]:
        """Returns the changes of the configuration."""
        return {**changes, **self._common}

    def build(self, hyperparameters: Changes) -> Recommender:
        """Builds it with fresh weights."""
        return self._build(self._changed(hyperparameters, 0))

    def _changed(self, changes: Changes, seed: int) -> ExperimentT:
        return with_changes(self._config, {**changes, "training.seed": seed})
