import numpy as np
import pytest
from learned_parts import raw_pairs

from models.baselines.learned.tanp import (
    Gaussian,
    StudentClusters,
    TaNP,
    TaNPOptions,
    gaussian_divergence,
    sharpening_loss,
)
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.recommender import split_episode

RAW_PAIRS = raw_pairs(1, 1)


@pytest.fixture
def episode():
    rng = np.random.default_rng(0)
    return {
        "support_pairs": tf.constant(rng.normal(size=[3, 4, 2]), tf.float32),
        "support_label": tf.constant(rng.integers(1, 6, [3, 4]), tf.float32),
        "support_mask": tf.sequence_mask([4, 2, 0], 4),
        "query_pairs": tf.constant(rng.normal(size=[3, 2, 2]), tf.float32),
        "query_label": tf.constant(rng.integers(1, 6, [3, 2]), tf.float32),
        "query_mask": tf.sequence_mask([2, 1, 2], 2),
    }


@pytest.fixture
def method(episode):
    options = TaNPOptions(hidden_dims=(8,), encoder_dim=8, latent_dim=3, code_dim=4)
    model = TaNP(RAW_PAIRS, RatingObjective(3.0, 1.0), options)
    model(episode)
    return model


def test_shares_of_two_clusters_follow_a_student_kernel():
    clusters = StudentClusters(2, 2, degrees=3.0, seed=0)
    codes = tf.constant([[1.0, 0.0]])
    clusters(codes)
    clusters.centres.assign([[0.0, 0.0], [1.0, 2.0]])
    # Squared distances 1 and 4: (1 + 1/3)^-2 = 9/16 and (1 + 4/3)^-2 = 9/49, so that
    # the shares are as 49 to 16.
    shares = clusters(codes)
    np.testing.assert_allclose(shares, [[49 / 65, 16 / 65]], rtol=1e-6)
    np.testing.assert_allclose(clusters.mix(shares), [[16 / 65, 32 / 65]], rtol=1e-6)


def test_shares_sum_to_one():
    clusters = StudentClusters(5, 3, degrees=1.0, seed=0)
    codes = tf.random.stateless_normal([7, 3], [0, 0], stddev=10.0)
    np.testing.assert_allclose(tf.reduce_sum(clusters(codes), axis=1), 1.0, rtol=1e-6)


def test_sharper_shares_weigh_squares_by_the_size_of_a_cluster():
    shares = [[0.5, 0.5], [0.75, 0.25]]
    # Sizes 1.25 and 0.75. 0.25 / 1.25 = 0.2 to 0.25 / 0.75 = 1/3: 0.375 and 0.625.
    # 0.5625 / 1.25 = 0.45 to 0.0625 / 0.75 = 1/12: 0.84375 and 0.15625.
    sharper = np.array([[0.375, 0.625], [0.84375, 0.15625]])
    expected = (sharper * np.log(sharper / shares)).sum() / 2
    loss = float(sharpening_loss(tf.constant(shares)))
    assert loss == pytest.approx(expected, rel=1e-5)


def test_divergence_of_gaussians():
    prior = Gaussian(tf.zeros([2, 1]), tf.zeros([2, 1]))
    posterior = Gaussian(tf.constant([[1.0], [0.0]]), tf.constant([[0.0], [1.0]]))
    # Half of 1^2, and (e - 1 - 1) / 2; their mean.
    expected = (0.5 + (np.e - 2.0) / 2.0) / 2.0
    divergence = float(gaussian_divergence(posterior, prior))
    assert divergence == pytest.approx(expected, rel=1e-6)
    assert float(gaussian_divergence(prior, prior)) == 0.0


def test_the_latent_is_sampled_in_training_alone(method, episode):
    sampled = [float(method.compute_loss(episode, training=True)) for _ in range(2)]
    assert sampled[0] != sampled[1]
    loss = float(method.compute_loss(episode, training=False))
    assert loss == float(method.compute_loss(episode, training=False))
    support, query = split_episode(episode)
    raw = method.raw_score(method.adapt(support), query)
    error = method.objective.query_loss(episode, raw)
    assert loss == pytest.approx(float(error))


def test_scores_use_the_mean_of_the_latent(method, episode):
    """However wide its distribution is."""
    expected = method(episode).numpy()
    bias = method.latent_head.layers[-1].bias
    bias.assign([0.0, 0.0, 0.0, 5.0, 5.0, 5.0])
    np.testing.assert_allclose(method(episode), expected)


def test_query_labels_reach_the_training_loss_and_no_score(method, episode):
    other = {**episode, "query_label": 6.0 - episode["query_label"]}
    np.testing.assert_array_equal(method(other), method(episode))

    means = [latent_of_query(method, some).mean for some in (episode, other)]
    assert np.abs(means[0] - means[1]).max() > 1e-4


def test_labels_of_query_padding_do_not_matter(method, episode):
    label = tf.where(episode["query_mask"], episode["query_label"], np.nan)
    padded = latent_of_query(method, {**episode, "query_label": label})
    np.testing.assert_array_equal(padded, latent_of_query(method, episode))


def latent_of_query(method, episode):
    labelled = method._labelled(episode["query_pairs"], episode, "query")
    return method._latent(labelled, episode["query_mask"])


def test_a_layer_of_the_decoder_is_scaled_and_shifted_by_the_code(method):
    layer, scale, shift = (
        part[0] for part in (method.layers_of_decoder, method.scales, method.shifts)
    )
    for variable in (*layer.weights, *scale.weights, *shift.weights):
        variable.assign(tf.zeros_like(variable))
    layer.bias.assign(tf.fill([8], 4.0))
    scale.kernel.assign(tf.fill([4, 8], 0.1))
    shift.kernel.assign(tf.fill([4, 8], -0.05))
    method.head.kernel.assign(tf.ones([8, 1]))
    raw = method._decode(tf.zeros([1, 1, 2]), tf.zeros([1, 3]), tf.ones([1, 4]))
    # 8 units of relu(tanh(0.4) * 4 + tanh(-0.2)).
    expected = 8.0 * (4.0 * np.tanh(0.4) - np.tanh(0.2))
    np.testing.assert_allclose(raw, [[expected]], rtol=1e-5)
