"""Requests to an exported model of users, as `cmml predict` answers them."""

import math

import pytest

from pipeline.export.loaded_version import load_version

SUPPORT = [
    {"item_id": "f1", "label": 5},
    {"item_id": "f2", "label": 1.5},
    {"item_name": "Film 3", "label": 4},
]


@pytest.fixture(scope="module")
def model(experiment):
    return load_version(experiment.exported)


def test_query_items_are_ranked_best_first(model):
    query = ["f9", "f4", "f12", "nobody knows it"]
    answer = model.answer({"support": SUPPORT, "query": query, "task_id": "a"}, top=1)
    assert list(answer) == ["task_id", "unknown_items", "ranked"]
    assert answer["unknown_items"] == ["nobody knows it"]
    scores = [item["score"] for item in answer["ranked"]]
    assert scores == sorted(scores, reverse=True)
    by_id = {item["item_id"]: item for item in answer["ranked"]}
    assert set(by_id) == set(query)
    assert by_id["f9"]["item_name"] == "Film 9"
    assert "item_name" not in by_id["nobody knows it"]


def test_without_a_query_items_are_recommended(model):
    (recommended,) = model.answer({"support": SUPPORT}, top=3).values()
    scores = [item["score"] for item in recommended]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert not {item["item_id"] for item in recommended} & {"f1", "f2", "f3"}
    # The export has five at most.
    assert len(model.answer({"support": SUPPORT}, top=9)["recommended"]) == 5


def test_excluded_items_are_not_recommended(model):
    exclude = [f"f{item}" for item in range(4, 13)]
    answer = model.answer({"support": SUPPORT, "exclude": exclude}, top=5)
    # Of 14 items, 3 are in the support set and 9 excluded.
    assert {item["item_id"] for item in answer["recommended"]} == {"f13", "f14"}


def test_a_recommended_item_has_the_score_it_is_ranked_with(model):
    recommended = model.answer({"support": SUPPORT}, top=5)["recommended"]
    query = [item["item_id"] for item in recommended]
    ranked = model.answer({"support": SUPPORT, "query": query}, top=5)["ranked"]
    for best, same in zip(recommended, ranked, strict=True):
        assert best["score"] == pytest.approx(same["score"], abs=2e-4)


def test_an_item_may_be_given_by_name(model):
    by_id = [{"item_id": "f3", "label": 4}]
    by_name = [{"item_name": "Film 3", "label": 4}]
    query = ["f9", "f4"]
    assert model.answer({"support": by_id, "query": query}, 5) == model.answer(
        {"support": by_name, "query": query}, 5
    )


def test_ids_and_values_are_read_as_those_of_the_tables(model):
    request = {"support": SUPPORT, "query": ["f9"], "user": {"gender": "F"}}
    padded = {"support": SUPPORT, "query": [" f9 "], "user": {"gender": "F\n"}}
    assert model.answer(padded, 5) == model.answer(request, 5)
    support = [{"item_id": "f1", "label": " 5.0"}, *SUPPORT[1:]]
    written = {"support": support, "query": ["f9"], "user": {"gender": "F"}}
    assert model.answer(written, 5) == model.answer(request, 5)
    numbers = model.answer({"query": [31.0, 31, 10**30]}, 5)["ranked"]
    found = sorted(item["item_id"] for item in numbers)
    assert found == [str(10**30), "31", "31"]


def test_a_new_user_without_anything_is_answered(model):
    ranked = model.answer({"query": ["f1", "f2"]}, top=5)["ranked"]
    assert model.answer({"query": ["f1", "f2"], "user": None}, 5)["ranked"] == ranked
    assert all(math.isfinite(item["score"]) for item in ranked)


def test_features_of_the_user_reach_the_model(model):
    def scores(**user):
        answer = model.answer({"query": ["f1", "f5"], "user": user}, 5)
        return sorted((item["item_id"], item["score"]) for item in answer["ranked"])

    assert scores(age=20) != scores(age=90)
    assert scores(language=["en", "fr"]) != scores(language=["de"])
    assert scores(gender="F") != scores(gender="M")
    assert scores(age=" 20.0", language="en,fr") == scores(
        age=20, language=["en", "fr"]
    )
    # What nobody has heard of is as unknown as what is not said.
    assert scores(gender="x", language=["tlh"], age=1e31) == scores()


def test_unknown_values_of_features_are_named_as_the_graph_reads_them(model):
    user = {"gender": " x ", "language": "en, tlh,tlh", "age": 1e31}
    answer = model.answer({"support": SUPPORT, "user": user, "exclude": ["f0"]}, 1)
    assert answer["unknown_items"] == ["f0"]
    assert answer["unknown_values"] == {"gender": ["x"], "language": ["tlh"]}
    known = {"gender": "F ", "language": ["de"], "age": None}
    assert list(model.answer({"support": SUPPORT, "user": known}, 1)) == ["recommended"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ([], r"a request must be a JSON object, got \[\]"),
        ({"suport": []}, r"unknown keys \['suport'\]; valid keys: \['exclude', "),
        ({"user": {"sex": "F"}}, r"unknown user features \['sex'\]; .*\['age', 'gen"),
        ({"user": {"age": "old"}}, r"user feature 'age' must be a number, got 'old'"),
        ({"user": {"language": {}}}, r"'language' must be a list of .*, got \{\}"),
        ({"user": {"gender": ["F"]}}, r"'gender' must be one value, got \['F'\]"),
        ({"user": "F"}, r"user must be a JSON object, got 'F'"),
        ({"query": "f1"}, r"query must be a list, got 'f1'"),
        ({"exclude": {"f1": 1}}, r"exclude must be a list, got \{'f1': 1\}"),
        ({"support": 3}, r"support must be a list, got 3"),
        ({"support": ["f1"]}, r"a support pair must have `label` and .*, got 'f1'"),
        ({"support": [{"label": 3}]}, r"must have `label` and `item_id` or `item_nam"),
        ({"support": [{"item_id": "f1"}]}, r"a support pair must have `label` and"),
        ({"support": [{"item_id": "f1", "label": "5 of 5"}]}, "a number, got '5 of 5'"),
        ({"support": [{"item_id": "f1", "label": None}]}, "a number, got None"),
        ({"support": [{"item_id": "f1", "label": math.nan}]}, "a number, got nan"),
        (
            {"support": [{"item_id": "f1", "label": 1e39}]},
            r"within \[1, 5\], got 1e\+39",
        ),
        ({"support": [{"item_id": "f1", "label": 10**400}]}, "a number, got 1000"),
        ({"support": [{"item_id": "f1", "label": 6}]}, r"within \[1, 5\], got 6"),
        ({"support": [{"item_id": None, "label": 3}]}, "item_id must be .*, got None"),
        ({"query": ["f1", ""]}, "item_id must be a text or a number, got ''"),
        ({"exclude": [["f1"]]}, r"item_id must be .*, got \['f1'\]"),
        (
            {"support": [{"item_name": "Film", "label": 3}]},
            "item_name must name one item, got 'Film', which names 0",
        ),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(model, request_, message):
    with pytest.raises(ValueError, match=message):
        model.answer(request_, 5)
