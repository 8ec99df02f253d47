import concurrent.futures
import json

import pytest

from pipeline.experiment.run_dir import RunDir, find_run, open_run, training_fingerprint
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError

DATASET = "0123456789abcdef"


def test_the_same_configuration_and_data_find_the_same_run(make_config):
    config = make_config()
    assert find_run(config, DATASET) is None
    run = open_run(config, DATASET)
    assert open_run(config, DATASET) == find_run(config, DATASET) == run
    assert run.path.name.endswith("-" + training_fingerprint(config, DATASET)[:8])


@pytest.mark.parametrize("override", ["evaluation.seed=1", "export.top_k=3"])
def test_what_does_not_decide_the_weights_stays_in_the_same_run(make_config, override):
    run = open_run(make_config(), DATASET)
    assert open_run(make_config(override), DATASET) == run
    key, _, value = override.partition("=")
    resolved = load_experiment(run.path / "config.resolved.yaml")
    section, _, leaf = key.partition(".")
    assert getattr(getattr(resolved, section), leaf) == int(value)


@pytest.mark.parametrize("override", ["model.dropout=0.1", "training.seed=1"])
def test_what_decides_the_weights_starts_another_run(make_config, override):
    run = open_run(make_config(), DATASET)
    assert open_run(make_config(override), DATASET) != run


def test_other_data_start_another_run(make_config):
    assert open_run(make_config(), DATASET) != open_run(make_config(), "f" * 16)


def test_a_run_is_named_after_the_experiment(make_config, tmp_path):
    run = open_run(make_config("name=mine"), DATASET)
    assert run.path.parent == tmp_path / "runs" / "mine"
    names = [run.checkpoints, run.logs, run.evaluation, run.export]
    assert [path.name for path in names] == ["checkpoints", "logs", "eval", "export"]


def test_a_step_is_done_for_the_fingerprint_it_was_recorded_with(tmp_path):
    run = RunDir(tmp_path)
    assert not run.is_done("train", "a")
    assert run.facts("train") == {}
    run.record("train", "a", epochs=3)
    run.record("evaluate", "b")
    assert run.is_done("train", "a")
    assert not run.is_done("train", "b")
    assert run.facts("train")["epochs"] == 3
    run.record("train", "c")
    assert not run.is_done("train", "a")
    assert run.is_done("evaluate", "b")


def test_lineage_says_when_a_step_was_finished(tmp_path):
    RunDir(tmp_path).record("train", "a", epochs=3)
    lineage = json.loads((tmp_path / "lineage.json").read_text(encoding="utf-8"))
    assert lineage["train"].pop("finished").endswith("+00:00")
    assert lineage == {"train": {"fingerprint": "a", "epochs": 3}}


def test_two_steps_at_once_lose_no_record(tmp_path):
    run, names = RunDir(tmp_path), [f"step {n}" for n in range(20)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: run.record(name, "a"), names))
    assert all(run.is_done(name, "a") for name in names)


def test_what_is_made_anew_is_on_record_no_more(tmp_path):
    run = RunDir(tmp_path)
    run.record("evaluate", "a")
    run.record("train", "a")
    run.forget("evaluate")
    run.forget("export")
    assert not run.is_done("evaluate", "a")
    assert run.is_done("train", "a")


@pytest.mark.parametrize("text", ["", '{"train": {'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / "lineage.json").write_text(text)
    with pytest.raises(DataError, match=r"lineage\.json must be .* cut or damaged"):
        RunDir(tmp_path).facts("train")
