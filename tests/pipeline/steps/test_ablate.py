"""Variants judged on three kinds of support sets, and a grid of scenarios trained."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

from pipeline.experiment.run_dir import RunDir
from pipeline.judging.task_metrics_file import load_metrics
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.settings.scenario.setting import SCENARIO
from pipeline.steps.ablate import support_sets
from transforms.schema import DataError

GRID = {
    "name": "tiny",
    "set": {"training.max_epochs": 1},
    "tables": [{"title": "Encoders", "rows": {"mean": {"model.encoder": "mean"}}}],
}


@pytest.fixture(params=["experiment", "scenario_experiment"])
def made(request):
    """The small experiment of each setting."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def loaded(made):
    """Its configuration and data."""
    config = load_experiment(made.config_path)
    return config, setting_of(config).load(config, made.dataset_dir)


def test_support_sets_are_own_those_of_another_or_none(loaded):
    groups = support_sets(*loaded, "meta_test")
    assert list(groups) == ["own", "other", "none"]
    own, other, none = groups.values()
    assert own == setting_of(loaded[0]).groups(*loaded, "meta_test")[0]
    assert (own.support, other.support, none.support) == ("own", "other", "own")
    assert (other.size, none.size) == (own.size, 0)


def test_a_split_of_one_task_has_no_other_support(loaded):
    config, data = loaded
    info = dataclasses.replace(data.info, num_tasks={"meta_test": 1})
    alone = dataclasses.replace(data, info=info)
    with pytest.raises(DataError, match=r"at least 2 meta_test tasks .* got 1\."):
        support_sets(config, alone, "meta_test")


def test_a_variant_of_scenarios_is_trained_judged_and_found_again(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    grid = tmp_path / "grid.yaml"
    grid.write_text(yaml.safe_dump(GRID), encoding="utf-8")
    command = (
        *("ablate", "--config", scenario_experiment.config_path, "--grid", grid),
        *("--seeds", 3, "--set", f"runs_dir={tmp_path}"),
        *("--set", "tensorboard.insight_every=0"),
        *("--set", "evaluation.more_metrics=[ndcg@10]"),
    )
    done = cmml(*command, data_dir=scenario_tables)
    assert done.status == 0, done.stderr
    folder = tmp_path / "shop" / "ablations" / "tiny" / "meta_validation"
    assert done.stdout.strip() == (folder / "tables.md").read_text().strip()
    results = json.loads((folder / "results.json").read_text())
    assert list(results["references"]) == ["popularity", "dot_product"]
    variant = results["variants"]["Encoders"]["mean"]
    metrics = SCENARIO.metrics
    shown = [one.name for one in metrics if one.in_tables or one.name == "ndcg@10"]
    assert list(variant["metrics"]) == shown
    (run,) = variant["runs"]
    path = tmp_path / "shop" / run / "ablate" / "meta_validation.npz"
    by_task = load_metrics(path)
    assert list(by_task) == ["own", "other", "none"]
    own, none = (np.nanmean(by_task[kind]["recall@20"]) for kind in ("own", "none"))
    assert variant["metrics"]["recall@20"]["mean"] == pytest.approx(own)
    assert variant["no_support"]["mean"] == pytest.approx(none)
    assert results["num_tasks"] == len(by_task["own"]["recall@20"])
    before = path.stat().st_mtime_ns
    again = cmml(*command, data_dir=scenario_tables)
    assert (again.status, again.stdout) == (0, done.stdout)
    assert path.stat().st_mtime_ns == before
    assert RunDir(path.parents[1]).facts("train")["epochs"] == 1
