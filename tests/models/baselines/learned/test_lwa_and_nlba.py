import numpy as np
import pytest
from learned_parts import raw_pairs

from models.baselines.learned.lwa_and_nlba import LWA, NLBA, LWAOptions, NLBAOptions
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.recommender import split_episode

RAW_PAIRS = raw_pairs(1, 1)
NO_SUPPORT = tf.zeros([1, 4], tf.bool)


@pytest.fixture
def episode():
    """Labels 4 and 3 are positive, 1 is negative; the last pair is padding."""
    return {
        "support_pairs": tf.constant(
            [[[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [9.0, 9.0]]]
        ),
        "support_label": tf.constant([[4.0, 1.0, 3.0, np.nan]]),
        "support_mask": tf.constant([[True, True, True, False]]),
        "query_pairs": tf.constant([[[1.0, 1.0], [1.0, 0.0], [0.1, 0.2]]]),
    }


def build(method, options, episode):
    """A method in which F is the identity, for labels of mean 3 and deviation 2."""
    model = method(RAW_PAIRS, RatingObjective(3.0, 2.0), options)
    model(episode)
    model.classes.projection.kernel.assign(np.eye(2))
    return model


@pytest.fixture
def lwa(episode):
    model = build(LWA, LWAOptions(hidden_dims=(), representation_dim=2), episode)
    model.mixing.kernel.assign([[-1, 0], [0, -1], [1, 0], [0, 1]])
    model.bias.assign(0.5)
    return model


@pytest.fixture
def nlba(episode):
    options = NLBAOptions(hidden_dims=(), representation_dim=2, scorer_dims=(1,))
    model = build(NLBA, options, episode)
    hidden, last = model.layers_of_scorer
    hidden.kernel.assign([[1.0], [1.0]])
    last.kernel.assign([[10.0]])
    model.biases.kernel.assign([[0.0, 0.0], [-1.0, 1.0], [0.5, 0.0], [0.0, 7.0]])
    model.biases.bias.assign([0.5, 0.25])
    return model


def test_lwa_makes_linear_weights_of_the_two_means(lwa, episode):
    support, _ = split_episode(episode)
    # Means: R_1 = ([1, 0] + [3, 0]) / 2 = [2, 0], R_0 = [0, 2]; W_1 = -W_0 = identity.
    np.testing.assert_allclose(lwa.adapt(support), [[2.0, -2.0]])
    # Raw scores 0.5 + 2 - 2, 0.5 + 2 and 0.5 + 0.2 - 0.4; times 2, plus 3.
    np.testing.assert_allclose(lwa(episode), [[4.0, 8.0, 3.6]], rtol=1e-6)


def test_lwa_without_support_gives_its_bias(lwa, episode):
    episode["support_mask"] = NO_SUPPORT
    np.testing.assert_allclose(lwa(episode), [[4.0, 4.0, 4.0]])


def test_nlba_shifts_the_bias_of_each_layer_by_the_two_means(nlba, episode):
    support, _ = split_episode(episode)
    hidden, last = nlba.adapt(support)
    # Of the hidden layer 0.5 - 1 * 2 + 0.5 * 2, of the score 0.25 + 1 * 2.
    np.testing.assert_allclose(hidden, [[-0.5]])
    np.testing.assert_allclose(last, [[2.25]])
    # Raw scores 10 * (2 - 0.5) + 2.25, 10 * (1 - 0.5) + 2.25, and relu(0.3 - 0.5) = 0.
    np.testing.assert_allclose(nlba(episode), [[37.5, 17.5, 7.5]], rtol=1e-6)


def test_nlba_without_support_is_a_plain_network(nlba, episode):
    episode["support_mask"] = NO_SUPPORT
    # Raw scores 10 * (2 + 0.5) + 0.25, 10 * (1 + 0.5) + 0.25, 10 * (0.3 + 0.5) + 0.25.
    np.testing.assert_allclose(nlba(episode), [[53.5, 33.5, 19.5]], rtol=1e-6)


def test_classes_go_by_label_not_by_order(lwa, nlba, episode):
    for model in (lwa, nlba):
        expected = model(episode).numpy()
        turned = {
            key: value[:, ::-1] if key.startswith("support") else value
            for key, value in episode.items()
        }
        np.testing.assert_allclose(model(turned), expected, rtol=1e-6)


def test_lwa_adapts_slopes_and_nlba_does_not(lwa, nlba, episode):
    """From one support set to another, open units of NLBA move all scores alike."""
    nlba.biases.bias.assign([5.0, 0.0])
    other = {**episode, "support_label": 6.0 - episode["support_label"]}
    change = nlba(other) - nlba(episode)
    assert np.ptp(change) == pytest.approx(0.0, abs=1e-4)
    assert abs(change[0, 0]) > 1.0
    assert np.ptp(lwa(other) - lwa(episode)) > 1.0
