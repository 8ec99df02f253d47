from collections import Counter

import numpy as np
import pytest

from transforms.entities.far_numbers import farthest, without_far


@pytest.mark.parametrize(
    ("number", "is_far"),
    [(304.0, False), (304.1, True), (-299.0, False), (-299.1, True)],
)
def test_a_number_is_far_beyond_a_hundred_distances_of_the_quartiles(number, is_far):
    # Whatever the number, the quartiles are 1 and 4: near is -299 to 304.
    counts = Counter([1.0, 1.0, 2.0, 4.0, 4.0, number])
    near, far = without_far(counts)
    expected = {number: 1} if is_far else {}
    assert dict(far) == expected
    assert near == counts - Counter(expected)


def test_ordinary_skewed_numbers_are_all_near():
    rng = np.random.default_rng(0)
    for numbers in (
        rng.normal(size=20_000),
        np.exp(rng.normal(size=20_000)),
        rng.poisson(2.0, 20_000).astype(float),
        rng.exponential(size=20_000),
    ):
        assert not without_far(Counter(numbers.tolist()))[1]


def test_nothing_is_far_where_the_middle_half_is_one_number():
    counts = Counter({0.0: 90, 1.0: 9, 1e9: 1})
    assert without_far(counts) == (counts, Counter())


def test_a_far_half_below_a_quarter_is_found():
    # 20 of 100 rows have a code for unknown.
    counts = Counter({1950.0 + year: 4 for year in range(20)} | {-1e6: 20})
    near, far = without_far(counts)
    assert (min(near), max(near), far) == (1950.0, 1969.0, Counter({-1e6: 20}))


def test_the_farthest_number_is_so_from_the_mean():
    assert farthest({-8.0: 3, 9.0: 1}, 1.0) == -8.0
    assert farthest({}, 1.0) is None
