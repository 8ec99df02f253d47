import pytest

from pipeline.reports.run.more_scores import missing_sizes


@pytest.mark.parametrize(
    ("sizes", "most", "missing"),
    [
        ((0, 1, 3, 5, 10, 20), 40, []),
        ((0, 4, 16), 64, [1, 3, 15]),
        ((), 40, [0, 1, 3, 7, 15]),
        ((0, 2), 6, [1]),  # 4-7 has the 6 that are shown at most.
        ((), 9, [0, 1, 3, 7]),
    ],
)
def test_each_band_that_nothing_falls_into_gets_its_last_size(sizes, most, missing):
    assert missing_sizes(sizes, most) == missing
