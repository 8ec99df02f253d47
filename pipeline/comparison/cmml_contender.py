"""CMML in a comparison, whatever the setting."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic

from models.recommender import Recommender
from pipeline.comparison.contender import Changes, Contender
from pipeline.config import ExperimentT, with_changes
from pipeline.run_dir import RunDir

PLAIN = "cmml_plain"  # As in the paper, without what collaborative filtering knows.


class CMMLContender(Contender, Generic[ExperimentT]):
    """CMML; its candidates are changes of the configuration.

    Args:
        name: Its name.
        config: The experiment.
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
        train: Callable[[ExperimentT], RunDir],
        load: Callable[[ExperimentT, RunDir], Recommender],
        build: Callable[[ExperimentT], Recommender],
    ) -> None:
        self.name = name
        self._config = config
        self._train = train
        self._load = load
        self._build = build

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains it with a seed."""
        return self._train(self._changed(changes, seed))

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds it with the best weights of a run."""
        return self._load(self._changed(changes, 0), run)

    def untrained(self, changes: Changes) -> Recommender:
        """Builds it with fresh weights."""
        return self._build(self._changed(changes, 0))

    def _changed(self, changes: Changes, seed: int) -> ExperimentT:
        return with_changes(self._config, {**changes, "training.seed": seed})
