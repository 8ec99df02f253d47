from pipeline.reports.run.comparison_table import comparison_table

from models.evaluation.intervals import Interval

NAMES = ("mae", "rmse", "ndcg@1", "ndcg@3", "ndcg@5")


def groups(mean, *names):
    """The same mean for every metric of every group."""
    interval = Interval(mean, mean - 0.1, mean + 0.1)
    return {group: dict.fromkeys(NAMES, interval) for group in names}


def test_methods_are_rows_and_groups_and_metrics_are_columns():
    metrics = {
        "cmml": groups(0.5, "all", "cold", "warm"),
        "ridge": groups(0.75, "all", "cold", "warm"),
    }
    differences = {"cmml": {"cold": Interval(-0.25, -0.3, -0.2)}}
    table = comparison_table(metrics, differences, "ridge", num_cold=7)
    summary, layout = table.split("\n\n")
    assert summary.startswith("Means over tasks, 7 cold users; 95 % bootstrap")
    rows = [[c.strip() for c in row.split("|")[1:-1]] for row in layout.splitlines()]
    assert rows[0] == [
        "method",
        "cold mae",
        "cold rmse",
        "cold ndcg@1",
        "cold ndcg@3",
        "cold ndcg@5",
        "warm mae",
        "warm ndcg@3",
        "cold mae less ridge",
    ]
    lower = ["0.5000 [0.400, 0.600]"] * 7
    assert rows[2] == ["cmml", *lower, "-0.2500 [-0.3000, -0.2000]"]
    assert rows[3] == ["ridge", *["0.7500 [0.650, 0.850]"] * 7, "-"]


def test_fewer_support_pairs_are_a_second_table():
    metrics = {
        "cmml": groups(0.5, "all", "cold", "warm")
        | groups(0.875, "cold/support_0")
        | groups(0.625, "cold/support_10")
    }
    *_, title, curve = comparison_table(metrics, {}, "ridge", 7).split("\n\n")
    assert title == "mae of the same cold users with fewer support pairs:"
    assert curve.splitlines() == [
        "| method | 0      | 10     | all    |",
        "| ------ | ------ | ------ | ------ |",
        "| cmml   | 0.8750 | 0.6250 | 0.5000 |",
    ]


def test_without_the_reference_there_are_no_differences():
    metrics = {"cmml": groups(0.5, "all", "cold", "warm")}
    *_, row = comparison_table(metrics, {}, "ridge", 7).splitlines()
    assert row.endswith("| -                   |")
