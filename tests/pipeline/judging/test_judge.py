"""A method judged on the two small experiments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pairs import clicked_pairs, rated_pairs

from models.legacy_keras import tf
from pipeline.judging.judge import judge, score_flags, validation_worth
from pipeline.settings.registry import load_experiment, setting_of

LABELS = [[1.0, 3.0, 5.0], [2.0, 4.0]]


class OneForAll:
    """Scores every pair with 3."""

    def adapt(self, support):
        return ()

    def score(self, state, query):
        return 3.0 + tf.zeros_like(query["query_item"], tf.float32)


@pytest.fixture(params=["experiment", "scenario_experiment"])
def trial(request):
    """Configuration and data of each setting."""
    made = request.getfixturevalue(request.param)
    config = load_experiment(made.config_path)
    return config, setting_of(config).load(config, made.dataset_dir)


def test_worth_is_the_first_metric_on_meta_validation_higher_better(trial):
    config, data = trial
    setting = setting_of(config)
    main = setting.groups(config, data, "meta_validation")[0]
    assert main.split == "meta_validation"
    pairs = setting.scorer(OneForAll(), config, data)(main)
    metric = setting.metrics[0]
    mean = np.nanmean(setting.by_task(pairs)[metric.name])
    worth = validation_worth(OneForAll(), config, data)
    assert worth == pytest.approx(mean if metric.higher_is_better else -mean)


def test_a_method_is_judged_on_every_group_and_its_parts(trial):
    config, data = trial
    setting = setting_of(config)
    metrics, flags = judge(OneForAll(), config, data, "meta_test")
    groups = [one.group for one in setting.groups(config, data, "meta_test")]
    parts = {
        "user": ["pairs/warm", "pairs/new_item", "pairs/new_user", "pairs/both_new"],
        "scenario": [],  # One domain alone is not parted.
    }
    assert list(metrics) == [*groups, *parts[config.setting]]
    names = [metric.name for metric in setting.metrics]
    for by_metric in metrics.values():
        assert sorted(by_metric) == sorted(names)
    assert flags == ("constant",)
    # A constant knows no support set, and the few shoppers are asked about anyway.
    first = setting.metrics[0].name
    for group in groups:
        if "support" in group:
            own = group.partition("/")[0]
            np.testing.assert_allclose(metrics[group][first], metrics[own][first])


def flags(labels, scores):
    return score_flags(rated_pairs(labels, scores))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([[2.0, 1.0, 4.0], [3.0, 2.0]], ()),
        ([[3.0, 3.0, 3.0], [3.0, 3.0]], ("constant",)),
        ([[3.0, 3.0, 3.0], [2.0, 2.0]], ("constant within tasks",)),
        (LABELS, ("perfect",)),
        # A ranking without a fault.
        ([[-1.0, 7.0, 8.0], [-3.0, -2.0]], ("perfect",)),
        # One fault, and one tie.
        ([[0, 2, 1], [1, 2]], ()),
        ([[0, 1, 1], [1, 2]], ()),
    ],
)
def test_rated_pairs_are_looked_at_for_ties_and_perfection(scores, expected):
    assert flags(LABELS, scores) == expected


def test_what_is_equal_depends_on_the_range_of_the_labels():
    scores = [[0.0, 1e-5, 0.0], [0.0, 0.0]]
    # Labels range over 4: scores within 4e-6 count as equal; over 40, within 4e-5.
    assert flags(LABELS, scores) == ()
    assert flags([[10 * x for x in own] for own in LABELS], scores) == ("constant",)


def test_ones_in_front_are_perfect_in_whatever_order():
    assert flags([[1.0, 0.0, 1.0, 0.0]], [[5, 1, 4, 2]]) == ("perfect",)


def test_a_task_whose_labels_are_equal_proves_no_ranking():
    assert flags([[1.0, 1.0]], [[3.0, 2.0]]) == ()


def test_a_task_without_pairs_changes_nothing():
    assert flags([*LABELS, []], [[3, 3, 3], [3, 3], []]) == ("constant",)
    assert flags([[]], [[]]) == ()


@given(st.lists(st.integers(0, 4), min_size=6, max_size=6), st.permutations(range(6)))
@settings(deadline=None, max_examples=30)
def test_the_order_of_pairs_does_not_matter(scores, order):
    labels = [[1.0, 2.0, 3.0], [2.0, 2.0, 5.0]]
    pairs = rated_pairs(labels, [scores[:3], scores[3:]])
    assert score_flags(pairs.select(np.array(order))) == score_flags(pairs)


def test_clicks_in_front_of_all_else_are_perfect():
    # User 1 of scenario 0 has two clicks on ranks 1 and 2, user 2 one on rank 1.
    clicks = [(0, 1, 2), (0, 1, 1), (0, 2, 1), (1, 1, 1)]
    assert score_flags(clicked_pairs(*clicks)) == ("perfect",)
    # Users are told apart by scenario: user 1 has one click in scenario 1.
    assert score_flags(clicked_pairs(*clicks[:3], (1, 1, 2))) == ()


def test_one_score_for_all_clicks_is_constant():
    clicks = [(0, 1, 3, 0.5), (0, 2, 7, 0.5)]
    assert score_flags(clicked_pairs(*clicks)) == ("constant",)
    # Within a millionth of the largest score, and beyond.
    near = [(0, 1, 3, 1e6), (0, 2, 7, 1e6 + 0.5)]
    assert score_flags(clicked_pairs(*near)) == ("constant",)
    assert score_flags(clicked_pairs((0, 1, 3, 0.5), (0, 2, 7, 0.6))) == ()
