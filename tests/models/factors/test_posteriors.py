import numpy as np

from models.factors.posteriors import (
    Prior,
    Vectors,
    few_at_once,
    fit_prior,
    posterior,
    unpacked,
)


def test_second_moments_are_kept_with_entries_that_are_certain():
    vectors = Vectors(2, 3, np.array([True, False]))
    vectors.mean[:, 0] = 1.0
    covariance = np.array([[[4.0, 1.0], [1.0, 9.0]], [[1.0, 0.0], [0.0, 1.0]]])
    second = vectors.put(slice(0, 2), np.array([[2.0, 3.0], [0.0, 5.0]]), covariance)
    # (1, 2, 3) times itself, and the covariance of the last two.
    np.testing.assert_array_equal(second[0], [[1, 2, 3], [2, 8, 7], [3, 7, 18]])
    np.testing.assert_array_equal(unpacked(vectors.moments, 3), second)
    np.testing.assert_array_equal(vectors.doubt, covariance[0])  # Of the seen row.


def test_a_posterior_is_between_prior_and_pairs():
    prior = Prior(np.array([[0.0], [3.0]]), np.array([[0.5]]))
    # Two pairs of factor 1 and residual 4 in sum; a row without pairs.
    gram, projected = np.array([[[2.0]], [[0.0]]]), np.array([[4.0], [0.0]])
    mean, covariance = posterior(gram, projected, prior, slice(0, 2))
    np.testing.assert_allclose(mean, [[1.0], [3.0]])  # 4 / (2 + 1 / 0.5).
    np.testing.assert_allclose(covariance, [[[0.25]], [[0.5]]])


def test_a_prior_is_of_the_rows_that_were_seen():
    mean = np.array([[1.0], [3.0], [100.0]])
    seen = np.array([True, True, False])
    doubt, nothing = np.array([[0.5]]), np.zeros([3, 0])
    prior = fit_prior(
        mean, doubt, nothing, seen, np.array([2.0]), penalty=1.0, jitter=0.0
    )
    np.testing.assert_allclose(prior.rows(seen), [2.0])
    np.testing.assert_allclose(prior.covariance, [[1.5]])  # 1 about 2, and the doubt.
    np.testing.assert_array_equal(mean[:, 0], [1.0, 3.0, 100.0])


def test_rows_come_a_few_at_once():
    rows = np.arange(1500)
    blocks = [(slice(0, 600), rows[:600], -rows[:600])]
    blocks += [(slice(600, 1500), rows[600:], -rows[600:])]
    parts = [(p.start, p.stop, *own) for p, own, other in few_at_once(blocks)]
    assert [part[:2] for part in parts] == [
        (0, 512),
        (512, 600),
        (600, 1112),
        (1112, 1500),
    ]
    assert [n for _, _, *own in parts for n in own] == rows.tolist()
