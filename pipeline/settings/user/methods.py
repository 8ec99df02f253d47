"""The methods that stand beside CMML in the user-specific setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.baselines.learned.parts.feature_pairs import (
    FeaturePairs,
    build_feature_pairs,
)
from models.baselines.ratings.learned_registry import LEARNED
from models.baselines.ratings.registry import BASELINES
from models.objectives.rating_objective import RatingObjective
from models.recommender import Recommender, one_empty_episode
from pipeline.settings.setting import LearnedMethods, Methods
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData

REFERENCE = "bias_ridge"


def user_methods() -> Methods:
    """Returns the methods of ratings."""
    return Methods(
        simple=BASELINES,
        reference=REFERENCE,
        beside_ablation=(REFERENCE, "item_mean"),
        # Nothing of what collaborative filtering knows.
        plain={"model.prior": "constant", "model.embeddings": "learned"},
        fit=_fit,
        learning=LearnedMethods(
            classes=LEARNED,
            inputs=_inputs,
            input_options=_input_options,
            objective=_objective,
            empty_episode=lambda config: one_empty_episode(),
        ),
    )


def _fit(name: str, data: UserData, hyperparameters: Mapping[str, Any]) -> Recommender:
    method = BASELINES[name](**hyperparameters)
    method.fit(data.meta_train_pairs)
    return method


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
