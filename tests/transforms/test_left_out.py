import pytest

from transforms.clicks import click_pairs, clicks, merged_pools, tasks
from transforms.left_out import REASONS, describe_left_out
from transforms.ratings import episodes, interactions

CODES = {
    *(episodes.TASK_TOO_SMALL, episodes.TASK_NOT_IN_SPLIT_FILE, interactions.NO_LABEL),
    *episodes.PAIR_REASONS,
    *(clicks.NO_LABEL, clicks.LABEL_TOO_LOW, clicks.NO_SCENARIO),
    *(click_pairs.REPEATED_CLICK, click_pairs.CLICK_AFTER_SPLIT),
    tasks.TASK_NOT_IN_SPLIT_FILE,
    *(merged_pools.POOL_TOO_SMALL, merged_pools.POOL_TOO_LARGE),
    *(tasks.CLICK_OVER_LIMIT, tasks.CLICK_WITHOUT_NEGATIVE),
    *(tasks.TOO_FEW_CLICKS, tasks.NO_HELD_OUT_CLICK),
    f"click_of_task_with_{tasks.TOO_FEW_CLICKS}",
    f"click_of_task_with_{tasks.NO_HELD_OUT_CLICK}",
}


def test_every_code_has_words_and_no_other():
    assert REASONS.keys() == CODES


def test_what_is_left_out_has_its_unit_and_its_keys():
    counts = {"task_too_small": 1, "pair_of_new_item": 4, "repeated_click": 2}
    counts["basket_too_small"] = 3
    assert describe_left_out(counts) == [
        "1 task with too few pairs, in no episode but learnt from as others are "
        "(data.episodes.query_size and data.episodes.min_support_size)",
        "4 pairs of items kept from meta-train (data.episodes.new_item_fraction)",
        "2 rows with the click of another",
        "3 basket_too_small",
    ]


@pytest.mark.parametrize("counts", [{}, {"task_too_small": 0}])
def test_of_nothing_nothing_is_said(counts):
    assert describe_left_out(counts) == []


@pytest.mark.parametrize("code", [*REASONS])
def test_reasons_of_clicks_in_no_episode_say_that_they_are_learnt_from(code):
    of_tasks = {
        *(tasks.CLICK_OVER_LIMIT, tasks.CLICK_WITHOUT_NEGATIVE),
        *(tasks.TOO_FEW_CLICKS, tasks.NO_HELD_OUT_CLICK, episodes.TASK_TOO_SMALL),
    }
    is_learnt = code in of_tasks or code.startswith("click_of_task_with_")
    assert ("learnt from" in REASONS[code].words) == is_learnt
