import dataclasses
import types

import numpy as np
import pytest
from made_pairs import clicked_pairs

from pipeline.settings.scenario.config import ScenarioEvaluationConfig
from pipeline.settings.scenario.groups import (
    by_domain,
    group_words,
    pair_means,
    scenario_groups,
)

MAIN = "scenario_mean"
WHOLE = "catalogue_mean"
USERS = "user_mean"


def data(*domains, num_tasks=2, task="scenario"):
    named = [types.SimpleNamespace(name=name) for name in domains]
    info = types.SimpleNamespace(
        num_tasks={"meta_test": num_tasks}, domains=named, has_user_tasks=task == "user"
    )
    return types.SimpleNamespace(info=info)


def config(**evaluation):
    options = {"support_size": 64, "few_shot_sizes": (0, 64), "num_resamples": 100}
    return types.SimpleNamespace(
        evaluation=ScenarioEvaluationConfig(**options | evaluation)
    )


def test_some_users_are_ranked_for_where_only_the_support_changes():
    groups = scenario_groups(
        config(few_shot_users=5, catalogue_users=3), data(""), "meta_test"
    )
    # 64 is the support size of the main group itself.
    assert {one.group: one.max_users for one in groups} == {
        MAIN: None,
        f"{MAIN}/support_0": 5,
        f"{MAIN}/own_support": 5,
        f"{MAIN}/other_support": 5,
        WHOLE: 3,
        f"{WHOLE}/other_support": 3,
    }
    assert [one.group for one in groups if one.is_open] == [
        *(WHOLE, f"{WHOLE}/other_support"),
    ]
    assert {one.split for one in groups} == {"meta_test"}


def test_with_all_users_the_own_support_is_the_main_group():
    groups = scenario_groups(config(few_shot_users=None), data(""), "meta_test")
    assert [one.group for one in groups] == [
        *(MAIN, f"{MAIN}/support_0", f"{MAIN}/other_support"),
        *(WHOLE, f"{WHOLE}/other_support"),
    ]


def test_users_who_are_tasks_are_asked_about_the_catalogue_alone():
    groups = scenario_groups(
        config(few_shot_users=5), data("", task="user"), "meta_test"
    )
    assert {one.group: one.max_tasks for one in groups} == {
        USERS: None,
        f"{USERS}/support_0": 5,
        f"{USERS}/own_support": 5,
        f"{USERS}/other_support": 5,
    }
    words = group_words(data("", task="user"))
    assert words[USERS] == "users that training has not seen"
    assert not [name for name in words if "scenario" in name + words[name]]


def test_a_single_task_has_no_support_of_another():
    groups = scenario_groups(config(), data("", num_tasks=1), "meta_test")
    assert not [one for one in groups if one.support == "other"]


# Scenario 0: user 1 with ranks 1 and 30, user 2 with 3. Scenario 1: user 1 with 2.
CLICKS = clicked_pairs((0, 1, 1), (0, 1, 30), (0, 2, 3), (1, 1, 2), num_candidates=40)


def test_the_mean_over_pairs_is_over_all_users_of_all_scenarios():
    (metrics,) = pair_means(config(), data(""), {MAIN: CLICKS}).values()
    # Recall@20 of the users is 1/2, 1 and 1; that of scenarios 3/4 and 1.
    assert metrics["recall@20"].mean == pytest.approx(2.5 / 3)


def test_a_single_domain_is_not_parted():
    assert by_domain(config(), data("shop"), {MAIN: CLICKS}) == {}
    assert not [name for name in group_words(data("shop")) if "domain" in name]


@pytest.mark.parametrize(("task", "main"), [("scenario", MAIN), ("user", USERS)])
def test_domains_are_parted_and_have_means_of_their_own(task, main):
    hybrid = data("a", "b", task=task)
    clicks = {main: dataclasses.replace(CLICKS, task_ids=["a:1", "b:1"])}
    parts = by_domain(config(), hybrid, clicks)
    assert list(parts) == [f"{main}/domain_a", f"{main}/domain_b"]
    np.testing.assert_array_equal(parts[f"{main}/domain_b"].rank, [2])
    assert parts[f"{main}/domain_a"].num_tasks == 2
    means = pair_means(config(), hybrid, clicks)
    assert means[f"{main}/domain_a"]["recall@20"].mean == pytest.approx(0.75)
    assert means[f"{main}/domain_b"]["recall@20"].mean == pytest.approx(1.0)
    assert parts.keys() < group_words(hybrid).keys()
    # Users who are tasks count alike in any mean.
    assert ("pair_mean" in means) == (task == "scenario")
