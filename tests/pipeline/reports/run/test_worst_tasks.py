import numpy as np
import pytest

from pipeline.reports.run.worst_tasks import traits, worst_tasks


def test_the_worst_tenth_but_at_least_five_come_first(rated, make_run):
    run = make_run({"cmml": {"cold": rated(np.arange(40) / 40, 8)}})
    found = worst_tasks(run, np.full(21, 50))
    assert found.num_worst == 5
    assert found.order[:5].tolist() == [39, 38, 37, 36, 35]


def test_what_sets_them_apart_is_told(rated, make_run):
    errors = np.arange(40) / 40
    labels = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 40).reshape(40, 5)
    labels[:35] = 3.0  # The five worst have spread labels, the others none.
    run = make_run(
        {
            "cmml": {"cold": rated(errors, 8, labels.ravel())},
            "knn": {"cold": rated(0.5, 8)},
        }
    )
    (found,) = worst_tasks(run, np.full(21, 50)).in_common
    assert found.name == "spread of labels"
    # The spread of 1 to 5 is sqrt((4 + 1 + 0 + 1 + 4) / 5).
    assert (found.worst, found.others) == (pytest.approx(np.sqrt(2.0)), 0.0)
    assert found.higher == 1.0


def test_traits_are_means_over_the_pairs_of_a_task(rated):
    counts = np.array([0, 2, 4, 6, 8, 100, *[50] * 15])
    found = traits(rated(0.1, 8), 40, counts)
    # Task 0 asks for items 1 to 5, task 1 for items 6 to 10.
    assert found["interactions of its items, mean"][:2].tolist() == [24.0, 50.0]
    assert found["share of items with fewer than 10"][:2].tolist() == [0.8, 0.0]
    assert found["support pairs shown"][0] == 8.0
    assert found["mean label"][0] == 3.0
