from collections import Counter

from transforms.writing.statistics import mean_and_std


def test_mean_and_deviation_of_counted_labels():
    # Labels 1, 1, 1 and 5: mean 2, squared distances 3 * 1 + 9 = 12.
    assert mean_and_std(Counter({1.0: 3, 5.0: 1})) == (2.0, 3**0.5)


def test_labels_that_do_not_vary_have_no_deviation():
    assert mean_and_std(Counter({4.0: 3})) == (4.0, 0.0)


def test_without_labels_mean_and_deviation_are_zero():
    assert mean_and_std(Counter()) == (0.0, 0.0)
