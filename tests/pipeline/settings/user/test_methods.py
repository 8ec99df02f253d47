"""The methods beside CMML, and the distributions that they are given."""

import dataclasses

import numpy as np
import pytest

from models.baselines.ratings.calibrated import Calibrated
from models.recommender import split_episode
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.methods import user_methods
from transforms.schema import META_TEST, META_VALIDATION

METHODS = user_methods()


@pytest.fixture(scope="module")
def config(experiment):
    return load_experiment(experiment.config_path)


@pytest.fixture(scope="module")
def data(experiment):
    return load_user_data(experiment.dataset_dir)


@pytest.fixture(scope="module")
def method(data):
    return METHODS.fit("item_mean", data, {})


def test_a_simple_method_is_given_a_distribution_and_scores_as_before(
    config, data, method
):
    completed = METHODS.completed(method, config, data)
    episode = next(iter(data.episodes(META_TEST, 4, 8)))
    support, query = split_episode(episode)
    expected = method.score(method.adapt(support), query)
    state = completed.adapt(support)
    np.testing.assert_array_equal(completed.score(state, query), expected)
    predicted = completed.score_and_distribution(state, query)[1]
    np.testing.assert_array_equal(completed.levels.values, data.info.label_levels)
    np.testing.assert_allclose(np.sum(predicted, axis=-1), 1.0, rtol=1e-5)


def test_a_method_with_a_distribution_keeps_its_own(config, data, method):
    completed = METHODS.completed(method, config, data)
    assert METHODS.completed(completed, config, data) is completed


def test_without_meta_validation_a_distribution_stays_as_it_starts(
    config, data, method
):
    counts = {**data.info.num_tasks, META_VALIDATION: 0}
    info = dataclasses.replace(data.info, num_tasks=counts)
    alone = METHODS.completed(method, config, dataclasses.replace(data, info=info))
    fitted = METHODS.completed(method, config, data)
    assert isinstance(alone, Calibrated)
    assert isinstance(fitted, Calibrated)
    slope = float(alone.weights[-1])
    np.testing.assert_allclose(slope, 1.0 / 0.7, rtol=1e-6)
    assert float(fitted.weights[-1]) != slope
