import numpy as np
import pytest

from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from pipeline.judging.beside_baselines import beside_baselines, best_baseline
from pipeline.judging.evaluation import Evaluation
from pipeline.judging.statistics import p_of_interval

MAE = Metric("mae", unit="stars", higher_is_better=False)
NDCG = Metric("ndcg@1")
HIDDEN = Metric("ndcg@9", in_tables=False)
COVERAGE = Metric("coverage@80", target=0.8)
METRICS = [MAE, NDCG, HIDDEN, COVERAGE]

COLD = Shown("cold", "meta_test", 4, 4)
GROUPS = [COLD, COLD.few(2), COLD.few(0)]
NO_PAIRS, TWO_PAIRS = "cold/support_0", "cold/support_2"
NOISE = np.array([-1.0, 1.0] * 10)  # Of mean 0 over 20 tasks.


def values(mae, ndcg=0.5):
    """All metrics of 20 tasks, each the same in every task or given one by one."""
    by_metric = {"mae": mae, "ndcg@1": ndcg, "ndcg@9": 0.0, "coverage@80": 1.0}
    return {k: np.broadcast_to(v, 20).astype(float) for k, v in by_metric.items()}


def judge(by_task, metrics=METRICS, groups=GROUPS):
    evaluation = Evaluation(metrics, groups, "mean", by_task, 0, 200)
    summary, differences = evaluation.intervals(), evaluation.differences()
    return beside_baselines(metrics, groups, summary, differences)


def of_cold_users(all_pairs, none=0.5, two=0.5):
    """CMML, with a mae of 0.5 wherever nothing else is said, and two baselines."""
    ridge = {"cold": values(0.7, 0.4), TWO_PAIRS: values(0.8), NO_PAIRS: values(1.0)}
    mean = {"cold": values(0.9, 0.3), TWO_PAIRS: values(0.9), NO_PAIRS: values(0.9)}
    cmml = {"cold": all_pairs, TWO_PAIRS: values(two), NO_PAIRS: values(none)}
    return {"cmml": cmml, "mean": mean, "ridge": ridge}


def as_rows(comparisons):
    return [
        (
            *(one.metric.name, one.size, one.baseline),
            *(round(one.difference.mean, 6), one.standing),
        )
        for one in comparisons
    ]


def test_better_by_every_metric_at_every_size_is_better():
    beside = judge(of_cold_users(values(0.5, 0.6)))
    # The best baseline by mae is ridge with pairs and mean without any, 0.9 and 1.0.
    assert as_rows(beside.by_metric) == [
        ("mae", None, "ridge", -0.2, "better"),
        ("ndcg@1", None, "ridge", 0.2, "better"),
    ]
    assert as_rows(beside.by_size) == [
        ("mae", 0, "mean", -0.4, "better"),
        ("mae", 2, "ridge", -0.3, "better"),
        ("mae", None, "ridge", -0.2, "better"),
    ]
    assert beside.overall == "better"
    # With all pairs, mae is in both tables and counts once.
    assert len(beside.all) == len(beside.those("better")) == 4


def test_differences_that_may_be_chance_are_level():
    cmml = values(0.7 + 0.1 * NOISE, 0.4 + 0.1 * NOISE)
    beside = judge(of_cold_users(cmml, 0.9 + 0.1 * NOISE, 0.8 + 0.1 * NOISE))
    assert {one.standing for one in beside.all} == {"level"}
    assert beside.overall == "level"


def test_one_of_many_comparisons_just_beyond_chance_is_level():
    none = 0.9 + 0.45 * NOISE  # About 0.9 of the best baseline, mean 0 apart.
    just = none + 0.25  # Beyond chance were it the only comparison.
    level = values(0.7 + 0.1 * NOISE, 0.4 + 0.1 * NOISE)
    beside = judge(of_cold_users(level, just, 0.8 + 0.1 * NOISE))
    (first, *_) = beside.by_size
    assert first.difference.low > 0.0
    assert 0.05 < first.holm_p < 4 * 0.05
    assert first.standing == "level"
    assert beside.overall == "level"


def test_worse_in_one_metric_is_mixed():
    beside = judge(of_cold_users(values(0.5, 0.3)))
    assert beside.overall == "mixed"
    assert as_rows(beside.those("worse")) == [("ndcg@1", None, "ridge", -0.1, "worse")]


def test_worse_without_support_pairs_alone_is_mixed():
    beside = judge(of_cold_users(values(0.5, 0.6), none=1.0))
    assert beside.overall == "mixed"
    # 1.0 less 0.9 of the mean; ridge, the best elsewhere, has 1.0 there.
    assert as_rows(beside.those("worse")) == [("mae", 0, "mean", 0.1, "worse")]


def test_better_by_another_metric_alone_is_level():
    cmml = values(0.7 + 0.1 * NOISE, 0.6)
    beside = judge(of_cold_users(cmml, 0.9 + 0.1 * NOISE, 0.8 + 0.1 * NOISE))
    assert [one.metric for one in beside.those("better")] == [NDCG]
    assert beside.overall == "level"


def test_worse_without_support_pairs_and_level_elsewhere_is_mixed():
    cmml = values(0.7 + 0.1 * NOISE, 0.4 + 0.1 * NOISE)
    beside = judge(of_cold_users(cmml, 1.0, 0.8 + 0.1 * NOISE))
    assert [one.size for one in beside.those("worse")] == [0]
    assert beside.those("better") == []
    assert beside.overall == "mixed"


def test_worse_by_the_metric_that_decides_and_better_in_none_is_worse():
    level = 0.4 + 0.1 * NOISE
    beside = judge(of_cold_users(values(0.8, level), none=1.0, two=0.9))
    assert beside.overall == "worse"
    assert [one.size for one in beside.those("worse")] == [None, 0, 2]


def test_each_metric_has_a_best_baseline_of_its_own():
    by_task = of_cold_users(values(0.5, 0.6))
    by_task["popular"] = {"cold": values(2.0, 0.5)}
    beside = judge(by_task)
    assert [one.baseline for one in beside.by_metric] == ["ridge", "popular"]


def test_the_prior_of_cmml_is_no_baseline():
    by_task = of_cold_users(values(0.5, 0.6))
    by_task["closed_form"] = {one.group: values(0.0, 1.0) for one in GROUPS}
    beside = judge(by_task)
    assert beside.overall == "better"
    assert {one.baseline for one in beside.all} == {"ridge", "mean"}


def test_a_metric_of_which_some_tasks_have_no_value_is_over_the_others():
    ndcg = np.where(NOISE > 0.0, 0.6, np.nan)
    mae, order = judge(of_cold_users(values(0.5, ndcg))).by_metric
    assert (mae.difference.num_tasks, order.difference.num_tasks) == (20, 10)
    assert order.difference.mean == pytest.approx(0.2)


def test_a_metric_without_any_value_is_left_out():
    by_task = of_cold_users(values(0.5, np.nan))
    assert [one.metric for one in judge(by_task).by_metric] == [MAE]
    # A baseline without a value is not the best one.
    by_task = of_cold_users(values(0.5, 0.6))
    by_task["ridge"]["cold"]["ndcg@1"] = np.full(20, np.nan)
    del by_task["ridge"]["cold"]["mae"]
    assert [one.baseline for one in judge(by_task).by_metric] == ["mean", "mean"]


def test_without_baselines_there_is_nothing_to_say():
    only = {"cmml": of_cold_users(values(0.5))["cmml"]}
    beside = judge(only)
    assert beside.all == []
    assert beside.overall is None


def test_of_scenarios_more_is_better_and_some_users_stand_for_all():
    main = Shown("scenario_mean", "meta_test", 4, 4)
    some = Shown("scenario_mean", "meta_test", 4, 4, max_users=5)
    groups = [main, some.few(0), some, some.with_other_support()]
    recall, mrr = Metric("recall@20"), Metric("mrr")

    def found(by_group):
        return {
            group: {"recall@20": np.full(6, value), "mrr": np.full(6, value / 2.0)}
            for group, value in by_group.items()
        }

    own, none = "scenario_mean/own_support", "scenario_mean/support_0"
    by_task = {
        "cmml": found({"scenario_mean": 0.8, own: 0.75, none: 0.5}),
        "ease": found({"scenario_mean": 0.7, own: 0.75, none: 0.75}),
        "item_pop": found({"scenario_mean": 0.6, own: 0.5, none: 0.0}),
    }
    by_task["cmml"]["scenario_mean/other_support"] = by_task["cmml"][none]
    beside = judge(by_task, [recall, mrr], groups)
    assert as_rows(beside.by_metric) == [
        ("recall@20", None, "ease", 0.1, "better"),
        ("mrr", None, "ease", 0.05, "better"),
    ]
    assert as_rows(beside.by_size) == [
        ("recall@20", 0, "ease", -0.25, "worse"),
        ("recall@20", None, "ease", 0.0, "level"),
    ]
    assert beside.overall == "mixed"
    assert len(beside.all) == 4


def test_all_support_pairs_count_once_where_some_users_are_all_users():
    main = Shown("user_mean", "meta_test", 4, 4)
    some = Shown("user_mean", "meta_test", 4, 4, max_users=50, max_tasks=50)
    noise = np.array([-0.1, 0.1] * 10)

    def found(value, none):
        of_all = {"recall@20": value}
        return {
            "user_mean": of_all,
            "user_mean/own_support": of_all,
            "user_mean/support_0": {"recall@20": none},
        }

    by_task = {
        "cmml": found(0.5 + noise, 0.5 + 0.2 * noise),
        "ease": found(0.555 + 0.0 * noise, 0.5 + 0.0 * noise),
    }
    beside = judge(by_task, [Metric("recall@20")], [main, some.few(0), some])
    assert [one.size for one in beside.all] == [None, 0]
    (first,), (none, last) = beside.by_metric, beside.by_size
    assert (first.group, last.group) == ("user_mean", "user_mean/own_support")
    # The smaller of two p-values, and so it is doubled; not tripled.
    alone = p_of_interval(first.difference)
    assert 2.0 * alone == first.holm_p == last.holm_p
    assert alone < p_of_interval(none.difference)


def test_a_group_without_a_pool_is_held_against_its_own_best_baseline():
    main = Shown("scenario_mean", "meta_test", 4, 4)
    whole = Shown("catalogue_mean", "meta_test", 4, 4, max_users=5, is_open=True)
    recall = Metric("recall@20")

    def found(with_pool, without):
        values = {"scenario_mean": with_pool, "catalogue_mean": without}
        return {k: {"recall@20": np.full(6, value)} for k, value in values.items()}

    by_task = {"cmml": found(0.8, 0.5), "ease": found(0.75, 0.25)}
    by_task["click_knn"] = found(0.5, 0.625)
    by_task["cmml"]["catalogue_mean/other_support"] = by_task["ease"]["catalogue_mean"]
    beside = judge(by_task, [recall], [main, whole, whole.with_other_support()])
    assert as_rows(beside.without_pool) == [
        ("recall@20", None, "click_knn", -0.125, "worse")
    ]
    assert beside.overall == "mixed"  # It is better with a pool.
    assert len(beside.all) == 2


def test_the_best_baseline_is_by_the_direction_of_the_metric():
    by_task = of_cold_users(values(0.5))
    summary = Evaluation(METRICS, GROUPS, "mean", by_task, 0, 10).intervals()
    assert best_baseline(summary, "cold", MAE) == "ridge"  # 0.7 against 0.9.
    assert best_baseline(summary, "cold", NDCG) == "ridge"  # 0.4 against 0.3.
    assert best_baseline(summary, "warm", MAE) is None
    assert best_baseline({"cmml": summary["cmml"]}, "cold", MAE) is None


def test_other_metrics_without_a_pool_count_in_nothing_else():
    main = Shown("scenario_mean", "meta_test", 4, 4)
    whole = Shown("catalogue_mean", "meta_test", 4, 4, is_open=True)
    metrics = [Metric("recall@20"), Metric("recall@50"), Metric("mrr")]

    def found(first, second, third):
        by_metric = zip(metrics, (first, second, third), strict=True)
        return {one.name: np.full(20, value) for one, value in by_metric}

    by_task = {
        "cmml": {"scenario_mean": found(0.3, 0.5, 0.2)},
        "item_pop": {"scenario_mean": found(0.2, 0.4, 0.1)},
    }
    for one, found_open in (("cmml", (0.2, 0.36, 0.1)), ("item_pop", (0.2, 0.42, 0.1))):
        by_task[one]["catalogue_mean"] = found(*found_open)
    beside = judge(by_task, metrics, [main, whole])
    assert as_rows(beside.without_pool) == [("recall@20", None, "item_pop", 0, "level")]
    assert as_rows(beside.further) == [
        ("recall@50", None, "item_pop", -0.06, "worse"),
        ("mrr", None, "item_pop", 0.0, "level"),
    ]
    assert len(beside.all) == 4
    assert beside.overall == "better"
