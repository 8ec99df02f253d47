import math

import pytest

from pipeline.reports.search.seed_noise import seed_noise


def test_noise_by_hand(with_scores):
    # Two seeds that are 2 h apart have a standard deviation of h times the root of 2.
    trials = with_scores((1.0, 1.2), (1.5, 1.9), (3.0, 9.0)).best_first()
    noise = seed_noise(trials)
    # Of the better half, two trials, the mean variance is (0.02 + 0.08) / 2.
    assert noise.spread == pytest.approx(math.sqrt(0.05))
    # Two means of two seeds differ by luck with that deviation. Told from two degrees
    # of freedom, 95 % of such differences are below 4.303 deviations.
    assert noise.least_gap == pytest.approx(4.303 * math.sqrt(0.05), rel=1e-3)
    assert noise.is_within(trials[0], trials[1])
    assert not noise.is_within(trials[0], trials[2])


def test_of_one_seed_no_noise_is_known(with_scores):
    assert seed_noise(with_scores((1.0,), (2.0,)).best_first()) is None
