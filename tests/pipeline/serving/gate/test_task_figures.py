import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from finished_run import open_run, some_tasks

from models.legacy_keras import tf
from models.recommender import Recommender
from pipeline.experiment.config_section import PushConfig
from pipeline.experiment.version_dir import JUDGED
from pipeline.serving.gate.task_figures import (
    ExportedRecommender,
    baseline_names,
    task_figures,
)
from pipeline.settings.registry import load_experiment, setting_of
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


@pytest.fixture
def limited(tmp_path):
    """Copies a version whose manifest allows queries of so many pairs."""

    def copy(version_dir, max_query):
        directory = shutil.copytree(version_dir, tmp_path / version_dir.name)
        path = directory / "assets.extra" / "manifest.json"
        manifest = json.loads(path.read_text()) | {"limits": {"max_query": max_query}}
        path.write_text(json.dumps(manifest))
        return directory

    return copy


@pytest.mark.parametrize(
    ("fixture", "max_query"),
    [
        *(("experiment", size) for size in (1000, 2, 1)),
        *(("scenario_experiment", size) for size in (1000, 7)),
    ],
)
def test_scores_are_those_of_the_trained_model(request, limited, fixture, max_query):
    experiment = request.getfixturevalue(fixture)
    config, data, model = open_run(experiment)
    support, query = some_tasks(data)
    exported = ExportedRecommender(
        limited(experiment.exported, max_query),
        setting_of(config).serving(config, data).to_request,
    )
    assert isinstance(exported, Recommender)
    expected = model.score(model.adapt(support), query).numpy()
    assert np.ptp(expected) > 0.1  # Or agreement would mean little.
    score = tf.function(
        lambda s, q: exported.score(exported.adapt(s), q), autograph=False
    )
    np.testing.assert_allclose(score(support, query).numpy(), expected, atol=1e-4)


def test_a_version_trained_on_all_pairs_is_judged_by_what_it_carries_for_that(
    experiment, limited
):
    config, data, model = open_run(experiment)
    support, query = some_tasks(data)
    version = limited(experiment.exported, 1000)
    setting = setting_of(config)
    for weight in model.trainable_weights:  # Another model, whatever it knows.
        weight.assign(tf.zeros_like(weight))
    setting.serving(config, data).export(model, 1).save_rank(version / JUDGED)
    expected = model.score(model.adapt(support), query).numpy()
    to_request = setting.serving(config, data).to_request
    exported = ExportedRecommender(version, to_request)
    score = exported.score(exported.adapt(support), query).numpy()
    np.testing.assert_allclose(score, expected, atol=1e-4)
    own = ExportedRecommender(experiment.exported, to_request)
    assert np.abs(own.score(own.adapt(support), query).numpy() - score).max() > 1e-3
