import types

import numpy as np
import pytest
from made_pairs import rated_pairs

from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.groups import (
    GROUP_WORDS,
    cold_and_warm,
    cold_start_groups,
    user_groups,
)

CONFIG = types.SimpleNamespace(
    evaluation=EvaluationConfig(
        support_size=6, few_shot_sizes=(0, 2, 6), num_resamples=100
    )
)


def data(num_tasks=2):
    """Items 2 and 3 have been seen less often than is asked for."""
    info = types.SimpleNamespace(
        num_tasks={"meta_test": num_tasks}, options={"min_item_count": 3}
    )
    counts = np.array([0, 3, 2, 0])
    return types.SimpleNamespace(info=info, items=types.SimpleNamespace(counts=counts))


def test_groups_are_cold_warm_smaller_support_sizes_and_the_support_of_others():
    groups = user_groups(CONFIG, data(), "meta_test")
    # 6 is the support size of `cold` itself.
    assert [one.group for one in groups] == [
        *("cold", "warm", "cold/support_0", "cold/support_2", "cold/other_support"),
    ]
    assert [one.split for one in groups] == [
        "meta_train" if one.tasks == "warm" else "meta_test" for one in groups
    ]
    assert {one.size for one in groups} == {0, 2, 6}


def test_a_single_task_has_no_support_of_another():
    groups = [one.group for one in user_groups(CONFIG, data(1), "meta_test")]
    assert "cold/other_support" not in groups


def test_all_is_cold_and_warm_together():
    # Errors of cold users 1 and 3, of the warm one 5: the mean of all three is 3.
    cold = rated_pairs([[2.0], [5.0]], [[1.0], [2.0]])
    warm = rated_pairs([[5.0]], [[0.0]])
    scored = {"cold": cold, "warm": warm}
    (name,), (metrics,) = zip(
        *cold_and_warm(CONFIG, data(), scored).items(), strict=True
    )
    assert name == "all"
    assert metrics["mae"].mean == pytest.approx(3.0)


def test_pairs_are_parted_by_how_new_user_and_item_are():
    # Items of each user are 1, 2 and 3, of which 1 is known.
    cold = rated_pairs([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]])
    warm = rated_pairs([[4.0, 5.0], [3.0]], [[4.0, 5.0], [3.0]])
    scored = {"cold": cold, "warm": warm}
    groups = cold_start_groups(CONFIG, data(), scored)
    labels = {group: pairs.label.tolist() for group, pairs in groups.items()}
    assert labels == {
        "pairs/warm": [4.0, 3.0],
        "pairs/new_item": [5.0],
        "pairs/new_user": [1.0],
        "pairs/both_new": [2.0, 3.0],
    }
    assert groups["pairs/new_item"].num_tasks == 2
    assert labels.keys() < GROUP_WORDS.keys()
