import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from models.episodes.rating_episodes import fixed_episodes
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_config
from pipeline.settings.user.config import EvaluationConfig
from pipeline.steps import evaluate as evaluate_module
from pipeline.steps.evaluate import evaluate
from transforms.schema import SPLITS, DataError

METHODS = ["cmml", "support_mean", "bias_ridge"]
GROUPS = ["all", "cold", "warm", "cold/support_0", "cold/support_2"]
METRICS = ["mae", "rmse", "ndcg@1", "ndcg@3", "ndcg@5"]


@pytest.fixture(scope="module")
def metrics(experiment):
    path = experiment.run_dir / "eval" / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def predictions(experiment):
    """Rows of `predictions.parquet` by method and group."""
    rows = {}
    path = experiment.run_dir / "eval" / "predictions.parquet"
    for row in pq.read_table(path).to_pylist():
        rows.setdefault((row["method"], row["group"]), []).append(row)
    return rows


@pytest.fixture(scope="module")
def pairs(experiment):
    """(user row, item row) pairs of a split, by "support" and "query"."""

    def read(split, role):
        found = set()
        for batch in fixed_episodes(experiment.dataset_dir, split):
            mask = batch[f"{role}_mask"].numpy()
            users = batch[f"{role}_user"].numpy()[mask]
            items = batch[f"{role}_item"].numpy()[mask]
            found |= set(zip(users.tolist(), items.tolist(), strict=True))
        return found

    return {
        split: {r: read(split, r) for r in ("support", "query")} for split in SPLITS
    }


def by_task(rows):
    """Labels and scores of each task, in the order of the file."""
    tasks = {}
    for row in rows:
        tasks.setdefault(row["task_id"], []).append((row["label"], row["score"]))
    return [np.array(task, np.float64).T for task in tasks.values()]


def ndcg_without_ties(labels, scores, k):
    def dcg(ranked):
        return sum((2.0**x - 1.0) / np.log2(i + 2) for i, x in enumerate(ranked[:k]))

    return dcg(labels[np.argsort(-scores)]) / dcg(np.sort(labels)[::-1])


def test_metrics_are_by_method_group_and_metric(metrics):
    assert list(metrics) == METHODS
    for groups in metrics.values():
        assert list(groups) == GROUPS
        for values in groups.values():
            assert list(values) == METRICS
            for interval in values.values():
                assert list(interval) == ["mean", "low", "high"]
                assert interval["low"] <= interval["high"]


def test_predictions_are_of_every_method_and_group(predictions):
    assert set(predictions) == {(m, g) for m in METHODS for g in GROUPS[1:]}


def test_errors_recomputed_from_the_predictions_are_the_metrics(metrics, predictions):
    for (method, group), rows in predictions.items():
        tasks = by_task(rows)
        mae = np.mean([np.abs(s - x).mean() for x, s in tasks])
        rmse = np.mean([np.sqrt(((s - x) ** 2).mean()) for x, s in tasks])
        found = metrics[method][group]
        assert found["mae"]["mean"] == pytest.approx(mae, abs=1e-6)
        assert found["rmse"]["mean"] == pytest.approx(rmse, abs=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_rankings_recomputed_from_the_predictions_are_the_metrics(
    metrics, predictions, k
):
    # Means of the support tie all pairs of a task; these two do not.
    for method in ("cmml", "bias_ridge"):
        tasks = by_task(predictions[method, "cold"])
        assert all(len(set(scores)) == len(scores) for _, scores in tasks)
        mean = np.mean([ndcg_without_ties(x, s, k) for x, s in tasks])
        found = metrics[method]["cold"][f"ndcg@{k}"]["mean"]
        assert found == pytest.approx(mean, abs=1e-6)


def test_all_is_cold_and_warm_together(metrics, predictions):
    num_cold, num_warm = (
        len(by_task(predictions["cmml", group])) for group in ("cold", "warm")
    )
    cold, warm, both = (
        metrics["cmml"][g]["mae"]["mean"] for g in ("cold", "warm", "all")
    )
    mean = (num_cold * cold + num_warm * warm) / (num_cold + num_warm)
    assert both == pytest.approx(mean)


def test_every_method_scores_the_same_query_pairs(predictions):
    def asked(method, group):
        keys = ("task_id", "user_id", "item_id", "label", "support_size")
        return [[row[key] for key in keys] for row in predictions[method, group]]

    for group in GROUPS[1:]:
        for method in METHODS[1:]:
            assert asked(method, group) == asked("cmml", group)


def test_fewer_support_pairs_do_not_change_what_is_asked(predictions):
    def asked(group):
        keys = ("task_id", "item_id", "label")
        return [[row[key] for key in keys] for row in predictions["cmml", group]]

    assert asked("cold/support_0") == asked("cold/support_2") == asked("cold")


def test_warm_query_pairs_are_in_no_support_set(pairs):
    asked = pairs["meta_train"]["query"]
    assert len(asked) == 39 * 3  # Tasks of meta-train, query size.
    for split in SPLITS:
        assert not asked & pairs[split]["support"]


def test_cold_users_are_in_no_other_split(pairs):
    users = {
        split: {user for role in pairs[split].values() for user, _ in role}
        for split in SPLITS
    }
    assert len(users["meta_test"]) == 16
    assert not users["meta_test"] & (users["meta_train"] | users["meta_validation"])


def test_differences_are_paired_with_the_reference(experiment, metrics):
    path = experiment.run_dir / "eval" / "differences.json"
    differences = json.loads(path.read_text(encoding="utf-8"))
    assert list(differences) == ["cmml", "support_mean"]
    for method, groups in differences.items():
        for group, interval in groups.items():
            means = [metrics[m][group]["mae"]["mean"] for m in (method, "bias_ridge")]
            assert interval["mean"] == pytest.approx(means[0] - means[1])


def test_the_table_is_kept_and_the_choices_are_recorded(experiment):
    table = experiment.run_dir / "eval" / "table.md"
    assert table.read_text(encoding="utf-8").startswith("Means over tasks, 16 cold use")
    lineage = (experiment.run_dir / "lineage.json").read_text(encoding="utf-8")
    chosen = json.loads(lineage)["evaluate"]["chosen"]
    assert list(chosen) == ["support_mean", "bias_ridge"]


def test_a_data_set_without_meta_test_tasks_is_an_error(experiment, tmp_path):
    dataset_dir = shutil.copytree(experiment.dataset_dir, tmp_path / "data")
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    info["num_tasks"]["meta_test"] = 0
    path.write_text(json.dumps(info), encoding="utf-8")
    config = load_config(experiment.config_path, ["evaluation.seed=1"])
    with pytest.raises(DataError, match="data holds no meta_test tasks to evaluate on"):
        evaluate(config, dataset_dir, RunDir(tmp_path))


@pytest.mark.parametrize(
    ("errors", "standing"),
    [
        ([0.5, 0.6, 0.7, 0.8], "better than item_mean, the best baseline"),
        ([1.5, 1.6, 1.7, 1.8], "worse than item_mean, the best baseline"),
        ([0.9, 1.1, 1.0, 1.0], "not told apart from item_mean, the best baseline"),
    ],
)
def test_the_verdict_compares_with_the_best_baseline(errors, standing):
    def metrics(values):
        return {"cold": {"mae": np.array(values)}}

    by_task = {
        "cmml": metrics(errors),
        "global_mean": metrics([2.0, 2.0, 2.0, 2.0]),
        "item_mean": metrics([1.0, 1.0, 1.0, 1.0]),
    }
    assert standing in evaluate_module._verdict(by_task, EvaluationConfig())
