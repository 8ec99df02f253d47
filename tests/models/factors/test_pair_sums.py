import numpy as np
import pytest

from models.factors import pair_sums
from models.factors.pair_sums import PairSums

SHAPE = 7, 11


@pytest.fixture
def pairs():
    """Rows, others and residuals; row 2 has no pair, row 5 has most of them."""
    rng = np.random.default_rng(0)
    rows = rng.choice([0, 1, 3, 4, 5, 5, 5, 6], 60)
    return rows, rng.integers(0, SHAPE[1], 60), rng.normal(size=60)


@pytest.mark.parametrize("rows_at_once", [2, 3, 100])
@pytest.mark.parametrize("others_at_once", [4, 100])
@pytest.mark.parametrize("most_pairs", [2, 100])
def test_sums_are_those_of_each_pair_whatever_the_cells(
    pairs, monkeypatch, rows_at_once, others_at_once, most_pairs
):
    for name, value in (
        ("_ROWS_AT_ONCE", rows_at_once),
        ("_OTHERS_AT_ONCE", others_at_once),
        ("_ROWS_OF_BLOCK", 2),
        ("_MOST_PAIRS", most_pairs),
        ("_MIN_PAIRS", 1),
    ):
        monkeypatch.setattr(pair_sums, name, value)
    rng = np.random.default_rng(1)
    moments = rng.normal(size=(SHAPE[1], 3)).astype(np.float32)
    means = rng.normal(size=(SHAPE[1], 2))
    expected = np.zeros([SHAPE[0], 3]), np.zeros([SHAPE[0], 2])
    for row, other, residual in zip(*pairs, strict=True):
        expected[0][row] += moments[other]
        expected[1][row] += residual * means[other]
    sums = PairSums(*pairs, SHAPE)
    np.testing.assert_array_equal(sums.counts, np.bincount(pairs[0], minlength=7))
    rows, *found = zip(*sums.blocks(moments, means), strict=True)
    seen = np.concatenate(rows)
    np.testing.assert_array_equal(seen, [0, 1, 3, 4, 5, 6])
    assert max(len(some) for some in rows) <= 2
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.concatenate(one), other[seen], atol=1e-5)
