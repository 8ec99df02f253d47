import dataclasses
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from pipeline.settings.scenario.ranking_groups import ranking_groups
from pipeline.steps.scenarios.evaluate import evaluate

from models.episodes.click_records import load_tasks
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.config import ScenarioEvaluationConfig
from transforms.clicks.schema import load_scenario_info
from transforms.schema import DataError

BASELINES = ["item_pop", "popularity", "dot_product", "item_knn", "ease"]
METHODS = ["cmml", *BASELINES]
SHOWN_LESS = ["scenario_mean/support_0", "scenario_mean/support_4"]
OWN, OTHER = "scenario_mean/own_support", "scenario_mean/other_support"
METRICS = [f"recall@{k}" for k in (5, 10, 20, 50)] + ["ndcg@10", "ndcg@20"]
METRICS += ["ndcg", "mrr"]


def read_json(experiment, name):
    path = experiment.run_dir / "eval" / name
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def metrics(scenario_experiment):
    return read_json(scenario_experiment, "metrics.json")


@pytest.fixture(scope="module")
def ranked_clicks(scenario_experiment):
    """Rows of `ranked_clicks.parquet` by method and group."""
    rows = {}
    path = scenario_experiment.run_dir / "eval" / "ranked_clicks.parquet"
    for row in pq.read_table(path).to_pylist():
        rows.setdefault((row["method"], row["group"]), []).append(row)
    return rows


@pytest.fixture(scope="module")
def meta_test(scenario_dataset):
    info = load_scenario_info(scenario_dataset)
    return load_tasks(scenario_dataset, "meta_test", info.num_negatives)


def by_user(rows):
    """Ranks of each user of each scenario."""
    ranks = {}
    for row in rows:
        ranks.setdefault(row["task_id"], {}).setdefault(row["user_id"], set()).add(
            row["rank"]
        )
    return ranks


def recall(ranks, k):
    return sum(rank <= k for rank in ranks) / len(ranks)


def asked(rows):
    return [
        (row["task_id"], row["user_id"], row["item_id"], row["num_candidates"])
        for row in rows
    ]


def test_metrics_are_by_method_group_and_metric(metrics):
    assert list(metrics) == METHODS
    means = ["scenario_mean", "pair_mean"]
    assert set(metrics["cmml"]) == {*means, *SHOWN_LESS, OWN, OTHER}
    for method in BASELINES:
        assert list(metrics[method]) == means
    for groups in metrics.values():
        for values in groups.values():
            assert list(values) == METRICS
            for interval in values.values():
                assert list(interval) == ["mean", "low", "high"]
                assert interval["low"] <= interval["mean"] <= interval["high"]


@pytest.mark.parametrize("k", [5, 10])
def test_recall_recomputed_from_the_ranks_is_in_the_metrics(metrics, ranked_clicks, k):
    for (method, group), rows in ranked_clicks.items():
        found = [
            [recall(ranks, k) for ranks in users.values()]
            for users in by_user(rows).values()
        ]
        mean = metrics[method][group][f"recall@{k}"]["mean"]
        assert mean == pytest.approx(np.mean([np.mean(users) for users in found]))
        if group == "scenario_mean":
            mean = metrics[method]["pair_mean"][f"recall@{k}"]["mean"]
            assert mean == pytest.approx(np.mean(np.concatenate(found)))


def test_every_held_out_click_of_meta_test_is_ranked_once(
    ranked_clicks, meta_test, scenario_dataset
):
    path = scenario_dataset / "vocabulary"
    users, items = (
        ["", *(path / f"{name}.txt").read_text(encoding="utf-8").split("\n")]
        for name in ("user_id", "item_id")
    )
    expected = []
    for task in meta_test:
        for user, item in zip(task.query_user, task.query_item, strict=True):
            num_known = int((task.known_user == user).sum())
            num_candidates = task.pool.size - num_known
            expected.append(
                (task.scenario_id, users[user], items[item], num_candidates)
            )
    for rows in ranked_clicks.values():
        assert sorted(asked(rows)) == sorted(expected)
        assert all(1 <= row["rank"] <= row["num_candidates"] for row in rows)
        places = {(row["task_id"], row["user_id"], row["rank"]) for row in rows}
        assert len(places) == len(rows)


def test_every_method_and_group_is_asked_the_same(ranked_clicks):
    own = [(method, "scenario_mean") for method in METHODS]
    shown = [("cmml", group) for group in (*SHOWN_LESS, OWN, OTHER)]
    assert set(ranked_clicks) == {*own, *shown}
    expected = asked(ranked_clicks["cmml", "scenario_mean"])
    assert all(asked(rows) == expected for rows in ranked_clicks.values())


def test_support_sizes_are_what_was_shown(ranked_clicks, meta_test):
    own = {task.scenario_id: min(16, task.support_item.size) for task in meta_test}
    for (_, group), rows in ranked_clicks.items():
        if group == OTHER:
            continue
        most = int(group.rpartition("_")[2]) if group in SHOWN_LESS else 16
        for row in rows:
            assert row["support_size"] == min(most, own[row["task_id"]])


def test_differences_are_cmml_less_others_or_less_itself_shown_something_else(
    scenario_experiment, metrics
):
    differences = read_json(scenario_experiment, "differences.json")
    assert list(differences) == [*BASELINES, *SHOWN_LESS, OTHER]

    def mean(method, group="scenario_mean"):
        return metrics[method][group]["recall@20"]["mean"]

    for name, interval in differences.items():
        own, other = (
            (mean("cmml"), mean(name))
            if name in BASELINES
            else (mean("cmml", OWN), mean("cmml", name))
        )
        assert interval["mean"] == pytest.approx(own - other, abs=1e-12)
        assert interval["low"] <= interval["high"]


def test_some_users_are_ranked_for_where_only_the_support_changes(meta_test):
    options = ScenarioEvaluationConfig(few_shot_sizes=(0, 64), few_shot_users=5)
    groups = ranking_groups(meta_test, options, is_hybrid=False)
    assert {name: group.max_users for name, group in groups.items()} == {
        "scenario_mean": None,
        "scenario_mean/support_0": 5,
        OWN: 5,
        OTHER: 5,
    }
    supports = groups[OTHER].supports
    assert all(a is not b for a, b in zip(meta_test, supports, strict=True))
    assert {task.scenario_id for task in supports} == {
        task.scenario_id for task in meta_test
    }


def test_another_support_set_is_of_the_same_domain(meta_test):
    names = ("a:1", "b:1", "a:2", "b:2", "b:3")
    tasks = [dataclasses.replace(meta_test[0], scenario_id=name) for name in names]
    groups = ranking_groups(tasks, ScenarioEvaluationConfig(), is_hybrid=True)
    supports = groups[OTHER].supports
    assert [t.scenario_id for t in supports] == ["a:2", "b:2", "a:1", "b:3", "b:1"]


def test_the_table_is_kept_and_the_choices_are_recorded(scenario_experiment, meta_test):
    table = scenario_experiment.run_dir / "eval" / "table.md"
    text = table.read_text(encoding="utf-8")
    assert text.startswith(f"Means over {len(meta_test)} scenarios never trained on")
    for name in ("dot_product", "item_knn", "ease"):
        assert f" {name}: difference " in text
    assert "The support set of another scenario " in text
    lineage = (scenario_experiment.run_dir / "lineage.json").read_text(encoding="utf-8")
    chosen = json.loads(lineage)["evaluate"]["chosen"]
    assert list(chosen) == BASELINES
    assert chosen["ease"]["l2"] in (100.0, 200.0, 400.0)


def test_what_is_up_to_date_is_read_again(scenario_experiment):
    config = load_experiment(scenario_experiment.config_path)
    run = RunDir(scenario_experiment.run_dir)
    before = (run.evaluation / "metrics.json").stat().st_mtime_ns
    text = evaluate(config, scenario_experiment.dataset_dir, run)
    assert text == (run.evaluation / "table.md").read_text(encoding="utf-8")
    assert (run.evaluation / "metrics.json").stat().st_mtime_ns == before


def test_a_data_set_without_meta_test_tasks_is_an_error(scenario_experiment, tmp_path):
    dataset_dir = shutil.copytree(scenario_experiment.dataset_dir, tmp_path / "data")
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    info["num_tasks"]["meta_test"] = 0
    path.write_text(json.dumps(info), encoding="utf-8")
    config = load_experiment(scenario_experiment.config_path)
    with pytest.raises(DataError, match="data holds no meta_test tasks to evaluate on"):
        evaluate(config, dataset_dir, RunDir(tmp_path))
