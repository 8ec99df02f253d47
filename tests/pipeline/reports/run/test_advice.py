import dataclasses
import operator
import re
from collections import Counter

import numpy as np
import pytest

from models.evaluation.intervals import Interval
from models.options import CMMLOptions, ScenarioOptions
from pipeline.reports.run.advice import advice
from pipeline.settings.registry import load_experiment
from transforms.row_counts import RowCounts

MODEL = CMMLOptions(
    dropout=0.2, encoder="gru", hybrid="dot", encoder_dim=128, embeddings="both"
)


def rows_of(rated, spread, *, cmml=0.5, knn=0.6, none=0.9, other=0.9, first=0.95):
    """A run in which nothing stands out, but for what is changed."""
    return {
        "cmml": {
            "cold": rated(cmml + spread, 8),
            "cold/support_0": rated(none + spread, 0),
            "cold/other_support": rated(other + spread, 8),
        },
        "knn": {
            "cold": rated(knn + spread, 8),
            "cold/support_0": rated(first + spread, 0),
        },
    }


@pytest.fixture
def quiet_data(data):
    """A data set in which every item has been seen."""
    split = dataclasses.replace(data.splits[1], num_new_item_pairs=0)
    return dataclasses.replace(data, splits=[split])


def told(findings, quiet_data, model=MODEL, **changes):
    calm = dataclasses.replace(
        findings.calibration,
        bias=Interval(0.0, -0.1, 0.1),
        slope=Interval(1.0, 0.9, 1.1),
    )
    changes = {"calibration": calm, "data": quiet_data, **changes}
    return advice(dataclasses.replace(findings, **changes), model)


def test_nothing_is_made_up(rated, make_findings, quiet_data, spread):
    found = make_findings(rows_of(rated, spread))
    assert told(found, quiet_data) == [
        "Nothing stands out: no rule on these figures applies."
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"none": 0.4, "first": 0.45},
            "own support set does harm against none (+0.1000",
        ),
        (
            {"other": 0.4},
            "support set of another task does as well as the own one (+0.1",
        ),
        ({"first": 0.8}, "With no support pair knn is better (cmml less it +0.1000"),
        ({"knn": 0.4}, "knn is better (cmml less it +0.1000"),
        ({"knn": 0.502}, "cmml less knn is only -0.0020 [-0.0020, -0.0020], 0.4%"),
    ],
)
def test_each_rule_tells_its_figure(
    rated, make_findings, quiet_data, spread, changes, sentence
):
    found = make_findings(rows_of(rated, spread, **changes))
    assert sentence in " ".join(told(found, quiet_data))


def test_a_context_that_is_worth_nothing_is_told(
    rated, make_findings, quiet_data, spread
):
    rows = rows_of(rated, spread, other=0.5)
    rows["cmml"]["cold/support_0"] = rated(0.5 + spread[::-1], 0)
    (sentence,) = told(make_findings(rows), quiet_data)
    assert "worth nothing beyond chance" in sentence
    assert "model.encoder=mean or model.dropout above 0.2" in sentence


def test_a_context_that_is_worth_more_than_that_of_others_is_not_worth_nothing(
    rated, make_findings, quiet_data, spread
):
    rows = rows_of(rated, spread)
    rows["cmml"]["cold/support_0"] = rated(0.5 + spread[::-1], 0)
    (sentence,) = told(make_findings(rows), quiet_data)
    assert "no more than none" in sentence
    # 0.5 less 0.9 of another task.
    assert "more than that of another task (-0.4000 [-0.4000, -0.4000])" in sentence
    assert "model.prior" not in sentence


def little_margin(rated, make_findings, spread, baseline, prior):
    """A run that is hardly better than a baseline, beside the prior of its model."""
    rows = rows_of(rated, spread, knn=0.502)
    rows[baseline] = rows.pop("knn")
    rows["closed_form"] = {"cold": rated(prior + spread, 8)}
    return make_findings(rows)


FACTORS = "both know the same factors, to which the modulation adds little"


@pytest.mark.parametrize(
    ("baseline", "prior", "model", "advised"),
    [
        ("als", 0.5, {}, True),
        ("als", 0.6, {}, False),  # Context and backbone add 0.1.
        ("bias_ridge", 0.5, {}, False),  # It has no factors.
        ("als", 0.5, {"prior_full_rank_items": 20}, False),  # There are 20 items.
        ("als", 0.5, {"prior": "constant"}, False),
    ],
)
def test_better_factors_are_advised_where_both_have_them_and_little_else_helps(
    rated, make_findings, quiet_data, spread, baseline, prior, model, advised
):
    model = dataclasses.replace(MODEL, **{"prior_full_rank_items": 19, **model})
    found = little_margin(rated, make_findings, spread, baseline, prior)
    (sentence,) = told(found, quiet_data, model)
    assert f"cmml less {baseline} is only -0.0020" in sentence
    assert (FACTORS in sentence) == advised
    assert ("(model.prior_rank)" in sentence) == advised
    assert sentence.endswith("cmml tune tells whether other keys make more of it.")


def test_dropout_is_advised_where_there_is_something_to_drop(
    rated, make_findings, quiet_data, spread
):
    rows = rows_of(rated, spread, knn=0.4, none=0.4, first=0.45)
    found = make_findings(rows, course=[epoch(6, 6, 0.4)])
    slope = dataclasses.replace(found.calibration, slope=Interval(0.8, 0.7, 0.85))
    changes = {"calibration": slope}
    assert " ".join(told(found, quiet_data, **changes)).count("model.dropout") == 4
    fixed = dataclasses.replace(MODEL, embeddings="fixed")
    sentences = " ".join(told(found, quiet_data, fixed, **changes))
    assert "dropout" not in sentences
    assert "Try smaller model.hidden_dims." in sentences


def few(pairs, num_tasks):
    return pairs.of_tasks(np.arange(pairs.num_tasks) < num_tasks)


@pytest.mark.parametrize("changes", [{"none": 0.5}, {"other": 0.4}, {"knn": 0.502}])
def test_few_tasks_are_the_advice_in_place_of_what_they_cannot_tell(
    rated, make_findings, quiet_data, spread, changes
):
    rows = {
        method: {group: few(pairs, 2) for group, pairs in of_method.items()}
        for method, of_method in rows_of(rated, spread, **changes).items()
    }
    found = make_findings(rows, course=[epoch(10, 10)])
    sentence, training = told(found, quiet_data)
    assert sentence == (
        "Only 2 tasks were judged, and fewer than 6 tell nothing: set another "
        "data.split.seed or other fractions in data.split, or name them in a file, "
        "data.split.path."
    )
    options = {"split": {"path": "mine.json"}}
    info = dataclasses.replace(quiet_data.info, options=options)
    named = dataclasses.replace(quiet_data, info=info)
    sentence, _ = told(found, named)
    assert sentence.endswith(
        "nothing: name more of them in data.split.path, mine.json."
    )
    assert training.startswith("The best epoch was the last one")


def test_support_sets_exchanged_in_few_tasks_are_no_ground_for_advice(
    rated, make_findings, quiet_data, spread
):
    rows = rows_of(rated, spread, other=0.4)
    rows["cmml"]["cold/other_support"] = few(rows["cmml"]["cold/other_support"], 5)
    (sentence,) = told(make_findings(rows), quiet_data)
    assert sentence.startswith("Nothing stands out")


def test_what_the_model_has_already_is_not_advised(
    rated, make_findings, quiet_data, spread
):
    found = make_findings(rows_of(rated, spread, none=0.4, first=0.45))
    mean = dataclasses.replace(MODEL, encoder="mean", modulation="sigmoid")
    assert "encoder=mean" not in advice(found, mean)[0]
    assert "modulation=sigmoid" not in advice(found, mean)[0]


def epoch(number, best, train=0.5):
    return {"epoch": number, "best_epoch": best, "mae": train, "val_mae": 0.5}


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        ([epoch(10, 10)], "The best epoch was the last one, 10 of 10: raise"),
        ([epoch(9, 2)], "The best epoch was epoch 2 of 10: try a lower"),
        ([epoch(4, 0)], "No epoch was better on meta-validation than the start, the"),
        ([epoch(6, 6, 0.4)], "mae of meta-train is 0.4000 at the best epoch, that of"),
    ],
)
def test_the_training_is_judged_by_its_epochs(
    rated, make_findings, quiet_data, spread, course, sentence
):
    found = make_findings(rows_of(rated, spread), course=course)
    (said,) = told(found, quiet_data)
    assert sentence in said


def test_what_presumes_a_trained_network_is_not_advised_where_the_start_is_kept(
    rated, make_findings, quiet_data, spread
):
    rows = rows_of(rated, spread, none=0.4, other=0.4, first=0.3)
    found = make_findings(rows, course=[epoch(4, 0)])
    sloped = dataclasses.replace(
        found.calibration,
        bias=Interval(0.0, -0.1, 0.1),
        slope=Interval(0.8, 0.7, 0.85),
    )
    few, start = told(found, quiet_data, calibration=sloped)
    assert few == (
        "With no support pair knn is better (cmml less it +0.1000 [+0.1000, +0.1000]): "
        "answer with knn until there are more."
    )
    assert start.startswith("No epoch was better on meta-validation than the start")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            0.5081,
            "by enough (val_mae of epoch 1 is 0.5081, that of the start 0.5000, and "
            "the difference had to be more than 0.0090), which is kept",
        ),
        (0.4, "than the start, the closed form, which is kept"),
    ],
)
def test_a_better_epoch_that_was_not_taken_is_told_with_the_margin(
    rated, make_findings, quiet_data, spread, value, words
):
    better = epoch(1, 0) | {"val_mae": value, "val_mae_margin": 0.009}
    found = make_findings(rows_of(rated, spread), course=[epoch(0, 0), better])
    (said,) = told(found, quiet_data)
    assert words in said


def test_predictions_are_judged_by_slope_and_bias(
    rated, make_findings, quiet_data, spread
):
    found = make_findings(rows_of(rated, spread))
    off = dataclasses.replace(
        found.calibration,
        bias=Interval(0.2, 0.1, 0.3),
        slope=Interval(0.8, 0.7, 0.85),
    )
    slope, bias = told(found, quiet_data, calibration=off)
    assert "too far apart" in slope
    assert "slope 0.80 [0.70, 0.85]. Try model.dropout above 0.2." in slope
    assert "off by +0.2000 [+0.1000, +0.3000] on average" in bias


def test_new_items_and_refused_rows_are_told(rated, make_findings, data, spread):
    found = make_findings(rows_of(rated, spread))
    tables = {
        "interactions": RowCounts(read=2000, used=1987, refused=Counter(malformed=13)),
        "items": RowCounts(read=500, used=500),
    }
    info = dataclasses.replace(data.info, tables=tables)
    new, refused = told(found, dataclasses.replace(data, info=info))
    assert new.startswith("5.0% of the query pairs are on items")  # 10 of 200.
    assert refused.startswith(
        "13 of the 2,500 rows of all tables were refused: look at"
    )


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (MODEL, "movielens_small"),
        (ScenarioOptions(), "lastfm_scenario"),
        (ScenarioOptions(), "own_user_clicks"),
    ],
)
def test_what_is_advised_are_keys_of_the_setting(
    rated, clicked, make_findings, model, config
):
    is_rated = model is MODEL
    own = ["cold"] if is_rated else ["scenario_mean", "scenario_mean/own_support"]
    pairs = rated if is_rated else clicked

    def rows(none, full):
        few = {f"{own[0]}/support_0": pairs(none, 0)}
        return few | dict.fromkeys(own, pairs(full, 40))

    losing = (
        {"cmml": rows(0.9, 0.5), "knn": rows(0.8, 0.4)}
        if is_rated
        else {"cmml": rows(1, 3), "knn": rows(2, 4)}
    )
    found = make_findings(losing, course=[epoch(10, 10)])
    found = dataclasses.replace(found, popularity=found.support * 2)
    text = " ".join(advice(found, model))
    keys = set(re.findall(r"\b(?:data|model|training|vectors)(?:\.[a-z_]+)+", text))
    assert {key.partition(".")[0] for key in keys} >= {"model", "training"}
    assert ("features" in text) == is_rated  # Items of clicks have none.
    values = load_experiment(f"configs/{config}.yaml")
    for key in keys:
        operator.attrgetter(key)(values)


def test_items_that_a_baseline_knows_better_are_told(
    rated, make_findings, quiet_data, spread
):
    rows = rows_of(rated, spread)
    own = rows["cmml"]["cold"]
    rare = np.isin(own.item, [2, 3])  # Seen twice.
    score = np.where(rare, own.score + 1.0, own.score)
    rows["cmml"]["cold"] = dataclasses.replace(own, score=score)
    found = make_findings(rows)
    few = [each for each in found.popularity if each.label == "1-2"]
    assert few[0].num_tasks == 10  # Too few to claim anything.
    assert not any("On items" in each for each in told(found, quiet_data))
    many = dataclasses.replace(few[0], num_tasks=20)
    said = told(found, quiet_data, popularity=[many, *found.popularity])
    assert "On items with 1-2 interactions knn is better (cmml less it +" in " ".join(
        said
    )
    often = dataclasses.replace(many, label="300-999")
    said = told(found, quiet_data, popularity=[often, *found.popularity])
    assert not any("On items" in each for each in said)
