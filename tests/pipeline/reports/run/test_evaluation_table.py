import dataclasses

import numpy as np
import pytest

from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from pipeline.judging.evaluation import Evaluation
from pipeline.reports.run.evaluation_table import evaluation_text

MAE = Metric("mae", "stars", higher_is_better=False)
RMSE = Metric("rmse", "stars", higher_is_better=False)
HIDDEN = Metric("ndcg@1", in_tables=False)
COLD = Shown("cold", "meta_test", 40, 40)
WARM = Shown("warm", "meta_train", 40, 40)
FEW = [COLD.few(0), COLD.few(10)]


def metrics(mean):
    """The same value for 7 tasks and every metric."""
    return dict.fromkeys(("mae", "rmse", "ndcg@1"), np.full(7, mean))


def text_of(by_task, groups=(COLD, WARM), reference="ridge"):
    evaluation = Evaluation(
        metrics=(MAE, RMSE, HIDDEN),
        groups=groups,
        reference=reference,
        by_task=by_task,
        seed=0,
        num_resamples=50,
    )
    summary = evaluation.intervals()
    further = {"all": summary["cmml"]["warm"]}
    summary = {name: {**own, **further} for name, own in summary.items()}
    return evaluation_text(evaluation, summary, evaluation.differences())


def rows_of(table):
    return [[c.strip() for c in row.split("|")[1:-1]] for row in table.splitlines()]


def two_methods(ours=0.5, theirs=0.75):
    return {
        "cmml": {"cold": metrics(ours), "warm": metrics(0.25)},
        "ridge": {"cold": metrics(theirs), "warm": metrics(theirs)},
    }


def test_methods_are_rows_and_groups_and_metrics_are_columns():
    title, table, _ = text_of(two_methods()).split("\n\n")
    assert title.startswith("Means over tasks, 7 of cold; 95 % bootstrap intervals")
    assert title.endswith("Lower mae is better.")
    header, _, cmml, ridge = rows_of(table)
    assert header == [
        *("method", "cold mae", "cold rmse", "warm mae", "all mae"),
        *("cold mae less ridge", "cmml less it"),
    ]
    half, quarter = "0.5000 [0.500, 0.500]", "0.2500 [0.250, 0.250]"
    gap = "-0.2500 [-0.2500, -0.2500]"
    assert cmml == ["cmml", half, half, quarter, quarter, gap, "-"]
    more = "0.7500 [0.750, 0.750]"
    assert ridge == ["ridge", more, more, more, quarter, "-", gap]


def test_fewer_support_pairs_are_a_second_table():
    by_task = two_methods()
    for method in by_task.values():
        method |= {"cold/support_0": metrics(0.875), "cold/support_10": metrics(0.625)}
    by_task["cmml"]["cold/other_support"] = metrics(1.0)
    groups = [COLD, WARM, *FEW, COLD.with_other_support()]
    *_, title, curve, _ = text_of(by_task, groups).split("\n\n")
    assert title == "mae of the same tasks with fewer support pairs:"
    assert rows_of(curve)[0] == ["method", "0", "10", "all", "of another"]
    assert rows_of(curve)[2:] == [
        ["cmml", "0.8750", "0.6250", "0.5000", "1.0000"],
        ["ridge", "0.8750", "0.6250", "0.7500", "-"],
    ]


def test_some_users_of_a_task_have_a_group_of_their_own():
    main = Shown("scenario_mean", "meta_test", 64, 64)
    some = dataclasses.replace(main, max_users=30)
    groups = [main, some.few(4), some]
    by_task = {
        "cmml": {
            "warm": metrics(0.0),
            "scenario_mean": metrics(0.5),
            "scenario_mean/support_4": metrics(0.375),
            "scenario_mean/own_support": metrics(0.625),
        }
    }
    *_, curve, _ = text_of(by_task, groups).split("\n\n")
    assert rows_of(curve)[2:] == [["cmml", "0.3750", "0.6250"]]


@pytest.mark.parametrize(
    ("ours", "standing", "worth"),
    [
        (0.5, "better than ridge, the best", "worsens"),
        (1.0, "worse than ridge", "bett"),
    ],
)
def test_the_sentences_go_by_the_interval(ours, standing, worth):
    by_task = two_methods(ours)
    by_task["cmml"]["cold/other_support"] = metrics(0.875)
    groups = [COLD, WARM, COLD.with_other_support()]
    *_, sentences = text_of(by_task, groups).split("\n\n")
    stands, support = sentences.splitlines()
    gap, less_other = ours - 0.75, ours - 0.875
    assert stands.startswith(f"By cold mae, cmml is {standing}")
    assert f"difference {gap:+.4f} [{gap:+.4f}, {gap:+.4f}]." in stands
    assert support.startswith(f"The support set of another task {worth}")
    assert support.endswith(
        f"own less other, {less_other:+.4f} [{less_other:+.4f}, {less_other:+.4f}]."
    )


def test_a_difference_that_may_be_chance_is_not_claimed():
    by_task = two_methods()
    noise = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0])
    by_task["ridge"]["cold"] = dict.fromkeys(metrics(0.0), 0.5 + 0.1 * noise)
    by_task["cmml"]["cold/other_support"] = by_task["ridge"]["cold"]
    groups = [COLD, WARM, COLD.with_other_support()]
    text = text_of(by_task, groups)
    assert "cmml is not told apart from ridge, the best baseline: difference" in text
    assert "makes no difference beyond chance to mae" in text


def test_without_the_reference_there_are_no_differences():
    by_task = {"cmml": two_methods()["cmml"]}
    _, table, _ = text_of(by_task).split("\n\n")
    assert rows_of(table)[2][-2:] == ["-", "-"]
