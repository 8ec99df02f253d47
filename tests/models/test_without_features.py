"""Every method of ratings on data whose users, items or both have no features."""

import dataclasses

import numpy as np
import pytest
from training_step import take_step

from models.baselines.learned.parts.feature_pairs import build_feature_pairs
from models.baselines.learned.registry import OF_RATINGS
from models.cmml_builders import rated_cmml
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.options import CMMLOptions
from models.parts.label_unit import LabelUnit

MISSING = {"users": (True, False), "items": (False, True), "both": (True, True)}
SMALL = {"hidden_dims": (4,), "embedding_dim": 3, "dropout": 0.0}


@pytest.fixture(scope="module", params=MISSING)
def bare(request, dataset):
    """Users and items, those of the name without features."""
    tables = dataset.users, dataset.items
    return [
        table.without_features() if is_bare else table
        for table, is_bare in zip(tables, MISSING[request.param], strict=True)
    ]


def without(*missing):
    """Runs a test where some features are missing alone."""
    return pytest.mark.parametrize("bare", missing, indirect=True)


def learned(name, info, tables):
    method = OF_RATINGS[name]
    names = {field.name for field in dataclasses.fields(method.OPTIONS)}
    few_steps = {"inner_steps": 1} if "inner_steps" in names else {}
    inputs = build_feature_pairs(
        info, *tables, embedding_dim=3, item_id=False, dropout=0.0
    )
    assert min(inputs.user_dim, inputs.item_dim) > 0  # No layer has a width of 0.
    objective = RatingObjective(info.label_mean, info.label_std)
    return method(inputs, objective, method.OPTIONS(hidden_dims=(4,), **few_steps))


def assert_trains_and_scores(model, episode):
    """Traces a step of training: oneDNN fuses what eager mode does not."""
    assert np.isfinite(model(episode)).all()
    optimizer = tf.keras.optimizers.SGD(1e-3)  # Of few ops, which take long to trace.
    optimizer.build(model.trainable_variables)
    step = tf.function(take_step, autograph=False)
    assert np.isfinite(step(model, episode, optimizer))
    assert all(np.isfinite(weight).all() for weight in model.weights)


@without("both")
@pytest.mark.parametrize("name", OF_RATINGS)
def test_a_learned_method_does_without_features(name, dataset, bare, episode):
    assert_trains_and_scores(learned(name, dataset.info, bare), episode)


@without("users", "items")
def test_features_of_one_side_are_enough_for_what_learned_methods_see(
    dataset, bare, episode
):
    assert_trains_and_scores(learned("dcn", dataset.info, bare), episode)


@pytest.mark.parametrize(
    "changes", [{}, {"embeddings": "both"}], ids=["defaults", "both"]
)
def test_cmml_does_without_features(changes, dataset, bare, episode):
    check_cmml(changes, dataset, bare, episode)


@without("both")
def test_the_model_of_the_paper_does_without_features(dataset, bare, episode):
    changes = {"prior": "constant", "embeddings": "learned"}
    check_cmml(changes, dataset, bare, episode)


def check_cmml(changes, dataset, bare, episode):
    options = dataclasses.replace(CMMLOptions(prior_rank=1), **SMALL, **changes)
    model = rated_cmml(dataset.info, *bare, options)
    unit = LabelUnit(dataset.info.label_mean, dataset.info.label_std)
    if model.pairs.factors.width:
        model.pairs.factors.fit(unit.standardised_pairs(dataset.pairs), seed=0)
    assert_trains_and_scores(model, episode)
