import json
import shutil

import pytest
from pipeline.settings.user.loaded_dataset import load_dataset

from models.baselines.ratings.selection import mean_task_mae
from models.episodes.rating_episodes import fixed_episodes
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_config
from pipeline.steps.train import open_trained, train, trained_model
from transforms.schema import DataError


@pytest.fixture(scope="module")
def config(experiment):
    return load_config(experiment.config_path)


def test_a_finished_training_is_skipped(experiment, config, capsys):
    files = [path for path in experiment.run_dir.rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    run = train(config, experiment.dataset_dir)
    assert run.path == experiment.run_dir
    assert f"train: {run.path} is up to date" in capsys.readouterr().err
    after = {path: path.stat().st_mtime_ns for path in files}
    changed = {path.name for path in files if after[path] != before[path]}
    assert changed == {"config.resolved.yaml"}


@pytest.mark.parametrize(
    ("split", "found", "needed"), [("meta_train", 1, 2), ("meta_validation", 0, 1)]
)
def test_a_data_set_with_too_few_tasks_to_train_with_is_an_error(
    experiment, tmp_path, split, found, needed
):
    dataset_dir = shutil.copytree(experiment.dataset_dir, tmp_path / "data")
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    info["num_tasks"][split] = found
    path.write_text(json.dumps(info), encoding="utf-8")
    runs = [f"runs_dir={tmp_path}", "training.seed=1"]
    config = load_config(experiment.config_path, runs)
    message = f"at least {needed} {split} tasks to train with, got {found}"
    with pytest.raises(DataError, match=message):
        train(config, dataset_dir)


def test_an_incomplete_data_set_is_an_error(config, tmp_path):
    with pytest.raises(DataError, match=r"no _SUCCESS\): run `cmml prepare`"):
        train(config, tmp_path)


def test_each_epoch_is_a_line_of_metrics(experiment):
    text = (experiment.run_dir / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert set(lines[0]) == {
        *("epoch", "mae", "mse", "val_mae", "val_mse"),
        *("best_val_mae", "best_epoch", "tasks_per_s", "epoch_s"),
    }


def test_the_weights_are_those_of_the_best_epoch(experiment, config):
    dataset = load_dataset(experiment.dataset_dir)
    run = RunDir(experiment.run_dir)
    model = trained_model(config, dataset, run)
    episodes = fixed_episodes(
        dataset.directory, "meta_validation", max_support_size=6, batch_size=16
    )
    best = run.facts("train")["best_val_mae"]
    assert mean_task_mae(model, list(episodes)) == pytest.approx(best, abs=1e-5)


def test_the_record_of_a_training_says_how_it_went(experiment):
    facts = RunDir(experiment.run_dir).facts("train")
    assert facts["epochs"] == 4
    assert facts["best_epoch"] in (1, 2, 3, 4)
    assert facts["num_parameters"] > 0
    assert facts["dataset"] == experiment.dataset_dir.name


def test_a_finished_training_is_found(experiment, config):
    assert open_trained(config, experiment.dataset_dir).path == experiment.run_dir


def test_a_configuration_that_is_not_trained_is_an_error(experiment):
    other = load_config(experiment.config_path, ["training.seed=1"])
    message = "'own' has no finished 'train' with this configuration: run `cmml tr"
    with pytest.raises(DataError, match=message):
        open_trained(other, experiment.dataset_dir)


def test_a_training_that_was_killed_is_not_finished(experiment, tmp_path):
    parent = tmp_path / "own"
    run_dir = shutil.copytree(experiment.run_dir, parent / experiment.run_dir.name)
    (run_dir / "lineage.json").unlink()
    config = load_config(experiment.config_path, [f"runs_dir={tmp_path}"])
    with pytest.raises(DataError, match="has no finished"):
        open_trained(config, experiment.dataset_dir)
