import math
import warnings

import pytest

import cmml as api

RATED = [("f1", 5), ("f2", 1.5), ("f3", 4)]
CLICKED = [(f"s{user}", f"g{user % 4}") for user in range(8)]
POOL = [f"g{item}" for item in range(24)]


def item_ids(answer):
    return [item["item_id"] for item in answer]


def scores(answer):
    return {item["item_id"]: item["score"] for item in answer}


def test_the_items_of_the_highest_scores_are_recommended(model):
    best = model.recommend(RATED, k=3)
    assert len(best) == 3
    assert list(best[0]) == ["item_id", "item_name", "score"]
    assert not set(item_ids(best)) & {"f1", "f2", "f3"}
    values = list(scores(best).values())
    assert values == sorted(values, reverse=True)
    assert scores(model.rank(RATED, item_ids(best))) == pytest.approx(
        scores(best), abs=2e-4
    )


def test_items_can_be_left_out(model):
    exclude = [f"f{item}" for item in range(4, 13)]
    assert set(item_ids(model.recommend(RATED, exclude=exclude))) == {"f13", "f14"}


def test_no_more_than_the_export_holds_are_recommended(model):
    assert len(model.recommend(RATED, k=100)) == 5  # Its `top_k`.


def test_a_new_user_is_known_by_features_or_not_at_all(model):
    assert model.recommend()[0]["fallback_reason"] == "popularity"
    (known,) = model.recommend(user={"gender": "F", "language": ["en"]}, k=1)
    assert known["fallback_reason"] == "user_features"
    assert "fallback_reason" not in model.recommend(RATED, k=1)[0]


def test_true_is_no_rating_but_a_click(model, scenario_model):
    with pytest.raises(ValueError, match="label must be a number, got True"):
        model.rank([("f1", True)], ["f9"])
    clicked, said = (
        scenario_model.rank([(*CLICKED[0][:2], label)], POOL, user_id="s1")
        for label in (1, True)
    )
    assert said == clicked


def test_what_a_model_of_users_does_not_know_is_named(model):
    with pytest.warns(UserWarning, match="know items 'who', 'what'$") as caught:
        model.recommend([("who", 5), ("f1", 2), ("what", 1)])
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match=r"know items 'x0', .*'x4' and 3 more$"):
        model.rank([(f"x{number}", 5) for number in range(7)], ["f9", "x7"])
    with pytest.warns(UserWarning, match="know items 'who', 'what'$"):
        model.explain([("who", 5)], ["f9", "what"])
    user = {"gender": "x", "language": ["en", "tlh"]}
    named = "know items 'old'; gender 'x'; language 'tlh'$"
    with pytest.warns(UserWarning, match=named):
        model.recommend(user=user, exclude=["old"])


def test_what_a_model_of_scenarios_does_not_know_is_named(scenario_model):
    named = "know items 'what', 'zzz'; users 'nobody', 'who'$"
    with pytest.warns(UserWarning, match=named):
        scenario_model.rank([("who", "what")], ["zzz", "g1"], user_id="nobody")
    with pytest.warns(UserWarning, match="know items 'zzz'$"):
        assert not scenario_model.recommend(user_id="s1", candidates=["zzz"])


def test_nothing_is_said_where_all_is_known(model, scenario_model):
    with warnings.catch_warnings(action="error"):
        model.recommend(RATED, user={"gender": "F", "age": 31}, exclude=["f9"])
        model.explain(RATED, ["f9"])
        scenario_model.recommend(CLICKED, user_id="s1", candidates=POOL)


def test_a_known_user_of_a_scenario_without_clicks_is_said_to_be_one(scenario_model):
    (known,) = scenario_model.recommend(user_id="s1", k=1)
    assert known["fallback_reason"] == "known_user"
    (unknown,) = scenario_model.recommend(user_id="nobody", k=1)
    assert unknown["fallback_reason"] == "popularity"


def test_a_pair_that_comes_twice_counts_once(model, scenario_model):
    twice = [*RATED, RATED[0], {"item_name": "Film 1", "label": "5"}]
    assert model.recommend(twice) == model.recommend(RATED)
    assert model.explain(twice, ["f9"]) == model.explain(RATED, ["f9"])
    clicks = [*CLICKED, CLICKED[2]]
    asked = {"items": POOL, "user_id": "s1"}
    assert scenario_model.rank(clicks, **asked) == scenario_model.rank(CLICKED, **asked)


def test_every_form_of_a_support_set_gets_the_same_answer(model):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(RATED, columns=["item_id", "label"])
    by_name = [
        {"item_name": f"Film {n}", "label": label}
        for n, (_, label) in zip((1, 2, 3), RATED, strict=True)
    ]
    answer = model.rank(RATED, ["f9", "f4", "nobody knows it"])
    for support in (frame, by_name):
        assert model.rank(support, ["f9", "f4", "nobody knows it"]) == answer
    assert pandas.DataFrame(answer).shape == (3, 3)


def test_an_attribution_is_the_score_less_that_without_the_pair(model):
    rows = model.explain(RATED, ["f9", "f8"])
    assert len(rows) == 6
    whole = scores(model.rank(RATED, ["f9", "f8"]))
    assert list(scores(rows)) == list(whole)  # Best first.
    for row in rows:
        others = [pair for pair in RATED if pair[0] != row["support_item_id"]]
        without = scores(model.rank(others, [row["item_id"]]))[row["item_id"]]
        assert row["attribution"] == pytest.approx(row["score"] - without, abs=3e-4)
    assert rows[1] | {"attribution": 0, "score": 0} == {
        "item_id": rows[0]["item_id"],
        "item_name": rows[0]["item_name"],
        "score": 0,
        "support_item_id": "f2",
        "support_item_name": "Film 2",
        "support_label": 1.5,
        "attribution": 0,
    }
    assert model.explain([], ["f9"]) == []


def test_rank_and_explain_call_an_item_and_a_user_alike(
    model, scenario_model, monkeypatch
):
    monkeypatch.setitem(model._exported.manifest, "normalize_ids", True)
    rows = model.explain(RATED[:1], ["F9"]) + model.rank(RATED[:1], ["F9"])
    called = [(row["item_id"], row["item_name"]) for row in rows]
    assert called == [("f9", "Film 9")] * 2
    with pytest.warns(UserWarning, match="users '31'"):
        (row,) = scenario_model.explain([(31.0, " g1 ")], ["g5"], user_id="s1")
    assert (row["support_user_id"], row["support_item_id"]) == ("31", "g1")


def test_scenarios_are_asked_for_a_user(scenario_model):
    best = scenario_model.recommend(CLICKED, user_id="s1", k=4, candidates=POOL)
    # Shopper 1 has taste 1, as goods 1, 5, 9 and so on.
    assert [int(one[1:]) % 4 for one in item_ids(best)].count(1) >= 3
    ranked = scenario_model.rank(CLICKED, ["g5", "g6"], user_id="s1")
    assert item_ids(ranked) == ["g5", "g6"]
    rows = scenario_model.explain(CLICKED, ["g5"], user_id="s1")
    assert [row["support_user_id"] for row in rows] == [user for user, _ in CLICKED]
    assert {row["support_label"] for row in rows} == {1.0}
    assert all(math.isfinite(row["attribution"]) for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"support": [("f1", 9)]}, r"label must be within \[1, 5\], got 9"),
        ({"support": [("f1", "x")]}, "label must be a number, got 'x'"),
        ({"support": [(None, 5)]}, "item_id must be a text or a number, got None"),
        ({"support": [{"item": "f1", "label": 5}]}, "must have `label` and `item_id`"),
        ({"support": [*RATED, ("f2", 4)]}, "one label, got 1.5 and 4 for item 'f2'"),
        ({"support": [("f1", 5)] * 1001}, "support must hold at most 1000 .* got 1001"),
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"k": 2.5}, "k must be a whole number of at least 1, got 2.5"),
        ({"k": True}, "k must be a whole number of at least 1, got True"),
        ({"exclude": "f1"}, "exclude must be a list of item ids, got 'f1'"),
        ({"exclude": range(10_001)}, "exclude must hold at most 10000 .* got 10001"),
        ({"user": {"sex": "F"}}, r"unknown user features \['sex'\]; the model knows"),
        ({"user": {"age": "old"}}, "user feature 'age' must be a number, got 'old'"),
        ({"user": "F"}, "user must be a dict of features, got 'F'"),
        ({"user_id": "s1"}, "a model of setting 'user' takes no user_id, got 's1'"),
        ({"candidates": ["f1"]}, r"takes no candidates, got \['f1'\]"),
    ],
)
def test_what_cannot_be_answered_says_why(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model.recommend(**{"support": RATED} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user_id": None}, "a request must have `user_id`"),
        ({"user": {"age": 3}}, "setting 'scenario' takes no user, got {'age': 3}"),
        ({"candidates": []}, "candidates must name an item"),
        ({"support": [("s1", "g1", 2)]}, "label must be 1 for a click or 0, got 2"),
        (
            {"support": [("s1", "g1"), ("s1", "g1", 0)]},
            "must have one label, got 1 and 0 for user 's1' and item 'g1'",
        ),
        (
            {"support": [("g1",)]},
            r"a tuple \(user_id, item_id\[, label\]\), got \('g1',\)",
        ),
    ],
)
def test_what_a_scenario_cannot_be_asked_says_why(scenario_model, arguments, message):
    with pytest.raises(ValueError, match=message):
        scenario_model.recommend(**{"support": CLICKED, "user_id": "s1"} | arguments)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], r"items must hold an item id, got \[\]"),
        ("f1", "items must be a list of item ids, got 'f1'"),
        (["f1", None], "item_id must be a text or a number, got None"),
    ],
)
def test_items_that_cannot_be_scored_are_named(model, items, message):
    for ask in (model.rank, model.explain):
        with pytest.raises(ValueError, match=message):
            ask(RATED, items)


def test_what_is_too_much_to_explain_is_refused(model):
    with pytest.raises(ValueError, match=r"items must hold at most 128 .*, got 129"):
        model.explain(RATED, ["f1"] * 129)
    with pytest.raises(ValueError, match=r"support must hold .* 128 .*, got 129"):
        model.explain([("f1", 5)] * 129, ["f1"])


def test_a_model_is_opened_by_its_folder_or_its_project(model, experiment, tmp_path):
    assert model.directory == experiment.exported
    assert repr(model) == f"Model({str(experiment.exported)!r})"
    assert model.item_names["f9"] == "Film 9"
    newest = api.open_model(str(experiment.exported.parent))
    assert newest.directory == experiment.exported
    with pytest.raises(ValueError, match=r"holds no exported model: run `cmml export`"):
        api.open_model(tmp_path)
    other = api.load(experiment.config_path, {"model.dropout": 0.125})
    with pytest.raises(ValueError, match="no exported model of this configuration"):
        api.open_model(other)
