import pytest
from made_outcomes import make_summary, make_tables

from pipeline.reports.comparison.ablation_table import ablation_report
from pipeline.settings.user.metrics import METRICS


@pytest.fixture(scope="module")
def text():
    tables = make_tables()
    return ablation_report("own", "meta_test", tables, make_summary(tables), METRICS[0])


def test_a_variant_that_failed_says_why(text):
    (row,) = [line for line in text.splitlines() if line.startswith("| PE, mlp ")]
    assert row.split("|")[2].strip() == "failed"
    assert "\n\nPE, mlp failed: seed 1: not finite\n" in text


def test_the_report_has_a_matrix_and_a_row_for_each_variant(text):
    title, seeds, note, heading, matrix, rows, _ = text.strip().split("\n\n")
    assert title == "# Ablation own on meta_test"
    assert seeds == "Seeds: 0, 1. --set model.dropout=0.1"
    assert note.startswith("Means over 2 tasks, each the mean of its seeds; 95 % ")
    assert heading == "## Both"
    cells = [[c.strip() for c in r.split("|")[1:-1]] for r in matrix.splitlines()]
    assert cells[0] == ["mae", "dot", "mlp"]
    assert cells[2] == ["PE", "3.0000 [2.000, 4.000]", "failed"]
    cells = [[c.strip() for c in r.split("|")[1:-1]] for r in rows.splitlines()]
    further = [metric.name for metric in METRICS[1:] if metric.in_tables]
    assert cells[0] == [
        *("variant", "mae", "sd of seeds", *further),
        *("mae less bias_ridge", "mae less first row"),
        *("other support", "no support", "tasks/s", "parameters"),
    ]
    assert cells[2] == [
        *("PE, dot", "3.0000 [2.000, 4.000]", "1.4142", *["0.5000"] * len(further)),
        *("-1.5000 [-2.0000, -1.0000]", "+0.0000 [+0.0000, +0.0000]"),
        *("+6.0000", "5.0000", "20", "1,234"),
    ]
    assert cells[4][0] == "*bias_ridge*"
    empty = ("sd of seeds", "mae less first row", "tasks/s", "parameters")
    assert [cells[4][cells[0].index(name)] for name in empty] == ["-"] * 4
