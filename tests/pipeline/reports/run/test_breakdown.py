import dataclasses

import numpy as np
import pytest

from pipeline.reports.run.bands import Bands, banded_groups
from pipeline.reports.run.breakdown import break_down, by_support
from pipeline.settings.data_facts import PairGroup


def test_a_task_counts_once_in_a_band_with_the_most_pairs_of_it(rated, make_run):
    own = {
        "cold/support_0": rated(0.9, 0),
        "cold/support_4": rated(0.6, 4),
        "cold/support_5": rated(0.5, 5),
        "cold": rated(0.2, 40),
    }
    found = by_support(make_run({"cmml": own}))
    assert [(each.label, each.num_tasks) for each in found] == [
        ("0", 40),
        ("4-7", 40),
        ("16+", 40),
    ]
    assert [each.cmml.mean for each in found] == pytest.approx([0.9, 0.5, 0.2])


def test_users_with_alike_many_interactions_are_not_parted(rated, make_findings):
    rows = {"cmml": {"cold": rated(0.5, 8)}, "knn": {"cold": rated(0.6, 8)}}
    found = make_findings(rows)
    assert [each.label for each in found.activity] == ["13-49", "50+"]
    # As of users who are tasks, of whom none is known.
    nobody = make_findings(rows, user_counts=np.zeros(41, int))
    assert nobody.activity == []


def test_of_groups_that_show_the_same_pairs_the_last_counts(rated, make_run):
    rows = rated(0.6, 4)
    few = dataclasses.replace(rows, support_size=np.minimum(rows.task, 4))
    own = {"cold/support_4": few, "cold": rated(0.3, 4)}
    found = {each.label: each for each in by_support(make_run({"cmml": own}))}
    assert found["4-7"].cmml.mean == pytest.approx(0.3)
    assert set(found) == {"4-7"}  # One task has 0, one 1, two have 2 or 3.


def test_where_some_users_have_fewer_pairs_shown_these_users_are_compared(
    clicked, make_run
):
    def some(pairs):
        return pairs.of_tasks(np.arange(40) < 10)

    run = make_run(
        {
            method: {
                "scenario_mean": clicked(5, 40),
                "scenario_mean/support_0": some(clicked(hits - 1, 0)),
                "scenario_mean/own_support": some(clicked(hits, 40)),
            }
            for method, hits in (("cmml", 4), ("knn", 3))
        }
    )
    none, own = by_support(run)
    assert [(each.label, each.num_tasks) for each in (none, own)] == [
        ("0", 10),
        ("16+", 10),
    ]
    # 4 and 3 of 5 clicks are among the first 20, one fewer without support.
    assert (own.cmml.mean, own.strongest.mean) == (
        pytest.approx(0.8),
        pytest.approx(0.6),
    )
    assert (none.cmml.mean, none.gap.mean) == (pytest.approx(0.6), pytest.approx(0.2))


def test_a_baseline_that_saw_more_pairs_is_not_in_a_band_of_fewer(rated, make_run):
    run = make_run(
        {
            "cmml": {"cold/support_0": rated(0.9, 0), "cold": rated(0.2, 8)},
            "item_pop": {"cold": rated(0.1, 8)},
        }
    )
    assert [each.best for each in by_support(run)] == [None, "item_pop"]


def test_a_baseline_with_a_score_for_some_tasks_is_not_the_best(rated, make_run):
    run = make_run(
        {
            "cmml": {"cold": rated(0.4, 8)},
            "strong": {"cold": rated(0.5, 8)},
            "lucky": {"cold": rated(0.6, 8)},
        }
    )
    few = run.scores["lucky"]["cold"]
    few = few.select(few.task < 2)
    few = dataclasses.replace(few, score=few.label)
    run = dataclasses.replace(run, scores={**run.scores, "lucky": {"cold": few}})
    (found,) = break_down(
        run, [PairGroup("k", "all", "task", np.full(40, True))], "cold"
    )
    assert found.best == "strong"


def test_groups_of_few_tasks_are_left_out(rated, make_run):
    run = make_run({"cmml": {"cold": rated(0.2, 8)}})
    tasks = np.arange(40)
    groups = [
        PairGroup("k", "4", "task", tasks < 4),
        PairGroup("k", "5", "task", tasks < 5),
    ]
    (found,) = break_down(run, groups, "cold")
    assert (found.label, found.num_tasks, found.num_pairs) == ("5", 5, 25)
    assert found.gap is None


def test_the_best_baseline_of_a_group_may_be_another_one(rated, make_run):
    is_late = np.arange(40) >= 30
    run = make_run(
        {
            "cmml": {"cold": rated(0.4, 8)},
            "strong": {"cold": rated(np.where(is_late, 0.6, 0.3), 8)},
            "odd": {"cold": rated(np.where(is_late, 0.1, 0.9), 8)},
        }
    )
    found = break_down(run, banded_groups("k", "task", is_late, Bands((0, 1))), "cold")
    assert [each.best for each in found] == ["strong", "odd"]
    assert found[1].strongest.mean == pytest.approx(0.6)
    assert found[1].gap.mean == pytest.approx(-0.2)
    assert found[1].less_best.mean == pytest.approx(0.3)
