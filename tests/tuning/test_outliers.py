import pytest

from tuning.outliers import worst_counted


def test_the_limit_by_hand():
    # Three quarters of them lie within 4 of the best.
    assert worst_counted([0.0, 2.0, 3.0, 4.0, 99.0], minimise=True) == 8.0
    assert worst_counted([0.0, -2.0, -3.0, -4.0, -99.0], minimise=False) == -8.0


@pytest.mark.parametrize(
    "objectives", [[1.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0, 9.0]]
)
def test_where_none_stands_out_the_worst_is_the_limit(objectives):
    assert worst_counted(objectives, minimise=True) == max(objectives)
