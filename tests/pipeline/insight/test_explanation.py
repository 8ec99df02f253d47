import dataclasses

import numpy as np
import pytest
from page_reader import read

from pipeline.export.loaded_version import load_version
from pipeline.insight.explanation import Explainer, Explanation
from pipeline.reports.insight.explanation import (
    as_text,
    compared,
    explanation_page,
    reasons,
    strongest_pairs,
    verdict,
)
from transforms.schema import DataError

EVIL = "<b>$a$"

SUPPORT = [{"item_id": f"f{n}", "label": n} for n in (1, 3, 5)]
REQUEST = {"task_id": "Ada", "support": SUPPORT, "user": {"age": 30}}
ROUTES = {"routes_0": np.full([2, 2], 0.5), "routes_1": np.array([0.25, 0.75])}


@pytest.fixture(scope="module")
def explainer(experiment):
    return Explainer(experiment.exported)


@pytest.fixture
def found():
    """Two items and three pairs, of which the second counts most."""
    return Explanation(
        task=f"user {EVIL}",
        pairs=["5 for A", f"1 for {EVIL}", "3 for C"],
        items=["X", f"Y {EVIL}"],
        scores=np.array([4.0, 3.5], np.float32),
        attribution=np.array([[0.1, -0.4, 0.0], [0.05, 0.3, -0.01]], np.float32),
        modulation=ROUTES,
    )


def test_an_effect_is_the_score_less_that_without_the_pair(explainer, experiment):
    items = ["f7", "f8"]
    found = explainer.explain(REQUEST, items)
    model = load_version(experiment.exported)

    def scores(support):
        answer = model.answer(REQUEST | {"support": support, "query": items}, 2)
        return {item["item_name"]: item["score"] for item in answer["ranked"]}

    whole = scores(SUPPORT)
    assert found.pairs == ["1 for Film 1", "3 for Film 3", "5 for Film 5"]
    assert list(found.items) == list(whole)  # Best first.
    for pair in range(3):
        others = scores(SUPPORT[:pair] + SUPPORT[pair + 1 :])
        for item, effect in zip(found.items, found.attribution[:, pair], strict=True):
            assert effect == pytest.approx(whole[item] - others[item], abs=2e-4)


def test_what_is_recommended_is_explained_unless_a_query_asks(explainer, monkeypatch):
    chosen = explainer.choose(REQUEST, 3)
    assert len(chosen) == 3
    assert not {"f1", "f3", "f5"} & set(chosen)
    assert explainer.choose(REQUEST | {"query": ["f1", " f2"]}, 9) == ["f1", "f2"]
    # Ids are read as preparation reads them.
    assert explainer.choose(REQUEST | {"query": [31.0]}, 9) == ["31"]
    with monkeypatch.context() as patch:
        patch.setitem(explainer._model.manifest, "normalize_ids", True)
        chosen = explainer.choose(REQUEST | {"query": ["F1"]}, 9)
        assert explainer.explain(REQUEST, chosen).items == ["Film 1"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("f1", "task 'Ada': query must be a list, got 'f1'"),
        ([None], "task 'Ada': item_id must be a text or a number, got None"),
    ],
)
def test_a_query_that_cannot_be_read_is_named(explainer, query, message):
    with pytest.raises(DataError, match=message):
        explainer.choose(REQUEST | {"query": query}, 9)


def test_modulation_has_the_values_of_the_model(explainer):
    values = explainer.explain(REQUEST, ["f7"]).modulation
    shapes = {name: value.shape for name, value in values.items()}
    assert shapes == {
        f"{kind}_{layer}": (16,) for layer in (0, 1) for kind in ("scale", "shift")
    }


def test_a_task_without_support_owes_nothing(explainer):
    found = explainer.explain(REQUEST | {"support": []}, ["f7"])
    assert found.attribution.shape == (1, 0)
    assert "no support pair" in as_text(found)
    assert "no support pair" in explanation_page(found, {"Ada": found.modulation}, "c")


def test_scenarios_are_explained_for_a_user(scenario_experiment):
    explainer = Explainer(scenario_experiment.exported)
    pairs = [{"user_id": "s1", "item_id": "g1"}, {"user_id": "s2", "item_id": "g2"}]
    pairs[1]["label"] = 0
    request = {"task_id": "new", "user_id": "s5", "support": pairs}
    found = explainer.explain(request, ["g7", "g8"])
    assert found.pairs == ["user s1 clicked Good 1", "user s2 did not click Good 2"]
    assert found.task == "user s5 in scenario new"
    other = explainer.explain(request, ["g7", "g8"], user_id="s6")
    assert (found.scores != other.scores).any()


def test_negatives_of_users_who_are_tasks_are_not_explained(
    scenario_experiment, monkeypatch
):
    explainer = Explainer(scenario_experiment.exported)
    pairs = [
        {"user_id": user, "item_id": item, "label": label}
        for user, item, label in (("s1", "g1", 0), ("s2", "g2", 1), ("s3", "g3", 0))
    ]
    request = {"task_id": "new", "user_id": "s5", "support": pairs}
    whole = explainer.explain(request, ["g7", "g8"])
    assert (len(whole.pairs), whole.num_negatives) == (3, 0)
    is_click = lambda pair: pair["label"] == 1  # noqa: E731
    monkeypatch.setattr(explainer._model, "is_explained", is_click)
    found = explainer.explain(request, ["g7", "g8"])
    assert (found.pairs, found.num_negatives) == (["user s2 clicked Good 2"], 2)
    np.testing.assert_array_equal(found.attribution, whole.attribution[:, [1]])
    np.testing.assert_array_equal(found.scores, whole.scores)
    head = "user s5 in scenario new, 1 support pair beside 2 sampled negatives"
    assert as_text(found).startswith(head)
    assert head.partition(", ")[2] in explanation_page(found, {"a": ROUTES}, "c")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"support": SUPPORT * 43},
            "task 'Ada': support must hold at most 128 pairs to be explained, got 129",
        ),
        ({"support": [{"item_id": "f1"}]}, "task 'Ada': a support pair must have"),
        ({"support": "f1"}, "task 'Ada': support must be a list, got 'f1'"),
        ({"odd": 1}, r"task 'Ada': unknown keys \['odd'\]"),
    ],
)
def test_a_request_that_cannot_be_explained_is_named(explainer, changes, message):
    with pytest.raises(DataError, match=message):
        explainer.explain(REQUEST | changes, ["f7"])


def test_reasons_are_the_largest_of_each_sign():
    assert reasons(np.array([0.1, -0.4, 0.0, 0.3, 0.2, -0.1])) == [3, 4, 1, 5]
    assert reasons(np.array([0.0, 4e-4, -4e-4])) == []


def test_the_verdict_names_the_pair_that_counts_most(found):
    first, second = verdict(found)
    # |-0.4| and |0.3|: 0.35 on average; all six: 0.86 / 6.
    assert first.startswith(f'"1 for {EVIL}" counts most')
    assert (
        "change by 0.350 on average, without a pair taken at random by 0.143" in first
    )
    assert f'-0.400, of "X" by "1 for {EVIL}"' in second
    assert strongest_pairs(found).tolist() == [1, 0, 2]


def test_the_verdict_names_no_pair_where_none_counts(found):
    even = dataclasses.replace(found, attribution=np.full([2, 3], -4e-4, np.float32))
    (only,) = verdict(even)
    assert only == "No support pair counts: without any one of them no score changes."


def test_a_single_pair_is_not_held_against_others(found):
    one = {"pairs": found.pairs[:1], "attribution": found.attribution[:, :1]}
    first, _ = verdict(dataclasses.replace(found, **one))
    assert first.endswith("scores change by 0.075 on average.")  # (0.1 + 0.05) / 2.


def test_a_page_of_no_effects_has_no_figure_and_no_table_of_them(found):
    even = dataclasses.replace(found, attribution=np.zeros([2, 3], np.float32))
    text = read(explanation_page(even, {"a": ROUTES}, "c")).text
    assert "No support pair counts" in text
    for absent in ("raised by", "raise each score", "Attribution", "mean change"):
        assert absent not in text


def test_untrained_networks_are_said_to_be_and_not_compared(found):
    untrained = dataclasses.replace(found, is_untrained=True)
    assert "untrained networks" in as_text(untrained)
    groups = {"a": ROUTES, "b": {name: value / 2.0 for name, value in ROUTES.items()}}
    text = read(explanation_page(untrained, groups, "c")).text
    assert text.count("untrained networks") == 2  # In the verdict, and by the figure.
    assert "differ most" not in text
    assert "untrained" not in read(explanation_page(found, groups, "c")).text


def test_what_is_cut_of_a_long_pair_is_its_middle(found):
    pair = "user 100560 did not click Article of no. 280"
    long = dataclasses.replace(found, pairs=[pair, *found.pairs[1:]])
    text = read(explanation_page(long, {"a": ROUTES}, "c")).text
    assert "user 100560 did n … rticle of no. 280" in text


def test_two_tasks_are_compared_where_they_differ_most():
    other = {**ROUTES, "routes_0": np.array([[0.5, 0.5], [0.2, 0.7]])}
    told = compared(ROUTES, other, ["a", "b"])
    # Differences 0, 0, 0.3 and -0.2.
    assert told == (
        "a and b differ most in the routes of layer 1: by 0.125 on average, and by "
        "+0.300 at module 2 to 1."
    )


def test_the_page_stands_alone_and_escapes_what_it_shows(found):
    other = {name: value[::-1] / 2.0 for name, value in ROUTES.items()}
    groups = {EVIL: ROUTES, "b": other}
    page = explanation_page(found, groups, "cmml explain")
    reader = read(page)
    assert EVIL not in page
    assert "://" not in page
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.tags.count("svg") == 3  # Attribution, routes, heat maps.
    assert "first less second: routes" in reader.text
    assert f"1 for {EVIL} (+0.300)" in reader.text
    lonely = read(explanation_page(found, {"a": ROUTES}, "c"))
    assert "first less second" not in lonely.text


@pytest.mark.parametrize(
    ("values", "is_told"),
    [({"scale_0": np.full(3, 0.5)}, True), (ROUTES, False)],
)
def test_white_is_told_of_scales_and_shifts_alone(found, values, is_told):
    page = read(explanation_page(found, {"a": values}, "c"))
    assert ("White is no change" in page.text) == is_told
