import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.experiment.config_section import PushConfig
from pipeline.serving.gate.task_figures import baseline_names, task_figures
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError


@pytest.fixture(scope="module")
def user_config(experiment):
    return load_experiment(experiment.config_path)


@pytest.fixture(scope="module")
def shop_config(scenario_experiment):
    return load_experiment(scenario_experiment.config_path)


def test_an_exported_version_has_the_errors_that_evaluate_found(
    experiment, user_config
):
    options = PushConfig(split="meta_test", baselines=("support_mean",))
    versions = {"candidate": experiment.exported}
    found = task_figures(user_config, experiment.dataset_dir, options, versions)
    assert (found.metric.name, found.metric.direction) == ("mae", -1)
    assert list(found.by_method) == ["candidate", "support_mean"]
    rows = pq.read_table(experiment.run_dir / "eval" / "scores.parquet")
    for name, method in (("candidate", "cmml"), ("support_mean", "support_mean")):
        errors = {}
        for row in rows.to_pylist():
            if (row["method"], row["group"]) == (method, "cold"):
                gap = abs(row["score"] - row["label"])
                errors.setdefault(row["task_id"], []).append(gap)
        expected = [np.mean(gaps) for gaps in errors.values()]
        np.testing.assert_allclose(found.by_method[name], expected, atol=1e-5)


def test_an_exported_version_has_the_recall_that_evaluate_found(
    scenario_experiment, shop_config
):
    options = PushConfig(split="meta_test", baselines=("item_pop",), max_users=None)
    found = task_figures(
        shop_config,
        scenario_experiment.dataset_dir,
        options,
        {"candidate": scenario_experiment.exported},
    )
    assert (found.metric.name, found.metric.direction) == ("recall@20", 1)
    path = scenario_experiment.run_dir / "eval" / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    for name, method in (("candidate", "cmml"), ("item_pop", "item_pop")):
        expected = metrics[method]["scenario_mean"]["recall@20"]["mean"]
        assert np.nanmean(found.by_method[name]) == pytest.approx(expected, abs=1e-6)


def test_a_split_without_tasks_cannot_judge(tmp_path, user_config):
    info = {"fingerprint": "0", "num_tasks": {"meta_train": 5, "meta_validation": 0}}
    (tmp_path / "dataset.json").write_text(json.dumps(info))
    (tmp_path / "_SUCCESS").touch()
    with pytest.raises(DataError, match=f"{tmp_path} has none of 'meta_validation'"):
        task_figures(user_config, tmp_path, PushConfig(), {})


def test_every_setting_has_a_baseline_to_beat(user_config, shop_config):
    assert baseline_names(user_config, PushConfig()) == ("bias_ridge",)
    assert baseline_names(shop_config, PushConfig()) == ("popularity",)


def test_other_baselines_may_be_named(user_config):
    options = PushConfig(baselines=("als", "item_mean"))
    assert baseline_names(user_config, options) == ("als", "item_mean")
