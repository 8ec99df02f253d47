"""Data frames to the signatures of a SavedModel and back, without MLflow."""

import ast
import sys

import numpy as np
import pandas as pd
import pytest

from pipeline.export.formats import cmml_pyfunc
from pipeline.export.formats.mlflow import as_frame
from pipeline.export.loaded_version import load_version

COLUMNS = ["fallback_reason", "item_id", "median", "score", "uncertainty"]


@pytest.fixture(scope="module")
def rater(experiment):
    return cmml_pyfunc.CmmlModel(str(experiment.exported))


@pytest.fixture(scope="module")
def clicker(scenario_experiment):
    return cmml_pyfunc.CmmlModel(str(scenario_experiment.exported))


def assert_same(row, items):
    """A row of an answer has the items and scores that `cmml.Model` finds."""
    assert row["item_id"] == [item["item_id"] for item in items]
    np.testing.assert_allclose(
        row["score"], [item["score"] for item in items], atol=1e-3
    )


def test_each_row_is_ranked_or_recommended_to(rater, experiment):
    given = pd.DataFrame(
        {
            "support_item_id": [["f2"], [], ["f1", "?"]],
            "support_label": [[2], [], np.array([5.0, 1.0])],  # Whole numbers too.
            "query_item_id": [["nobody", "f1"], None, []],
            "exclude_item_id": [None, ["f3", "f7"], None],
            "user_gender": [None, "F", np.nan],
            "user_age": [None, 31, None],
            "user_language": [None, ["de", "fr"], None],
        }
    )
    answer = rater.predict(given)
    assert [*answer] == COLUMNS
    assert list(answer["fallback_reason"]) == ["", "user_features", ""]
    model = load_version(experiment.exported)
    support = [{"item_id": "f2", "label": 2}]
    ranked = model.answer({"support": support, "query": ["nobody", "f1"]}, 5)["ranked"]
    by_id = {item["item_id"]: item for item in ranked}
    assert_same(answer.loc[0], [by_id["nobody"], by_id["f1"]])  # As asked.
    user = {"gender": "F", "age": 31, "language": ["de", "fr"]}
    request = {"support": [], "user": user, "exclude": ["f3", "f7"]}
    assert_same(answer.loc[1], model.answer(request, 5)["recommended"])
    support = [{"item_id": "f1", "label": 5}, {"item_id": "?", "label": 1}]
    expected = model.answer({"support": support}, 5)["recommended"]
    assert_same(answer.loc[2], expected)
    fewer = rater.predict(given, {"k": 2})
    assert [len(ids) for ids in fewer["item_id"]] == [2, 2, 2]
    assert fewer.loc[2, "item_id"] == answer.loc[2, "item_id"][:2]


def test_of_no_rows_nothing_is_said(rater):
    answer = rater.predict(pd.DataFrame({"support_item_id": []}))
    assert [*answer] == COLUMNS
    assert answer.empty


def test_in_scenarios_one_user_asks_about_all_items(clicker, scenario_experiment):
    pair = {
        "support_user_id": [["s1"]] * 3,
        "support_item_id": [["g3"]] * 3,
        "support_label": [[1]] * 3,
    }
    given = pd.DataFrame(
        {
            **pair,
            "query_user_id": [["s2"], ["s2", "s3"], ["s2"]],
            "query_item_id": [["g1", "g2"], ["g1", "g2"], []],
            "candidate_item_id": [[], [], ["g4", "g5", "g6"]],
        }
    )
    answer = clicker.predict(given)
    model = load_version(scenario_experiment.exported)
    request = {"user_id": "s2", "support": [{"user_id": "s1", "item_id": "g3"}]}
    ranked = model.answer(request | {"query": ["g1", "g2"]}, 5)["ranked"]
    ranked.sort(key=lambda item: item["item_id"])
    assert_same(answer.loc[0], ranked)
    (first, of_u2), (same, of_u3) = (answer.loc[row, "score"] for row in (0, 1))
    assert first == pytest.approx(same)
    assert of_u2 != of_u3
    request["candidates"] = ["g4", "g5", "g6"]
    assert_same(answer.loc[2], model.answer(request, 5)["recommended"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"support_label": [5.0, 1.0]}, r"row 1: support lists .* equally long, got"),
        ({"support_label": 5.0}, r"row 1: support_label must be a list of numbers, g"),
        ({"support_label": ["5"]}, r"row 1: support_label must be a list of .*\['5'\]"),
        ({"support_item_id": [7]}, r"support_item_id must be a list of texts, got \[7"),
        ({"user_age": "31"}, r"row 1: user_age must be a number, got '31'"),
        ({"user_gender": ["F"]}, r"row 1: user_gender must be a text, got \['F'\]"),
        ({"query_item_id": "f1"}, r"row 1: query_item_id must be a list of texts, got"),
    ],
)
def test_a_value_of_another_type_is_refused(rater, changed, message):
    good = {"support_item_id": ["f1"], "support_label": [3.0]}
    with pytest.raises(ValueError, match=message):
        rater.predict(pd.DataFrame([good, good | changed], dtype=object))


def test_users_must_be_one_or_one_for_each_item(clicker):
    row = {
        "support_user_id": [],
        "support_item_id": [],
        "support_label": [],
        "query_user_id": ["u1", "u2"],
    }
    with pytest.raises(ValueError, match=r"row 0: query_user_id must .*0 items, got 2"):
        clicker.predict(pd.DataFrame([row]))
    row["query_item_id"] = ["g1", "g2", "g3"]
    with pytest.raises(ValueError, match=r"row 0: query_user_id must .*3 items, got 2"):
        clicker.predict(pd.DataFrame([row]))


def test_a_request_becomes_a_frame_without_padding():
    frame = as_frame(
        {
            "support_item_id": np.array([[b"7", b"", b"8"], [b"", b"", b""]], object),
            "support_label": np.array([[1.0, np.nan, 2.0], [0.0] * 3], np.float32),
            "query_user_id": np.array([b"u", b"v"], object),
            "user_age": np.array([31.0, 4.0], np.float32),
        }
    )
    assert frame.to_dict("list") == {
        "support_item_id": [["7", "8"], []],
        "support_label": [[1.0, 2.0], []],
        "query_user_id": [["u"], ["v"]],
        "user_age": [31.0, 4.0],
    }


def test_it_needs_no_package_of_ours():
    with open(cmml_pyfunc.__file__, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
    }
    others = names - sys.stdlib_module_names
    assert others == {"mlflow", "numpy", "pandas", "tensorflow"}
