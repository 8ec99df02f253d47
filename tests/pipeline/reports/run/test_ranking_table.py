import pytest
from pipeline.reports.run.ranking_table import ranking_table, verdicts

from models.evaluation.intervals import Interval

NAMES = ("recall@5", "recall@10", "recall@20", "recall@50", "ndcg", "mrr")


def values(mean):
    """The same mean for every metric."""
    return dict.fromkeys(NAMES, Interval(mean, mean - 0.1, mean + 0.1))


def rows_of(text):
    return [[c.strip() for c in row.split("|")[1:-1]] for row in text.splitlines()]


METRICS = {
    "cmml": {
        "scenario_mean": values(0.5),
        "pair_mean": values(0.4375),
        "scenario_mean/support_0": values(0.25),
        "scenario_mean/support_4": values(0.375),
        "scenario_mean/own_support": values(0.625),
        "scenario_mean/other_support": values(0.3125),
    },
    "ease": {"scenario_mean": values(0.75), "pair_mean": values(0.625)},
}


def test_methods_are_rows_and_metrics_are_columns():
    differences = {"ease": Interval(-0.25, -0.3, -0.2)}
    parts = ranking_table(METRICS, differences, 7, [0, 4]).split("\n\n")
    assert parts[0].startswith("Means over 7 scenarios never trained on")
    header, _, cmml, ease = rows_of(parts[1])
    assert header[1:7] == list(NAMES)
    assert header[7:] == ["recall@20, pair mean", "cmml less it, recall@20"]
    interval = "0.5000 [0.400, 0.600]"
    expected = ["cmml", "0.5000", interval, interval, "0.5000", "0.5000", "0.5000"]
    assert cmml == [*expected, "0.4375", "-"]
    assert ease[7:] == ["0.6250", "-0.2500 [-0.3000, -0.2000]"]


def test_cmml_by_what_it_is_shown_is_a_second_table():
    # Groups that were not ranked are left out.
    differences = {"scenario_mean/support_4": Interval(0.25, 0.2, 0.3)}
    table = ranking_table(METRICS, differences, 7, [0, 4, 64])
    *_, title, curve = table.split("\n\n")
    assert title == "cmml by what it is shown, over some users of each scenario:"
    header, _, *rows = rows_of(curve)
    gap = "all clicks less it, recall@20"
    assert header == ["support", "recall@10", "recall@20", gap]
    assert rows == [
        ["0 clicks", "0.2500", "0.2500", "-"],
        ["4 clicks", "0.3750", "0.3750", "+0.2500 [+0.2000, +0.3000]"],
        ["all clicks", "0.6250", "0.6250", "-"],
        ["those of another scenario", "0.3125", "0.3125", "-"],
    ]


@pytest.mark.parametrize(
    ("gap", "standing", "cost"),
    [
        (Interval(0.02, 0.01, 0.03), "better than", "lowers recall@20"),
        (Interval(-0.02, -0.03, -0.01), "worse than", "raises recall@20"),
        (
            Interval(0.02, -0.01, 0.05),
            "not told apart from",
            "makes no difference beyond chance to recall@20",
        ),
    ],
)
def test_the_verdicts_go_by_the_interval(gap, standing, cost):
    lines = verdicts(
        {"ease": gap, "scenario_mean/support_4": gap}
        | {"scenario_mean/other_support": gap}
    ).splitlines()
    figures = f"difference {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]."
    assert lines == [
        f"By recall@20, cmml is {standing} ease: {figures}",
        f"The support set of another scenario {cost}: own less other, {figures}",
    ]
