import numpy as np
import pytest

from pipeline.export.loaded_version import load_version
from pipeline.settings.scenario.exported_model import ExportedScenarioModel

CLICKS = [{"user_id": f"s{u}", "item_id": f"g{u % 4}"} for u in range(8)]
POOL = [f"g{i}" for i in range(24)]


@pytest.fixture(scope="module")
def model(scenario_experiment):
    return load_version(scenario_experiment.exported)


def test_a_user_is_recommended_what_their_taste_is(model):
    request = {"task_id": "new", "support": CLICKS, "user_id": "s1", "candidates": POOL}
    answer = model.answer(request, top=4)
    assert answer["task_id"] == "new"
    assert len(answer["recommended"]) == 4
    # Shopper 1 has taste 1, as goods 1, 5, 9 and so on.
    tastes = [int(item["item_id"][1:]) % 4 for item in answer["recommended"]]
    assert tastes.count(1) >= 3
    assert answer["recommended"][0]["item_name"].startswith("Good ")
    scores = [item["score"] for item in answer["recommended"]]
    assert scores == sorted(scores, reverse=True)


def test_what_is_recommended_is_what_ranks_first(model):
    ranked = model.answer({"support": CLICKS, "user_id": "s2", "query": POOL}, 5)
    shown = {"support": CLICKS, "user_id": "s2", "candidates": POOL}
    own = {c["item_id"] for c in CLICKS if c["user_id"] == "s2"}
    expected = [i for i in ranked["ranked"] if i["item_id"] not in own][:5]
    assert model.answer(shown, 5)["recommended"] == expected


def test_excluded_items_and_own_clicks_are_not_recommended(model):
    request = {"support": CLICKS, "user_id": "s1", "exclude": ["g5", "g9"]}
    found = {i["item_id"] for i in model.answer(request, 5)["recommended"]}
    # Shopper 1 has clicked good 1 in the support.
    assert not found & {"g1", "g5", "g9"}


def test_few_candidates_give_a_short_answer(model):
    request = {"support": CLICKS, "user_id": "s1", "candidates": ["g2", "nothing"]}
    answer = model.answer(request, 5)
    assert [item["item_id"] for item in answer["recommended"]] == ["g2"]
    assert answer["unknown_items"] == ["nothing"]


def test_unknown_users_are_named_beside_unknown_items(model):
    pairs = [{"user_id": "who", "item_id": "g1"}, {"user_id": "s1", "item_id": "what"}]
    request = {"support": pairs, "user_id": "nobody", "query": ["g2"]}
    answer = model.answer(request, 5)
    assert answer["unknown_users"] == ["nobody", "who"]
    assert answer["unknown_items"] == ["what"]
    assert list(model.answer({"support": CLICKS, "user_id": "s1"}, 5)) == [
        "recommended"
    ]


def test_nobody_is_named_where_users_are_tasks(model):
    manifest = model.manifest | {"task": "user"}
    of_users = ExportedScenarioModel(model.directory, manifest, model._runtime)
    of_users.validate({"support": [{"item_id": "g1"}]})
    with pytest.raises(ValueError, match=r"unknown keys \['user_id'\]"):
        of_users.validate({"support": [{"item_id": "g1"}], "user_id": "s1"})
    model.validate({"user_id": "s1"})  # The keys of other models stay.


def test_an_empty_support_set_and_an_unknown_user_get_an_answer(model):
    found = model.answer({"user_id": "nobody", "support": []}, 5)["recommended"]
    assert len(found) == 5
    assert np.isfinite([item["score"] for item in found]).all()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"support": []}, "must have `user_id`"),
        ({"user_id": "s1", "suport": []}, "unknown keys"),
        ({"user_id": "s1", "support": [{"item_id": "g1"}]}, "must have `user_id` and"),
        (
            {
                "user_id": "s1",
                "support": [{"user_id": "s", "item_id": "g", "label": 3}],
            },
            "label must be 1 for a click or 0, got 3",
        ),
        ({"user_id": [], "query": ["g1"]}, "user_id must be a text or a number"),
        ({"user_id": "s1", "candidates": []}, "candidates must name an item"),
        ({"user_id": True}, "user_id must be a text or a number, got True"),
    ],
)
def test_a_bad_request_is_named(model, request_, message):
    with pytest.raises(ValueError, match=message):
        model.answer(request_, 5)


def test_clicks_alone_are_explained_where_users_are_tasks(model, monkeypatch):
    labels = [{"label": 0}, {"label": 1}, {}]  # Without a label it is a click.
    assert [*map(model.is_explained, labels)] == [True, True, True]
    monkeypatch.setattr(model, "has_user_tasks", True)
    assert [*map(model.is_explained, labels)] == [False, True, True]
