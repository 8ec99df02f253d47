import csv
import io

import pytest

from pipeline.reports.page.result_table import Cell
from pipeline.reports.search.search_tables import importance_table, trial_table
from tuning.forest import Forest
from tuning.importance import Importance, importance


def rows_of(table):
    return list(csv.DictReader(io.StringIO(table.to_csv())))


def test_trials_stand_with_the_best_first_and_those_without_result_last(results):
    rows = rows_of(trial_table(results))
    assert [row["trial"] for row in rows][:2] == ["0008", "0005"]
    states = [(row["trial"], row["status"]) for row in rows[-2:]]
    assert states == [("0018", "failed"), ("skipped-0000", "invalid")]
    assert rows[-1]["reason"] == "no."


def test_a_row_has_all_that_is_known_in_full_precision(results):
    row, *_ = rows_of(trial_table(results))
    best = results.best_first()[0]
    assert float(row["objective"]) == best.objective
    assert (float(row["seed_3"]), float(row["seed_4"])) == best.scores
    assert float(row["spread"]) == best.spread
    assert row["training.learning_rate"] == "0.01"
    assert (row["best_epochs"], row["num_parameters"]) == ("7/9", "1000")


def test_a_key_that_is_not_active_has_no_value(results):
    films = [
        row
        for row in rows_of(trial_table(results))
        if row["model.modulation"] == "film"
    ]
    assert len(films) == 6
    assert {row["model.num_modules"] for row in films} == {""}


def test_numbers_sort_by_value_and_lists_as_text(with_scores):
    values = [{"model.hidden_dims": [64, 64]}, {"model.hidden_dims": [8]}]
    table = trial_table(with_scores((1.0,), (2.0,), values=values))
    row, *_ = table.cells()
    assert Cell("[64, 64]", "text", key="[64, 64]", is_best=False) in row
    assert Cell("1.0000", "number", key=1.0, is_best=True) in row


def test_keys_stand_by_importance(results):
    found = importance(results.trials, list(results.space.keys), minimise=True)
    rows = rows_of(importance_table(results, found))
    assert rows[0]["key"] == "model.encoder"
    assert rows[0]["best"] == "gru"
    assert float(rows[0]["share"]) == pytest.approx(found.main["model.encoder"].share)
    assert "unknown" not in rows[0]


def test_what_is_not_known_says_why(results):
    found = Importance({"a": "too few trials", "b": "so few"}, "no forest here")
    table = importance_table(results, found)
    assert [row["unknown"] for row in rows_of(table)] == ["too few trials", "so few"]
    assert table.note.endswith("There is no permutation importance: no forest here.")
    assert list(rows_of(table)[0]) == ["key", "unknown"]


def test_a_forest_has_a_column(results):
    shares = {"a": -0.001, "b": 0.4}
    found = Importance({"a": "few", "b": "few"}, Forest(0.5, shares))
    table = importance_table(results, found)
    assert [row["forest"] for row in rows_of(table)] == ["0.4", "-0.001"]
    assert [row[1].text for row in table.cells()] == ["40%", "0%"]
    assert "it predicts 50% of their variance" in table.note
