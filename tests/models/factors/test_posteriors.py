import numpy as np
import pytest

from models.factors.posteriors import Prior, Vectors, fit_prior, posterior, unpacked


def test_second_moments_are_kept_with_entries_that_are_certain():
    vectors = Vectors(3, 3)
    vectors.mean[:, 0] = 1.0
    covariance = np.array([[[4.0, 1.0], [1.0, 9.0]], [[2.0, 0.0], [0.0, 1.0]]])
    rows = np.array([0, 2])
    second = vectors.put(rows, np.array([[2.0, 3.0], [0.0, 5.0]]), covariance)
    # (1, 2, 3) times itself, and the covariance of the last two.
    np.testing.assert_array_equal(second[0], [1, 2, 3, 8, 7, 18])
    np.testing.assert_array_equal(vectors.moments[rows], second)
    whole = unpacked(second, 3)[0]
    np.testing.assert_array_equal(whole, [[1, 2, 3], [2, 8, 7], [3, 7, 18]])
    np.testing.assert_array_equal(vectors.mean[:, 1:], [[2, 3], [0, 0], [0, 5]])
    np.testing.assert_array_equal(vectors.doubt, [[3.0, 0.5], [0.5, 5.0]])


def test_a_posterior_is_between_prior_and_pairs():
    prior = Prior(np.array([[0.0], [3.0]]), np.array([[0.5]]))
    # Two pairs of factor 1 and residual 4 in sum; a row without pairs.
    gram, projected = np.array([[[2.0]], [[0.0]]]), np.array([[4.0], [0.0]])
    mean, covariance = posterior(gram, projected, prior, np.arange(2))
    np.testing.assert_allclose(mean, [[1.0], [3.0]])  # 4 / (2 + 1 / 0.5).
    np.testing.assert_allclose(covariance, [[[0.25]], [[0.5]]])


def test_a_prior_is_of_the_rows_that_were_seen():
    mean = np.array([[1.0], [3.0], [100.0]])
    seen = np.array([0, 1])
    doubt, nothing = np.array([[0.5]]), np.zeros([3, 0])
    prior = fit_prior(
        mean, doubt, nothing, seen, np.array([2.0]), penalty=1.0, jitter=0.0
    )
    np.testing.assert_allclose(prior.rows(seen), [2.0])
    np.testing.assert_allclose(prior.covariance, [[1.5]])  # 1 about 2, and the doubt.
    np.testing.assert_array_equal(mean[:, 0], [1.0, 3.0, 100.0])


def test_the_covariance_of_a_prior_is_symmetric_though_the_doubt_is_not():
    mean, seen = np.array([[1.0, 2.0], [3.0, -1.0]]), np.arange(2)
    doubt = np.array([[0.5, 1e-3], [0.0, 0.5]])
    prior = fit_prior(mean, doubt, mean[:, :0], seen, 0.0, penalty=1.0, jitter=0.0)
    np.testing.assert_array_equal(prior.covariance, prior.covariance.T)
    np.testing.assert_allclose(prior.covariance[0, 1], -0.5 + 5e-4)


@pytest.mark.parametrize("width", [1, 2, 5, 18])
def test_the_covariance_is_the_inverse_of_precision_and_gram(width):
    rng = np.random.default_rng(width)
    root = rng.normal(size=(3, width, width + 2))
    gram, prior = root @ root.transpose(0, 2, 1), np.eye(width) * 0.25
    nothing = np.zeros([3, width])
    _, covariance = posterior(gram, nothing, Prior(nothing, prior), np.arange(3))
    expected = np.linalg.inv(gram + 4.0 * np.eye(width))
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
