"""The methods that stand beside CMML in the scenario-specific setting."""

from collections.abc import Sequence

from models.baselines.clicks.registry import BASELINES, OF_NEW_USERS
from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.baselines.learned.registry import OF_CLICKS
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective, ranking_loss
from models.recommender import Episode, one_empty_episode
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.setting import LearnedMethods, Methods

REFERENCE = "popularity"

# The two factors alone, and no dot product to add to: it learns more, and faster.
_PLAIN = {
    "model.prior": "constant",
    "model.product": False,
    "training.learning_rate": 3e-3,
}


def scenario_methods(config: ScenarioConfig) -> Methods:
    """Returns the methods of clicks, of new users where these are tasks."""
    simple = OF_NEW_USERS if config.data.has_user_tasks else BASELINES
    return Methods(
        simple=simple,
        reference=REFERENCE,
        beside_ablation=[one for one in (REFERENCE, "dot_product") if one in simple],
        cmml={"cmml_plain": _PLAIN},
        fit=lambda name, data, values: simple[name](data.known, data.factors, **values),
        learning=LearnedMethods(
            classes=OF_CLICKS,
            inputs=_inputs,
            input_options=_input_options,
            objective=_objective,
            empty_episode=_empty_episode,
        ),
    )


def _inputs(config: ScenarioConfig, data: ScenarioData, seed: int) -> VectorInputs:
    """Returns the inputs of CMML, with as much dropout."""
    return VectorInputs(data.training_factors, dropout=config.model.dropout, seed=seed)


def _input_options(config: ScenarioConfig) -> Sequence[object]:
    return (config.model.dropout,)


def _objective(config: ScenarioConfig, data: ScenarioData) -> ClickObjective:
    """Returns the order of items, by the loss of CMML."""
    del data
    training = config.training
    return ClickObjective(
        ranking_loss(training.loss, training.margin),
        margin=training.margin,
        query_negatives=training.query_negatives,
    )


def _empty_episode(config: ScenarioConfig) -> Episode:
    """Returns padding: a click and its negatives."""
    group = 1 + config.training.query_negatives
    return {
        name: tf.repeat(value, group, axis=1)
        for name, value in one_empty_episode().items()
    }
