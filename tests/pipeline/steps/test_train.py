import json
import shutil

import pytest

from pipeline.experiment.run_dir import RunDir
from pipeline.judging.judge import validation_worth
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps.train import train
from pipeline.training.trained import trained_model
from transforms.schema import DataError


@pytest.fixture(params=["experiment", "scenario_experiment"])
def made(request):
    """The small experiment of each setting."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def config(made):
    return load_experiment(made.config_path)


def test_a_finished_training_is_skipped(made, config, capsys):
    files = [path for path in made.run_dir.rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    run = train(config, made.dataset_dir)
    assert run.path == made.run_dir
    assert f"train: {run.path} is up to date" in capsys.readouterr().err
    after = {path: path.stat().st_mtime_ns for path in files}
    changed = {path.name for path in files if after[path] != before[path]}
    assert changed == {"config.resolved.yaml"}


@pytest.mark.parametrize(
    ("split", "number", "needed"),
    [("meta_train", 1, "2 meta_train tasks"), ("meta_validation", 0, "1 .* task")],
)
def test_a_data_set_with_too_few_tasks_to_train_with_is_an_error(
    made, tmp_path, split, number, needed
):
    dataset_dir = shutil.copytree(made.dataset_dir, tmp_path / "data")
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    info["num_tasks"][split] = number
    path.write_text(json.dumps(info), encoding="utf-8")
    runs = [f"runs_dir={tmp_path}", "training.seed=1"]
    config = load_experiment(made.config_path, runs)
    message = f"at least {needed} to train with, got {number}"
    with pytest.raises(DataError, match=message):
        train(config, dataset_dir)


def test_an_incomplete_data_set_is_an_error(config, tmp_path):
    with pytest.raises(DataError, match=r"no _SUCCESS\): run `cmml prepare`"):
        train(config, tmp_path)


def test_each_epoch_is_a_line_of_metrics(made, config):
    text = (made.run_dir / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    num_epochs = RunDir(made.run_dir).facts("train")["epochs"]
    # Distributions of many levels have to be learned; what starts useful is judged.
    first = {"user": 1, "scenario": 0}[config.setting]
    assert [line["epoch"] for line in lines] == list(range(first, num_epochs + 1))
    undefined = {"user": (), "scenario": ("recall@50",)}[config.setting]
    names = [metric.name for metric in setting_of(config).metrics]
    metrics = [name for name in names if name not in undefined]  # By smaller pools.
    chosen_by = {"user": "rmse", "scenario": "ndcg"}[config.setting]
    assert config.setting == "user" or chosen_by in config.weight_sections
    judged = {f"val_{name}" for name in metrics} | {f"best_val_{chosen_by}"}
    assert judged | {"epoch", "best_epoch", "tasks_per_s", "epoch_s"} <= set(lines[-1])
    best = [line[f"best_val_{chosen_by}"] for line in lines]
    assert best == sorted(best, reverse=config.setting == "user")


def test_the_weights_are_those_of_the_best_epoch(made, config):
    setting = setting_of(config)
    data = setting.load(config, made.dataset_dir)
    run = RunDir(made.run_dir)
    model = trained_model(config, data, run)
    metric = setting.metrics[0]
    best = run.facts("train")[f"best_val_{metric.name}"]
    worth = validation_worth(model, config, data)
    assert metric.direction * worth == pytest.approx(best, abs=1e-5)


def test_the_record_of_a_training_says_how_it_went(made):
    facts = RunDir(made.run_dir).facts("train")
    assert 0 <= facts["best_epoch"] <= facts["epochs"] <= 4
    assert facts["num_parameters"] > 0
    assert facts["dataset"] == made.dataset_dir.name
