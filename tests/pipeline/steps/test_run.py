"""What `cmml run` leaves behind, and what each of its steps does the second time."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from pipeline.steps.scenarios.train import open_trained, train

from models.evaluation.ranking_metrics import user_metrics
from models.resumable_training import ResumableTraining
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError

TIMES = ("tasks_per_s", "epoch_s")  # Another time they are others.

METHODS = ["cmml", "item_pop", "popularity", "dot_product", "item_knn", "ease"]


@pytest.fixture(scope="module")
def metrics(scenario_experiment):
    path = scenario_experiment.run_dir / "eval" / "metrics.json"
    return json.loads(path.read_text())


@pytest.fixture
def data_dir(monkeypatch, scenario_tables):
    monkeypatch.setenv("CMML_DATA_DIR", str(scenario_tables))


def test_it_ends_with_a_table_and_the_exported_model(scenario_experiment):
    lines = scenario_experiment.stdout.splitlines()
    assert lines[-1] == str(scenario_experiment.exported)
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert rows[:8] == ["method", "-" * 11, *METHODS]
    assert "By recall@20, cmml is" in scenario_experiment.stdout


def test_the_metrics_are_those_of_the_contract(metrics):
    assert list(metrics) == METHODS
    assert {"scenario_mean", "pair_mean"} == set(metrics["ease"])
    assert set(metrics["cmml"]) == {
        "scenario_mean",
        "pair_mean",
        "scenario_mean/support_0",
        "scenario_mean/support_4",
        "scenario_mean/own_support",
        "scenario_mean/other_support",
    }
    figure = metrics["cmml"]["scenario_mean"]["recall@10"]
    assert 0.0 <= figure["low"] <= figure["mean"] <= figure["high"] <= 1.0


def test_tastes_are_found_out(metrics):
    # Who shares a taste clicks ten times as often: vectors must beat popularity.
    by_vectors = metrics["dot_product"]["scenario_mean"]["recall@5"]["mean"]
    popular = metrics["popularity"]["scenario_mean"]["recall@5"]["mean"]
    assert by_vectors > popular + 0.2
    assert metrics["cmml"]["scenario_mean"]["recall@5"]["mean"] > popular + 0.2


def test_every_figure_can_be_recomputed_from_the_ranks(scenario_experiment, metrics):
    path = scenario_experiment.run_dir / "eval" / "ranked_clicks.parquet"
    table = pq.read_table(path).to_pandas()
    own = table[(table.method == "ease") & (table.group == "scenario_mean")]
    task, user = (own[c].astype("category").cat.codes for c in ("task_id", "user_id"))
    found = user_metrics(task, user, own["rank"], num_tasks=task.max() + 1)
    for name, values in found.by_scenario().items():
        expected = metrics["ease"]["scenario_mean"][name]["mean"]
        np.testing.assert_allclose(values.mean(), expected)
    assert (own["rank"] <= own["num_candidates"]).all()


def test_run_again_skips_every_step(scenario_experiment, scenario_tables, cmml):
    config = scenario_experiment.config_path
    again = cmml("run", "--config", config, data_dir=scenario_tables)
    assert again.status == 0
    assert again.stderr.count("is up to date") == 5
    assert again.stdout == scenario_experiment.stdout


def test_a_training_that_is_not_finished_is_an_error(scenario_experiment, data_dir):
    path = scenario_experiment.config_path
    other = load_experiment(path, ["training.seed=1"])
    with pytest.raises(DataError, match="no finished 'train'"):
        open_trained(other, scenario_experiment.dataset_dir)


def test_a_killed_training_ends_as_if_it_had_not_been(
    scenario_experiment, tmp_path, data_dir
):
    dataset_dir = scenario_experiment.dataset_dir
    path = scenario_experiment.config_path

    def config(runs, **changes):
        extra = [f"{key}={value}" for key, value in changes.items()]
        return load_experiment(path, [f"runs_dir={tmp_path / runs}", *extra])

    whole = train(config("whole"), dataset_dir)

    class KilledError(Exception):
        pass

    def kill(self, epoch, logs=None, original=ResumableTraining.on_epoch_end):
        original(self, epoch, logs)
        if epoch == 0:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ResumableTraining, "on_epoch_end", kill)
        with pytest.raises(KilledError):
            train(config("killed"), dataset_dir)
    resumed = train(config("killed"), dataset_dir)

    def lines(run):
        text = (run.path / "metrics.jsonl").read_text()
        return [
            {k: v for k, v in json.loads(line).items() if k not in TIMES}
            for line in text.splitlines()
        ]

    assert lines(resumed) == lines(whole)


def test_pretrain_goes_with_scenarios_only(experiment, cmml):
    done = cmml("pretrain", "--config", experiment.config_path)
    assert done.status == 2
    assert "pretrain goes with setting 'scenario' only, got 'user'" in done.stderr


def test_ablations_go_with_users_only(scenario_experiment, scenario_tables, cmml):
    grid = "configs/ablations/members.yaml"
    config = scenario_experiment.config_path
    done = cmml("ablate", "--config", config, "--grid", grid, data_dir=scenario_tables)
    assert done.status == 2
    assert "goes with setting 'user' only, got 'scenario'" in done.stderr
