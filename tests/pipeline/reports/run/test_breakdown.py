import dataclasses

import numpy as np
import pytest

from pipeline.reports.run.bands import Bands
from pipeline.reports.run.breakdown import break_down, by_support
from pipeline.reports.run.groups import Group, banded_groups


def test_a_task_counts_once_in_a_band_with_the_most_pairs_of_it(make_rows, make_run):
    own = {
        "cold/support_0": make_rows(0.9, 0),
        "cold/support_4": make_rows(0.6, 4),
        "cold/support_5": make_rows(0.5, 5),
        "cold": make_rows(0.2, 40),
    }
    found = by_support(make_run({"cmml": own}))
    assert [(each.label, each.num_tasks) for each in found] == [
        ("0", 40),
        ("4-7", 40),
        ("16+", 40),
    ]
    assert [each.cmml.mean for each in found] == pytest.approx([0.9, 0.5, 0.2])


def test_of_groups_that_show_the_same_pairs_the_last_counts(make_rows, make_run):
    rows = make_rows(0.6, 4)
    few = dataclasses.replace(rows, support_size=np.minimum(rows.task, 4))
    own = {"cold/support_4": few, "cold": make_rows(0.3, 4)}
    found = {each.label: each for each in by_support(make_run({"cmml": own}))}
    assert found["4-7"].cmml.mean == pytest.approx(0.3)
    assert set(found) == {"4-7"}  # One task has 0, one 1, two have 2 or 3.


def test_a_baseline_that_was_scored_once_is_shown_for_the_same_users(
    make_rows, make_run
):
    run = make_run(
        {
            "cmml": {"cold": make_rows(0.2, 8), "cold/own": make_rows(0.2, 8)},
            "knn": {"cold": make_rows(0.5, 8)},
        }
    )
    names = dataclasses.replace(run.names, own="cold/own")
    rows = run.rows["cmml"]
    some = rows["cold/own"].select(rows["cold/own"].task < 10)
    run = dataclasses.replace(
        run,
        names=names,
        rows={"cmml": {**rows, "cold/own": some}, "knn": run.rows["knn"]},
    )
    (found,) = by_support(run)
    assert (found.label, found.num_tasks, found.num_pairs) == ("8-15", 10, 50)
    assert found.strongest.mean == pytest.approx(0.5)
    assert found.gap.mean == pytest.approx(-0.3)


def test_a_baseline_that_saw_more_pairs_is_not_in_a_band_of_fewer(make_rows, make_run):
    run = make_run(
        {
            "cmml": {"cold/support_0": make_rows(0.9, 0), "cold": make_rows(0.2, 8)},
            "item_pop": {"cold": make_rows(0.1, 8)},
        }
    )
    assert [each.best for each in by_support(run)] == [None, "item_pop"]


def test_a_baseline_with_a_score_for_some_tasks_is_not_the_best(make_rows, make_run):
    run = make_run(
        {
            "cmml": {"cold": make_rows(0.4, 8)},
            "strong": {"cold": make_rows(0.5, 8)},
            "lucky": {"cold": make_rows(0.6, 8)},
        }
    )
    few = run.rows["lucky"]["cold"]
    few = few.select(few.task < 2)
    few = dataclasses.replace(few, value=np.zeros(few.task.size))
    run = dataclasses.replace(run, rows={**run.rows, "lucky": {"cold": few}})
    (found,) = break_down(run, [Group("k", "all", "task", np.full(40, True))], "cold")
    assert found.best == "strong"


def test_groups_of_few_tasks_are_left_out(make_rows, make_run):
    run = make_run({"cmml": {"cold": make_rows(0.2, 8)}})
    tasks = np.arange(40)
    groups = [Group("k", "4", "task", tasks < 4), Group("k", "5", "task", tasks < 5)]
    (found,) = break_down(run, groups, "cold")
    assert (found.label, found.num_tasks, found.num_pairs) == ("5", 5, 25)
    assert found.gap is None


def test_the_best_baseline_of_a_group_may_be_another_one(make_rows, make_run):
    is_late = np.arange(40) >= 30
    run = make_run(
        {
            "cmml": {"cold": make_rows(0.4, 8)},
            "strong": {"cold": make_rows(np.where(is_late, 0.6, 0.3), 8)},
            "odd": {"cold": make_rows(np.where(is_late, 0.1, 0.9), 8)},
        }
    )
    found = break_down(run, banded_groups("k", "task", is_late, Bands((0, 1))), "cold")
    assert [each.best for each in found] == ["strong", "odd"]
    assert found[1].strongest.mean == pytest.approx(0.6)
    assert found[1].gap.mean == pytest.approx(-0.2)
    assert found[1].less_best.mean == pytest.approx(0.3)
