import dataclasses

import pytest

from models.evaluation.shown import Shown, few_shot

COLD = Shown("cold", "meta_test", 40, 40)
SOME = Shown("scenario_mean", "meta_test", 64, 64, max_users=200)


@pytest.mark.parametrize(
    ("shown", "group"),
    [
        (COLD, "cold"),
        (COLD.few(3), "cold/support_3"),
        (COLD.few(0), "cold/support_0"),
        (COLD.with_other_support(), "cold/other_support"),
        (dataclasses.replace(SOME, max_users=None), "scenario_mean"),
        # Some users of a task are a group of their own, even with all to show.
        (SOME, "scenario_mean/own_support"),
        (SOME.few(4), "scenario_mean/support_4"),
        (SOME.with_other_support(), "scenario_mean/other_support"),
        # The first tasks alone, as a look at a training takes them.
        (dataclasses.replace(COLD, max_tasks=9), "cold"),
    ],
)
def test_a_group_is_named_by_what_is_shown_of_its_tasks(shown, group):
    assert shown.group == group


def test_fewer_pairs_than_there_are_make_it_few_shot():
    assert not COLD.is_few_shot
    assert COLD.few(39).is_few_shot
    assert not COLD.few(40).is_few_shot


def test_what_is_shown_changes_and_who_is_asked_stays():
    for changed in (SOME.few(4), SOME.with_other_support()):
        assert (changed.tasks, changed.split) == (SOME.tasks, SOME.split)
        assert (changed.full_size, changed.max_users) == (64, 200)
    assert SOME.few(4).few(64) == SOME
    assert SOME.with_other_support().size == 64


def test_few_shot_groups_end_with_all_there_is_to_show():
    groups = [COLD, COLD.with_other_support(), COLD.few(8), COLD.few(0)]
    assert [one.size for one in few_shot(groups)] == [0, 8, 40]
    assert few_shot([COLD, COLD.with_other_support()]) == []
