"""The methods that `cmml compare` knows in the scenario-specific setting."""

import pathlib
import types
from collections.abc import Mapping
from typing import Any

from models.baselines.clicks.learned_registry import LEARNED
from models.baselines.clicks.registry import BASELINES
from models.baselines.learned.learned_baseline import LearnedBaseline
from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective
from models.objectives.ranking_losses import ranking_loss
from models.options import MODEL_VERSION, VECTORS_VERSION
from models.recommender import one_empty_episode
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.cmml_contender import CMMLContender
from pipeline.judging.contender import Changes, Contender
from pipeline.judging.fitted_scenario_baselines import fit_baselines
from pipeline.judging.learned_contender import LearnedContender
from pipeline.judging.results import CMML, PLAIN
from pipeline.judging.simple_contender import Fitted, SimpleContender
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import LoadedScenarios
from pipeline.experiment.config_file import hash_of, with_changes
from pipeline.steps.scenarios.train import (
    fit_scenarios,
    new_model,
    train,
    trained_model,
)

# The two vectors alone, and no dot product to add to.
_PLAIN_CHANGES: Changes = {"model.prior": "constant", "model.product": False}


def contender(
    name: str,
    config: ScenarioConfig,
    dataset: LoadedScenarios,
    chosen: Mapping[str, Changes] = types.MappingProxyType({}),
) -> Contender:
    """Returns the method of that name; arguments as in the user-specific setting."""
    if name in BASELINES:
        return _simple(name, config, dataset)
    if name in (CMML, PLAIN):
        options = config.comparison.options.get(name, {})
        return CMMLContender(
            name,
            config,
            common={**options, **(_PLAIN_CHANGES if name == PLAIN else {})},
            train=lambda changed: train(changed, dataset.directory),
            load=lambda changed, run: trained_model(changed, dataset, run),
            build=lambda changed: new_model(changed, dataset),
        )
    return ScenarioContender(name, config, dataset, chosen)


def _simple(
    name: str, config: ScenarioConfig, dataset: LoadedScenarios
) -> SimpleContender:
    def fit() -> Fitted:
        fitted, chosen = fit_baselines([name], dataset, config.evaluation)
        return fitted[name], chosen[name]

    return SimpleContender(
        name,
        fit=fit,
        build=lambda hyperparameters: BASELINES[name].fit(
            dataset.known, dataset.vectors, **hyperparameters
        ),
        home=pathlib.Path(config.runs_dir, config.name),
        fingerprint=hash_of(
            *(MODEL_VERSION, VECTORS_VERSION, BASELINES[name].GRID),
            *(dataset.info.fingerprint, config.vectors, config.evaluation),
        ),
    )


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
