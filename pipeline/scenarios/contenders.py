"""The methods that `cmml compare` knows in the scenario-specific setting."""

import pathlib
import time
import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from models.baselines.learned_baseline import LearnedBaseline
from models.legacy_keras import tf
from models.recommender import Recommender, one_empty_episode
from models.scenarios.baselines.click_objective import ClickObjective
from models.scenarios.baselines.learned_registry import LEARNED
from models.scenarios.baselines.registry import BASELINES
from models.scenarios.baselines.vector_inputs import VectorInputs
from models.scenarios.cmml import ScenarioCMML, build_scenario_cmml
from models.scenarios.losses import ranking_loss
from pipeline.comparison.contender import METHODS_VERSION, Changes, Contender
from pipeline.comparison.learned_contender import LearnedContender, method_run
from pipeline.config import hash_of, with_changes
from pipeline.contenders import CMML_CANDIDATES, PLAIN
from pipeline.evaluate import CMML_NAME
from pipeline.run_dir import RunDir
from pipeline.scenarios.config import ScenarioConfig
from pipeline.scenarios.fitted_baselines import fit_baselines
from pipeline.scenarios.loaded_scenarios import LoadedScenarios
from pipeline.scenarios.train import fit_scenarios, train, trained_model

# CMML as in the paper: the two vectors alone, and no dot product to add to.
_PLAIN: Changes = {"model.prior": "constant", "model.product": False}

METHODS = (*BASELINES, *LEARNED, PLAIN, CMML_NAME)


def contender(
    name: str,
    config: ScenarioConfig,
    dataset: LoadedScenarios,
    chosen: Mapping[str, Changes] = types.MappingProxyType({}),
) -> Contender:
    """Returns the method of that name; arguments as in the user-specific setting.

    Raises:
        ValueError: If there is none, or the configuration gives it an option that it
            does not have.
    """
    options = config.comparison.options.get(name, {})
    if name in BASELINES:
        if options:
            raise ValueError(
                f"comparison.options of {name!r} must be empty, since it chooses from "
                f"a grid of its own, got {options}."
            )
        return SimpleContender(name, config, dataset)
    if name in (CMML_NAME, PLAIN):
        common = {**(_PLAIN if name == PLAIN else {}), **options}
        return CMMLContender(name, with_changes(config, common), dataset)
    if name not in LEARNED:
        raise ValueError(f"methods must be among {METHODS}, got {name!r}.")
    return ScenarioContender(name, config, dataset, chosen)


class SimpleContender(Contender):
    """A method that is made in one call; its grid is searched then."""

    KIND: ClassVar[str] = "simple"
    candidates: Sequence[Changes] = ({},)

    def __init__(
        self, name: str, config: ScenarioConfig, dataset: LoadedScenarios
    ) -> None:
        self.name = name
        self._config = config
        self._dataset = dataset
        self._fitted: tuple[Recommender, dict[str, Any]] | None = None

    @property
    def has_seeds(self) -> bool:
        """Whether another seed makes another model: no."""
        return False

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Makes the method, unless its results are kept."""
        del changes, seed
        config = self._config
        fingerprint = hash_of(
            METHODS_VERSION,
            self._dataset.info.fingerprint,
            config.vectors,
            config.evaluation,
        )
        home = pathlib.Path(config.runs_dir, config.name)
        run = method_run(home, self.name, fingerprint)
        if not run.is_done("train", fingerprint):
            started = time.monotonic()
            _, chosen = self._fit()
            seconds = round(time.monotonic() - started, 3)
            run.record("train", fingerprint, fit_s=seconds, chosen=chosen)
        return run

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Makes it again if another process has."""
        del run, changes
        return self._fit()[0]

    def untrained(self, changes: Changes) -> Recommender:
        """Makes it with its defaults."""
        del changes
        return BASELINES[self.name].fit(self._dataset.known, self._dataset.vectors)

    def chosen(self, run: RunDir, changes: Changes) -> dict[str, Any]:
        """Returns what was chosen from its grid."""
        del changes
        return dict(run.facts("train")["chosen"])

    def _fit(self) -> tuple[Recommender, dict[str, Any]]:
        if self._fitted is None:
            fitted, chosen = fit_baselines(
                [self.name], self._dataset, self._config.evaluation
            )
            self._fitted = fitted[self.name], chosen[self.name]
        return self._fitted


class ScenarioContender(LearnedContender):
    """A learned baseline of clicks."""

    def __init__(
        self,
        name: str,
        config: ScenarioConfig,
        dataset: LoadedScenarios,
        chosen: Mapping[str, Changes],
    ) -> None:
        super().__init__(name, LEARNED, config, dataset.info.fingerprint, chosen)
        self._config = config
        self._dataset = dataset

    def inputs(self, seed: int) -> VectorInputs:
        """Returns the vectors that CMML is given, with as much dropout."""
        dropout = self._config.model.dropout
        return VectorInputs(self._dataset.vectors, dropout=dropout, seed=seed)

    def objective(self) -> ClickObjective:
        """Returns the order of items, by the loss of CMML."""
        training = self._config.training
        return ClickObjective(
            ranking_loss(training.loss, training.margin),
            margin=training.margin,
            query_negatives=training.query_negatives,
        )

    def conditions(self, learning_rate: float, seed: int) -> Any:
        """Returns how the method is trained, and what it sees."""
        changed = self._changed(learning_rate, seed)
        # The members of CMML are not this method's.
        sections = [s for s in changed.weight_sections if s is not changed.model]
        return sections, changed.model.dropout

    def fit(
        self, model: LearnedBaseline, learning_rate: float, seed: int, run: RunDir
    ) -> dict[str, Any]:
        """Trains the method as CMML is trained, but for the learning rate."""
        return fit_scenarios(
            model, self._dataset, self._changed(learning_rate, seed), run
        )

    def empty_episode(self) -> Mapping[str, tf.Tensor]:
        """Returns padding: a click and its negatives."""
        group = 1 + self._config.training.query_negatives
        return {
            name: tf.repeat(value, group, axis=1)
            for name, value in one_empty_episode().items()
        }

    def _changed(self, learning_rate: float, seed: int) -> ScenarioConfig:
        changes = {"training.learning_rate": learning_rate, "training.seed": seed}
        return with_changes(self._config, changes)


class CMMLContender(Contender):
    """CMML; its candidates are changes of the configuration."""

    KIND: ClassVar[str] = "cmml"
    candidates = CMML_CANDIDATES

    def __init__(
        self, name: str, config: ScenarioConfig, dataset: LoadedScenarios
    ) -> None:
        self.name = name
        self._config = config
        self._dataset = dataset

    def train(self, changes: Changes, seed: int) -> RunDir:
        """Trains it as the step `train` does, in the same place."""
        return train(self._changed(changes, seed), self._dataset.directory)

    def load(self, run: RunDir, changes: Changes) -> Recommender:
        """Builds it with the best weights of a run."""
        return trained_model(self._changed(changes, 0), self._dataset, run)

    def untrained(self, changes: Changes) -> ScenarioCMML:
        """Builds it with fresh weights."""
        config = self._changed(changes, 0)
        training = config.training
        return build_scenario_cmml(
            self._dataset.vectors,
            config.model,
            loss=ranking_loss(training.loss, training.margin),
            query_negatives=training.query_negatives,
        )

    def _changed(self, changes: Changes, seed: int) -> ScenarioConfig:
        return with_changes(self._config, {**changes, "training.seed": seed})
