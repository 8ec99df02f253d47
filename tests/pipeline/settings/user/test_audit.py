import types

import numpy as np
import pytest

from pipeline.settings.finding import time_in_tasks, time_of_pairs
from pipeline.settings.user.audit import (
    permuted_labels,
    query_in_support,
    repeated_pairs,
    too_small_tasks,
    user_protocol,
)


def batch(support, query):
    """One batch of tasks; 0 is padding."""
    support, query = np.array(support), np.array(query)
    return {
        "support_item": support,
        "support_mask": support > 0,
        "query_item": query,
        "query_mask": query > 0,
    }


def info(*, max_interactions=50, path="users.json", order="random"):
    """What `dataset.json` says, as far as it is looked at."""
    episodes = {
        "query_size": 10,
        "min_support_size": 1,
        "max_interactions_per_task": max_interactions,
        "order": order,
    }
    return types.SimpleNamespace(
        options={
            "episodes": episodes,
            "split": {"path": path, "test_from": None},
        },
        num_tasks={"meta_train": 70, "meta_validation": 10, "meta_test": 20},
    )


@pytest.mark.parametrize(
    ("test_from", "order", "verdict", "detail"),
    [
        (None, "random", "note", "pairs are split at random"),
        (None, "time", "note", "users are split at random"),
        (
            "2001-02-03",
            "random",
            "ok",
            "what is judged has learnt nothing of 2001-02-03",
        ),
    ],
)
def test_what_may_be_later_than_what_is_asked_for_is_said(
    test_from, order, verdict, detail
):
    options = {"split": {"test_from": test_from}, "episodes": {"order": order}}
    found = time_of_pairs(options)
    assert (found.name, found.verdict) == ("time", verdict)
    assert detail in found.detail


@pytest.mark.parametrize(
    ("order", "verdict", "detail"),
    [("random", "note", "drawn at random"), ("time", "ok", "no query is earlier")],
)
def test_whether_the_support_is_earlier_than_the_query_is_said(order, verdict, detail):
    found = time_in_tasks(info(order=order))
    assert (found.verdict, detail in found.detail) == (verdict, True)


def test_a_query_pair_in_the_support_is_a_leak():
    clean = {"meta_test": [batch([[1, 2, 0], [3, 4, 5]], [[3, 0], [1, 2]])]}
    assert query_in_support(clean).verdict == "ok"  # Padding is no pair.
    planted = {"meta_test": [batch([[1, 2, 3], [3, 4, 5]], [[3, 0], [1, 2]])]}
    found = query_in_support(planted)
    assert (found.verdict, found.detail[:10]) == ("LEAK", "1 of 3 que")


def test_a_pair_twice_in_a_task_is_a_leak():
    clean = {"meta_train": [batch([[1, 2, 0, 0], [1, 2, 3, 4]], [[5], [6]])]}
    assert repeated_pairs(clean).verdict == "ok"
    planted = {"meta_train": [batch([[1, 2, 0, 0], [1, 2, 3, 1]], [[5], [6]])]}
    assert repeated_pairs(planted).verdict == "LEAK"


def test_a_task_of_another_size_than_the_options_say_is_a_leak():
    ten = list(range(1, 11))
    assert too_small_tasks({"a": [batch([[11]], [ten])]}, info()).verdict == "ok"
    for support, query in (([0], ten), ([11], [*ten[:9], 0]), ([11], [*ten, 12])):
        found = too_small_tasks({"a": [batch([support], [query])]}, info())
        assert (found.verdict, found.detail[:6]) == ("LEAK", "1 of 1")


def test_the_protocol_is_told_from_the_options():
    # 20 of 100 tasks are meta-test, and 40 of 50 pairs are not asked for.
    alike, different = user_protocol(info()).detail.split("Different: ")
    assert "20% of users" in alike
    assert "50 pairs of a meta-test user (CMML)" in alike
    assert "20 support pairs (TaNP), here 40" in different
    alike, different = user_protocol(info(max_interactions=30)).detail.split(
        "Different: "
    )
    assert "20 support pairs (TaNP)" in alike
    assert "50 pairs of a meta-test user (CMML), here 30" in different
    unlimited = user_protocol(info(max_interactions=None, path=None)).detail
    assert "drawn by a stable hash" in unlimited
    assert "20 support pairs (TaNP), here all" in unlimited


@pytest.mark.parametrize(
    ("permuted", "verdict"), [(0.82, "ok"), (0.78, "ok"), (0.75, "LEAK")]
)
def test_labels_that_mean_nothing_must_not_help(permuted, verdict):
    # The tolerance is a hundredth of the range, 4 stars here.
    none = np.linspace(0.6, 1.0, 50)
    found = permuted_labels(none - 0.1, none + permuted - 0.80, none, 4.0)
    assert found.verdict == verdict


def test_what_may_be_chance_is_no_leak():
    none = np.array([0.8, 0.8, 0.8])
    permuted = np.array([0.2, 0.9, 0.8])  # Better on average, by one task of three.
    assert permuted_labels(none, permuted, none, 4.0).verdict == "ok"
