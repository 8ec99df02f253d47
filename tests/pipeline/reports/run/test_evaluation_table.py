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


def values(mean):
    """The same value for 7 tasks and every metric."""
    return dict.fromkeys(("mae", "rmse", "ndcg@1"), np.full(7, mean))


def text_of(by_task, groups=(COLD, WARM), metrics=(MAE, RMSE, HIDDEN)):
    evaluation = Evaluation(
        metrics=metrics,
        groups=groups,
        reference="ridge",
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
        "cmml": {"cold": values(ours), "warm": values(0.25)},
        "ridge": {"cold": values(theirs), "warm": values(theirs)},
    }


def test_methods_are_rows_and_groups_and_metrics_are_columns():
    title, table, more, means, *_ = text_of(two_methods()).split("\n\n")
    assert title.startswith("Means over 7 tasks of cold; 95 % bootstrap intervals")
    assert title.endswith("Lower mae is better.")
    gap = "-0.2500 [-0.2500, -0.2500]"
    assert [row for row in rows_of(table) if "-----" not in row[1]] == [
        ["method", "mae", "cmml less it", "warm mae", "all mae"],
        ["cmml", "0.5000 [0.500, 0.500]", "-", "0.2500", "0.2500"],
        ["ridge", "0.7500 [0.750, 0.750]", gap, "0.7500", "0.2500"],
    ]
    assert more == "Means of other metrics of cold:"
    assert [row for row in rows_of(means) if "---" not in row[1]] == [
        ["method", "rmse"],
        ["cmml", "0.5000"],
        ["ridge", "0.7500"],
    ]


def test_no_table_is_wider_than_a_terminal():
    by_task = {
        "matrix_factorisation": {"warm": values(0.5), "cold": values(0.5)},
        **two_methods(),
    }
    metrics = (MAE, *(Metric(f"another_metric@{k}") for k in range(9)))
    for of_method in by_task.values():
        of_method["cold"] |= dict.fromkeys([m.name for m in metrics], np.full(7, 0.5))
    text = text_of(by_task, metrics=metrics)
    tables = [part for part in text.split("\n\n") if part.startswith("| method")]
    assert max(len(line) for part in tables for line in part.splitlines()) <= 100
    titles = [title for part in tables for title in rows_of(part)[0]]
    assert [one for one in titles if one != "method"] == [
        *("mae", "cmml less it", "warm mae", "all mae"),
        *(one.name for one in metrics[1:]),
    ]
    assert len(tables) == 4  # Of the other metrics 4, 4 and 1.
    assert all(len(rows_of(part)) == 2 + len(by_task) for part in tables)


def test_methods_that_come_to_the_same_are_named_once_with_the_cause():
    by_task = two_methods()
    by_task |= {"closed_form": by_task["cmml"], "dot": by_task["cmml"]}
    text = text_of(by_task)
    assert text.count("Equal on every task") == 1
    assert (
        "\n\nEqual on every task: cmml, closed_form, dot. What the networks of cmml "
        "add to its prior changes no figure. The prior of cmml is what dot computes."
        "\n\n"
    ) in text


def test_methods_that_differ_on_one_task_are_not_said_to_be_equal():
    by_task = two_methods()
    by_task["closed_form"] = {
        "cold": {**by_task["cmml"]["cold"], "rmse": np.arange(7.0)},
        "warm": by_task["cmml"]["warm"],
    }
    assert "Equal" not in text_of(by_task)


def test_fewer_support_pairs_are_a_second_table():
    by_task = two_methods()
    for method in by_task.values():
        method |= {"cold/support_0": values(0.875), "cold/support_10": values(0.625)}
    by_task["cmml"]["cold/other_support"] = values(1.0)
    groups = [COLD, WARM, *FEW, COLD.with_other_support()]
    *_, title, curve, _, _, _, _, _ = text_of(by_task, groups).split("\n\n")
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
            "warm": values(0.0),
            "scenario_mean": values(0.5),
            "scenario_mean/support_4": values(0.375),
            "scenario_mean/own_support": values(0.625),
        }
    }
    *_, curve, _ = text_of(by_task, groups).split("\n\n")
    assert rows_of(curve)[2:] == [["cmml", "0.3750", "0.6250"]]


def test_the_verdict_is_a_sentence_a_table_of_metrics_and_one_of_sizes():
    by_task = two_methods()
    for method, value in (("cmml", 0.875), ("ridge", 0.75)):
        by_task[method]["cold/support_0"] = values(value)
    *_, sentence, by_metric, title, by_size = text_of(
        by_task, [COLD, WARM, COLD.few(0)]
    ).split("\n\n")
    assert sentence == (
        "Overall mixed: beside the best baseline of each metric and support size, cmml "
        "is better beyond chance in 2 of 3 comparisons, level in 0 and worse beyond "
        "chance in 1: mae with 0 support pairs. Level: p > 0.05 once corrected for so "
        "many comparisons (Holm p), or fewer than 6 tasks."
    )
    gain = "-0.2500 [-0.2500, -0.2500]"
    assert rows_of(by_metric)[0] == [
        "metric",
        "best baseline",
        "cmml less it",
        "Holm p",
        "verdict",
    ]
    assert rows_of(by_metric)[2:] == [
        ["mae", "ridge", gain, "< 0.001", "better"],
        ["rmse", "ridge", gain, "< 0.001", "better"],
    ]
    assert title == "mae by support pairs shown:"
    assert rows_of(by_size)[0][0] == "support pairs"
    assert rows_of(by_size)[2:] == [
        ["0", "ridge", "+0.1250 [+0.1250, +0.1250]", "< 0.001", "worse"],
        ["all", "ridge", gain, "< 0.001", "better"],
    ]


def test_a_difference_that_may_be_chance_is_level():
    by_task = two_methods()
    noise = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0])
    by_task["ridge"]["cold"] = dict.fromkeys(values(0.0), 0.5 + 0.1 * noise)
    by_task["cmml"]["cold/other_support"] = by_task["ridge"]["cold"]
    text = text_of(by_task, [COLD, WARM, COLD.with_other_support()])
    assert "Overall level: " in text
    assert "cmml is better beyond chance in 0 of 2 comparisons, level in 2" in text
    assert "makes no difference beyond chance to mae" in text


def test_of_few_tasks_no_difference_is_claimed_or_denied():
    by_task = two_methods()
    for method in by_task.values():
        for group in method.values():
            group["mae"] = np.where(np.arange(7) < 5, group["mae"], np.nan)
    by_task["cmml"]["cold/other_support"] = {"mae": np.full(7, 2.0)}
    by_task["closed_form"] = by_task["ridge"]
    for method in by_task.values():
        for group in method.values():
            group["rmse"] = group["mae"]
    text = text_of(by_task, [COLD, WARM, COLD.with_other_support()])
    assert (
        "\n\nHow cmml stands beside baselines cannot be told of only 5 tasks: fewer "
        "than 6 do not tell methods apart.\n\n"
    ) in text
    assert "level" not in text
    assert text.count("| few tasks |") == 2  # By mae and by rmse.
    *_, added, other = text.splitlines()
    assert added == (
        "What context and backbone add to closed_form, the prior of cmml alone, cannot "
        "be told of only 5 tasks: -0.2500 [-0.2500, -0.2500] of mae."
    )
    assert other == (
        "Whether the support set of another task matters to mae cannot be told of only "
        "5 tasks: own less other, -1.5000 [-1.5000, -1.5000]."
    )


def test_another_metric_that_is_worse_without_a_pool_is_told():
    by_task = two_methods()
    by_task["cmml"]["open"] = values(0.5) | {"rmse": np.full(7, 0.75)}
    by_task["ridge"]["open"] = values(0.5)
    groups = [COLD, WARM, Shown("open", "meta_test", 40, 40, is_open=True)]
    assert text_of(by_task, groups).splitlines()[-1] == (
        "Without a pool cmml is worse beyond chance by metrics that do not decide: "
        "rmse beside ridge, +0.2500 [+0.2500, +0.2500]."
    )
    by_task["cmml"]["open"] = values(0.5)
    assert "do not decide" not in text_of(by_task, groups)


def test_metrics_of_fewer_tasks_say_so():
    by_task = two_methods()
    for method in by_task.values():
        method["cold"]["rmse"] = np.where(np.arange(7) < 5, 0.5, np.nan)
    title, *_, by_metric = text_of(by_task).split("\n\n")
    assert title.startswith(
        "Means over 7 tasks (mae), 5 of 7 tasks (rmse) of cold; 95 %"
    )
    assert [row[:2] for row in rows_of(by_metric)] == [
        *(["metric", "tasks"], ["-" * 6, "-" * 5], ["mae", "7"], ["rmse", "5"])
    ]


def test_a_metric_that_no_task_has_a_value_of_is_a_dash():
    by_task = two_methods()
    for method in by_task.values():
        method["cold"]["rmse"] = np.full(7, np.nan)
    _, _, _, means, _, by_metric = text_of(by_task).split("\n\n")
    assert rows_of(means)[2][1] == "-"
    assert [row[0] for row in rows_of(by_metric)[2:]] == ["mae"]


@pytest.mark.parametrize(("ours", "worth"), [(0.5, "worsens"), (1.0, "betters")])
def test_the_worth_of_the_support_set_goes_by_the_interval(ours, worth):
    by_task = two_methods(ours)
    by_task["cmml"]["cold/other_support"] = values(0.875)
    groups = [COLD, WARM, COLD.with_other_support()]
    *_, sentence = text_of(by_task, groups).split("\n\n")
    less_other = ours - 0.875
    assert sentence == (
        f"The support set of another task {worth} mae: own less other, "
        f"{less_other:+.4f} [{less_other:+.4f}, {less_other:+.4f}].\n"
    )


@pytest.mark.parametrize(
    ("prior", "word"),
    [
        (0.75, "-0.2500 [-0.2500, -0.2500] of mae, to the better beyond chance"),
        (0.25, "+0.2500 [+0.2500, +0.2500] of mae, to the worse beyond chance"),
        (0.5, "+0.0000 [+0.0000, +0.0000] of mae, no difference beyond chance"),
    ],
)
def test_what_the_networks_add_to_the_prior_is_a_sentence(prior, word):
    by_task = {**two_methods(), "closed_form": {"cold": values(prior)}}
    by_task["closed_form"]["warm"] = values(prior)
    *_, by_metric, sentence = text_of(by_task).split("\n\n")
    assert [row[1] for row in rows_of(by_metric)[2:]] == ["ridge", "ridge"]
    assert sentence == (
        "What context and backbone add to closed_form, the prior of cmml alone: "
        f"{word}.\n"
    )


def test_a_metric_with_a_target_is_a_sentence_and_no_row():
    inside = Metric(
        "coverage@80", in_tables=False, target=0.8, sentence="{:.1%} are inside"
    )
    by_task = two_methods()
    for method in by_task.values():
        method["cold"]["coverage@80"] = np.full(7, 0.75)
    text = text_of(by_task, metrics=(MAE, RMSE, HIDDEN, inside))
    assert text.endswith("\n\nOf cmml, 75.0% are inside (coverage@80).\n")
    assert text.count("coverage@80") == 1


def test_without_baselines_nothing_is_said_of_one():
    *_, sentence = text_of({"cmml": two_methods()["cmml"]}).split("\n\n")
    assert sentence == (
        "No baseline was evaluated, so nothing can be said of cmml beside one.\n"
    )


def test_cmml_is_not_taken_from_itself():
    by_task = {"cmml": two_methods()["cmml"]}
    _, table, *_ = text_of(by_task).split("\n\n")
    assert rows_of(table)[2][2] == "-"
