"""The methods that stand beside CMML in the user-specific setting."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.baselines.chosen_fits import BySupportSize
from models.baselines.learned.parts.feature_pairs import (
    FeaturePairs,
    build_feature_pairs,
)
from models.baselines.learned.registry import OF_RATINGS
from models.baselines.ratings.baseline import Standardised
from models.baselines.ratings.calibrated import Calibrated
from models.baselines.ratings.registry import BASELINES
from models.evaluation.shown import Shown
from models.objectives.rating_objective import RatingObjective
from models.parts.label_levels import LabelLevels
from models.recommender import Recommender, one_empty_episode
from pipeline.settings.setting import LearnedMethods, Methods
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.scoring import RatingScorer
from transforms import schema

REFERENCE = "bias_ridge"

# Nothing of what collaborative filtering knows: the members of the paper, and those
# that do best without it. More is to be learned than on a prior, and so faster.
_PAPER = {
    "training.learning_rate": 5e-3,
    "model.prior": "constant",
    "model.embeddings": "learned",
    "model.head": "value",
    "model.encoder": "gru",
}
_PLAIN = {
    **_PAPER,
    "model.prior": "learned",
    "model.encoder": "moments",
    "model.prior_rank": 32,
}


def user_methods() -> Methods:
    """Returns the methods of ratings."""
    return Methods(
        simple=BASELINES,
        reference=REFERENCE,
        beside_ablation=(REFERENCE, "item_mean"),
        cmml={"cmml_paper": _PAPER, "cmml_plain": _PLAIN},
        fit=_fit,
        completed=_with_distribution,
        sizes=_sizes,
        learning=LearnedMethods(
            classes=OF_RATINGS,
            inputs=_inputs,
            input_options=_input_options,
            objective=_objective,
            empty_episode=lambda config: one_empty_episode(),
        ),
    )


def _fit(name: str, data: UserData, hyperparameters: Mapping[str, Any]) -> Recommender:
    method = Standardised(BASELINES[name](**hyperparameters), data.label_unit)
    method.fit(data.standardised_pairs)
    return method


def _with_distribution(
    method: Recommender, config: UserConfig, data: UserData
) -> Recommender:
    """Gives a method without a distribution one that meta-validation is likely by."""
    if getattr(method, "levels", None) is not None:
        return method
    if isinstance(method, BySupportSize):
        by_size = method.methods.items()
        return BySupportSize(
            {size: _calibrated(one, config, data, size) for size, one in by_size}
        )
    return _calibrated(method, config, data, config.evaluation.support_size)


def _sizes(config: UserConfig) -> Sequence[int]:
    full = config.evaluation.support_size
    few = {size for size in config.evaluation.few_shot_sizes if size < full}
    return [*sorted(few), full]


def _calibrated(
    method: Recommender, config: UserConfig, data: UserData, size: int
) -> Recommender:
    """Fits a distribution to what a method says of users with so many support pairs."""
    info = data.info
    calibrated = Calibrated(
        method,
        LabelLevels(info.label_levels, data.label_gain),
        label_mean=info.label_mean,
        label_std=info.label_std,
    )
    full = config.evaluation.support_size
    shown = Shown("validation", schema.META_VALIDATION, size, full)
    if info.num_tasks.get(schema.META_VALIDATION):
        pairs = RatingScorer(method, config, data)(shown)
        assert pairs.label is not None  # They are rated.
        calibrated.fit(pairs.score, pairs.label)
    return calibrated


def _inputs(config: UserConfig, data: UserData, seed: int) -> FeaturePairs:
    """Returns embeddings as wide as those of CMML."""
    options = config.model
    return build_feature_pairs(
        *(data.info, data.users, data.items),
        embedding_dim=options.embedding_dim,
        item_id=options.item_id,
        dropout=options.dropout,
        seed=seed,
    )


def _input_options(config: UserConfig) -> Sequence[object]:
    options = config.model
    return options.embedding_dim, options.item_id, options.dropout


def _objective(config: UserConfig, data: UserData) -> RatingObjective:
    """Returns ratings, by the loss of CMML."""
    info = data.info
    return RatingObjective(info.label_mean, info.label_std, loss=config.training.loss)
