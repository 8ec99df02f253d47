"""What learned baselines are made of."""

import types

import numpy as np

from models.baselines.learned.parts.feature_pairs import build_feature_pairs
from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective, margin_loss
from models.objectives.rating_objective import RatingObjective


def raw_pairs(user_dim, item_dim):
    """Inputs of an episode that holds its pairs embedded."""
    return types.SimpleNamespace(
        user_dim=user_dim,
        item_dim=item_dim,
        embed_support=lambda support, training: support["support_pairs"],
        embed_query=lambda query, training: query["query_pairs"],
    )


def parts_of_ratings(dataset, seed=0):
    """Inputs and objective of the tiny data set."""
    inputs = build_feature_pairs(
        *(dataset.info, dataset.users, dataset.items),
        embedding_dim=3,
        item_id=True,
        dropout=0.0,
        seed=seed,
    )
    return inputs, RatingObjective(dataset.info.label_mean, dataset.info.label_std)


def parts_of_clicks():
    """Inputs of 3 users and 5 items with random factors, and the objective."""
    rng = np.random.default_rng(0)
    users, items = (
        rng.normal(size=[1, number, 2]).astype(np.float32) for number in (4, 6)
    )
    return VectorInputs(Vectors(users, items)), ClickObjective(margin_loss(1.0))


def support_of_clicks(*, is_second_real):
    """Support sets of two scenarios, a click and a negative each."""
    return {
        "support_user": tf.constant([[1, 1], [2, 2]]),
        "support_item": tf.constant([[1, 2], [3, 4]]),
        "support_label": tf.constant([[1.0, 0.0], [1.0, 0.0]]),
        "support_mask": tf.constant([[True, True], [is_second_real] * 2]),
    }
