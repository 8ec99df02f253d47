import numpy as np
import pytest

from models.parts.label_levels import LabelLevels
from transforms.schema import MAX_LABEL_LEVELS

STARS = LabelLevels([1.0, 2.0, 4.0])
SHARES = np.float32([[0.2, 0.5, 0.3]])
# As many levels as there can be stand for labels between them too: 0, 1, ... 31.
MANY = LabelLevels(range(MAX_LABEL_LEVELS))


def test_a_label_between_levels_counts_for_both_by_its_distance():
    # 2.5 is a quarter of the way from 2 to 4; what is beyond the ends counts for them.
    np.testing.assert_allclose(
        STARS.shares_of(np.float32([2.0, 2.5, 0.0, 9.0])),
        [[0.0, 1.0, 0.0], [0.0, 0.75, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    )


def test_mean_and_spread_by_hand():
    # 0.2 + 1 + 1.2 = 2.4; 0.2 * 1.4**2 + 0.5 * 0.4**2 + 0.3 * 1.6**2 = 1.24.
    np.testing.assert_allclose(STARS.mean(SHARES), [2.4], rtol=1e-6)
    np.testing.assert_allclose(STARS.spread(SHARES), [1.24**0.5], rtol=1e-6)
    np.testing.assert_allclose(STARS.spread(np.float32([[0.0, 1.0, 0.0]])), [0.0])


@pytest.mark.parametrize(
    ("share", "level"), [(0.1, 1.0), (0.2, 1.0), (0.5, 2.0), (0.7, 2.0), (0.71, 4.0)]
)
def test_a_quantile_of_few_levels_is_one_of_them(share, level):
    np.testing.assert_allclose(STARS.quantile(SHARES, share), [level])


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.0, 0.0), (0.25, 7.5), (0.5, 15.5), (0.75, 23.5), (1.0, 31.0)],
)
def test_a_quantile_of_many_levels_is_between_them(share, value):
    # All are alike likely: level n is in the middle of n / 32 and (n + 1) / 32.
    alike = np.full([1, MANY.size], 1.0 / MANY.size, np.float32)
    np.testing.assert_allclose(MANY.quantile(alike, share), [value], atol=1e-4)


def test_the_log_likelihood_is_that_of_the_levels_of_a_label():
    found = STARS.log_likelihood(np.tile(SHARES, [2, 1]), np.float32([4.0, 3.0]))
    # 3 is half way between 2 and 4.
    between = (np.log(0.5) + np.log(0.3)) / 2.0
    np.testing.assert_allclose(found, [np.log(0.3), between], rtol=1e-6)


def test_an_impossible_label_is_not_infinitely_unlikely():
    found = STARS.log_likelihood(np.float32([[1.0, 0.0, 0.0]]), np.float32([4.0]))
    assert np.isfinite(found).all()


def test_coverage_by_hand():
    # The middle 80 % goes from 0.1 to 0.9. Level 1 takes up 0 to 0.2: half of it is
    # inside. Level 2 is inside, 0.2 to 0.7; of level 4, 0.7 to 1, two thirds.
    found = STARS.coverage(np.tile(SHARES, [3, 1]), STARS.values, 0.8)
    np.testing.assert_allclose(found, [0.5, 1.0, 2.0 / 3.0], rtol=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 1.0])
def test_true_distributions_cover_what_they_promise(share):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1.0, 2.0, 3.0], 20).astype(np.float32)
    covered = np.stack(
        [STARS.coverage(shares, np.full(20, v), share) for v in STARS.values], axis=-1
    )
    np.testing.assert_allclose((shares * covered).sum(axis=-1), share, rtol=1e-5)


def test_gain_prefers_a_chance_of_the_best_to_a_safe_middle():
    # The levels have gains 2**1, 2**2 and 2**4, over 2**4: 0.125, 0.25 and 1.
    chance, safe = np.float32([[0.7, 0.0, 0.3], [0.0, 1.0, 0.0]])
    gains = STARS.gain(np.stack([chance, safe]))
    # 0.7 * 0.125 + 0.3 against 0.25.
    np.testing.assert_allclose(gains, [0.3875, 0.25], rtol=1e-6)
    means = STARS.mean(np.stack([chance, safe]))
    np.testing.assert_allclose(means, [1.9, 2.0], rtol=1e-6)


def test_gain_of_wide_labels_is_their_mean():
    levels = LabelLevels([0.0, 50.0, 100.0])
    np.testing.assert_allclose(levels.gain(SHARES), levels.mean(SHARES))


def test_one_level_is_certain():
    levels, certain = LabelLevels([3.0]), np.ones([2, 1], np.float32)
    labels = np.float32([3.0, 3.0])
    np.testing.assert_array_equal(levels.shares_of(labels), certain)
    np.testing.assert_array_equal(levels.quantile(certain, 0.5), labels)
    np.testing.assert_array_equal(levels.spread(certain), [0.0, 0.0])
    np.testing.assert_array_equal(levels.log_likelihood(certain, labels), [0.0, 0.0])
    np.testing.assert_allclose(levels.coverage(certain, labels, 0.8), [0.8, 0.8])


def test_statistics_keep_their_digits_far_from_zero():
    # A cent between levels about 100: 100.02 + 0.5 * 0.01 in the mean.
    levels = LabelLevels([100.01, 100.02, 100.03, 100.04])
    shares = np.array([[0.25, 0.25, 0.25, 0.25]], np.float32)
    assert float(levels.mean(shares)[0]) == pytest.approx(100.025, abs=1e-5)
    assert float(levels.spread(shares)[0]) == pytest.approx(0.01118, abs=1e-5)
