"""Every method of ratings on labels times a plus b: scores times a plus b, no more.

A method is fitted, or trained for some steps, on each scale with the same seed.
"""

import dataclasses

import numpy as np
import pytest
from training_step import take_step

from models.baselines.learned.parts.feature_pairs import build_feature_pairs
from models.baselines.learned.registry import OF_RATINGS
from models.baselines.ratings.baseline import Standardised
from models.baselines.ratings.registry import BASELINES
from models.closed_form import ClosedForm
from models.cmml_builders import rated_cmml
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.options import CMMLOptions
from models.parts.label_unit import LabelUnit
from models.recommender import split_episode

# Thousands about zero, cents about 100.
SCALES = [(1000.0, -3000.0), (0.01, 100.0)]
HUNDREDTHS = (0.01, 0.0)
TOLERANCE = 1e-3  # Of the deviation of the labels.
# Cents about 100 have lost digits before any method sees them, 3e-4 of a deviation;
# training multiplies that, clusters that sharpen more than others.
OF_LOST_DIGITS = {"tanp": 0.1, "cmml": 3e-3}

CMML = {
    "cmml": {},
    "paper": {"prior": "constant", "embeddings": "learned", "head": "value"},
    "learned_prior": {"prior": "learned", "embeddings": "learned", "head": "value"},
    "closed_form": {},
}
NAMES = [*CMML, *BASELINES, *OF_RATINGS]


@pytest.fixture(scope="module")
def scaled(dataset, episode):
    """Returns what a method is made of with labels in another unit."""

    def make(factor, offset):
        def change(values):
            return (factor * np.asarray(values, np.float64) + offset).astype(np.float32)

        info = dataclasses.replace(
            dataset.info,
            label_mean=factor * dataset.info.label_mean + offset,
            label_std=factor * dataset.info.label_std,
            label_levels=tuple(factor * x + offset for x in dataset.info.label_levels),
        )
        pairs = dataclasses.replace(dataset.pairs, label=change(dataset.pairs.label))
        batch = {
            name: tf.constant(change(value)) if name.endswith("label") else value
            for name, value in episode.items()
        }
        return info, pairs, batch

    return make


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def scores_on(name, dataset, scaled):
    """Scores query pairs on a scale, by a method that was made on it."""
    known = {}

    def scores(factor, offset):
        if (factor, offset) not in known:
            info, pairs, batch = scaled(factor, offset)
            tf.keras.utils.set_random_seed(0)
            method = made(name, dataset, info, pairs, batch)
            support, query = split_episode(batch)
            known[factor, offset] = method.score(method.adapt(support), query).numpy()
        return known[factor, offset]

    return scores


def made(name, dataset, info, pairs, batch):
    unit = LabelUnit(info.label_mean, info.label_std)
    if name in BASELINES:
        method = Standardised(BASELINES[name](), unit)
        method.fit(unit.standardised_pairs(pairs))
        return method
    tables = dataset.users, dataset.items
    if name in OF_RATINGS:
        inputs = build_feature_pairs(
            info, *tables, embedding_dim=3, item_id=True, dropout=0.0
        )
        objective = RatingObjective(info.label_mean, info.label_std)
        of_method = OF_RATINGS[name].OPTIONS
        names = {field.name for field in dataclasses.fields(of_method)}
        few_steps = {"inner_steps": 2} if "inner_steps" in names else {}
        options = of_method(hidden_dims=(5,), **few_steps)
        return trained(OF_RATINGS[name](inputs, objective, options), batch)
    small = {"prior_rank": 1, "hidden_dims": (5,), "dropout": 0.0, **CMML[name]}
    model = rated_cmml(info, *tables, dataclasses.replace(CMMLOptions(), **small))
    if model.pairs.factors.width:
        model.pairs.factors.fit(unit.standardised_pairs(pairs), seed=0)
    # The closed form has nothing to train.
    return ClosedForm(model) if name == "closed_form" else trained(model, batch)


def trained(model, batch):
    """Takes two steps of training: the second depends on the gradients of both."""
    optimizer = tf.keras.optimizers.Adam(0.01)
    for _ in range(2):
        take_step(model, batch, optimizer)
    return model


@pytest.mark.parametrize("scale", SCALES)
def test_the_scale_of_labels_is_that_of_scores_and_nothing_else(
    scores_on, name, dataset, scale
):
    has_lost_digits = scale == SCALES[-1]
    tolerance = OF_LOST_DIGITS.get(name, TOLERANCE) if has_lost_digits else TOLERANCE
    assert largest_gap(scores_on, scale) < tolerance * scale[0] * dataset.info.label_std


@pytest.mark.parametrize("name", OF_LOST_DIGITS, indirect=True, scope="module")
def test_so_it_is_where_no_digit_is_lost(scores_on, name, dataset):
    deviation = HUNDREDTHS[0] * dataset.info.label_std
    assert largest_gap(scores_on, HUNDREDTHS) < TOLERANCE * deviation


def largest_gap(scores_on, scale):
    factor, offset = scale
    expected = factor * scores_on(1.0, 0.0).astype(np.float64) + offset
    return np.abs(scores_on(factor, offset) - expected).max()
