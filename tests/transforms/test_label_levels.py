from collections import Counter

import numpy as np

from transforms.label_levels import label_levels
from transforms.schema import MAX_LABEL_LEVELS


def test_few_labels_are_all_levels_in_ascending_order():
    assert label_levels({5.0: 3, 0.5: 1, 3.0: 10}) == (0.5, 3.0, 5.0)
    most = range(MAX_LABEL_LEVELS - 1)
    assert label_levels(dict.fromkeys(map(float, most), 1)) == tuple(most)


def test_without_labels_there_are_no_levels():
    assert label_levels({}) == ()


def test_many_labels_share_levels_from_the_lowest_to_the_highest():
    levels = label_levels({float(label): 1 for label in range(1001)})
    assert len(levels) == MAX_LABEL_LEVELS
    assert (levels[0], levels[-1]) == (0.0, 1000.0)
    # They are evenly spread, as the labels are: 1000 / 31 = 32.3 apart.
    np.testing.assert_allclose(np.diff(levels), 1000.0 / 31.0, atol=1.0)


def test_as_many_labels_as_levels_are_all_there():
    labels = tuple(float(label) for label in range(MAX_LABEL_LEVELS))
    counts = Counter(labels)
    counts[3.0] = 1000  # However frequent one of them is.
    assert label_levels(counts) == labels


def test_levels_are_close_where_labels_are_frequent_and_leave_no_gap_empty():
    counts = {round(0.1 * step, 1): 1 for step in range(101)}  # 0.0 to 10.0.
    counts |= {round(7.0 + 0.1 * step, 1): 1000 for step in range(11)}
    levels = np.array(label_levels(counts))
    assert len(np.unique(levels)) == MAX_LABEL_LEVELS
    assert set(levels) <= counts.keys()
    # Eleven labels between 7 and 8 are nearly all that there are.
    assert np.sum((levels >= 7.0) & (levels <= 8.0)) >= 9
    assert np.diff(levels).max() < 1.0
