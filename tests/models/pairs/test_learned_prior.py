import numpy as np
import pytest

from models.legacy_keras import tf
from models.pairs.learned_prior import LearnedPrior

MASK = tf.constant([[True, True, False]])
PAIRS = tf.constant([[[1.0], [2.0], [99.0]]])
LABELS = tf.constant([[1.0, -1.0, 99.0]])


@pytest.fixture
def prior():
    """One factor of a pair, half its only unit; levels are all 0."""

    def made(passes):
        prior = LearnedPrior(1, passes)
        prior.expect(prior.solve(PAIRS, LABELS, MASK), PAIRS)
        prior.level.kernel.assign([[0.0]])
        prior.factors.kernel.assign([[0.5]])
        # The sum of label times pair alone, which is 1 - 2 = -1 over 7.
        prior.start.projection.kernel.assign([[0.0], [1.0], [0.0], [0.0], [0.0]])
        return prior

    return made


def test_starts_from_the_sums_of_the_support_set(prior):
    np.testing.assert_allclose(
        prior(0).solve(PAIRS, LABELS, MASK), [[-1.0 / 7.0]], rtol=1e-6
    )


def test_a_pass_adds_what_is_left_of_the_labels(prior):
    # Left of the labels 1 + 0.5 / 7 and -1 + 1 / 7, by factors 0.5 and 1: together
    # 0.5 + 0.25 / 7 - 1 + 1 / 7 = -0.5 + 1.25 / 7, over 7.
    vector = -1.0 / 7.0 + (-0.5 + 1.25 / 7.0) / 7.0
    found = prior(1).solve(PAIRS, LABELS, MASK)
    np.testing.assert_allclose(found, [[vector]], rtol=1e-6)


def test_many_passes_come_to_a_least_squares_fit(prior):
    # Where nothing is left along the factors: 0.5 (1 - 0.5 v) + (-1 - v) = 0.
    found = prior(200).solve(PAIRS, LABELS, MASK)
    np.testing.assert_allclose(found, [[-0.5 / 1.25]], rtol=1e-5)


def test_a_user_without_support_has_the_level_of_each_pair(prior):
    prior = prior(3)
    prior.level.kernel.assign([[2.0]])
    vector = prior.solve(PAIRS, LABELS, tf.zeros([1, 3], tf.bool))
    np.testing.assert_array_equal(vector, [[0.0]])
    np.testing.assert_array_equal(prior.expect(vector, PAIRS), 2.0 * PAIRS[..., 0])
    np.testing.assert_array_equal(
        prior.expect_of_anyone(PAIRS), prior.expect(vector, PAIRS)
    )
