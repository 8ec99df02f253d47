"""Who trains: one process, or several that have one batch between them."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from models.legacy_keras import tf
from pipeline.settings.registry import load_experiment
from pipeline.steps.train import train
from pipeline.training.strategy import (
    WorkerLostError,
    lost_workers_told,
    new_strategy,
    validate_strategy,
)

ROOT = pathlib.Path(__file__).parents[3]
TWO_WORKERS = ROOT / "tests" / "support" / "two_workers.py"


def lines_of(run_dir):
    text = (run_dir / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_two_workers_train_as_one_process_and_one_of_them_writes(
    experiment, raw_dir, tmp_path
):
    alone, together = tmp_path / "alone", tmp_path / "together"
    # Batches of 9 have 5 tasks for one worker and 4 for the other.
    changes = ["training.learning_rate=0.01", "training.max_epochs=2"]
    changes += ["training.batch_size=9", "tensorboard.insight_every=0"]
    config = load_experiment(experiment.config_path, [*changes, f"runs_dir={alone}"])
    one_process = train(config, experiment.dataset_dir).path
    sets = [p for c in [*changes, f"runs_dir={together}"] for p in ("--set", c)]
    flags = ["--strategy", "multi_worker", "--config", experiment.config_path, *sets]
    done = subprocess.run(
        [sys.executable, TWO_WORKERS, "train", *flags],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CMML_DATA_DIR": str(raw_dir)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *printed, statuses = done.stdout.splitlines()
    assert json.loads(statuses) == [0, 0], done.stderr
    (run_dir,) = (together / "own").glob("2*")
    assert printed == [str(run_dir)] * 2
    curves = lines_of(one_process), lines_of(run_dir)
    for one, other in zip(*curves, strict=True):
        for line in (one, other):
            del line["tasks_per_s"], line["epoch_s"]
        assert other == pytest.approx(one, abs=1e-4)
    names = [{p.name for p in run.iterdir()} for run in (one_process, run_dir)]
    assert names[1] == names[0] - {"logs"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", r"TF_CONFIG with `cluster` of a chief or workers"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', r"and index"),
        ('{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}', "a chief"),
        ("{", "TF_CONFIG must be JSON with `cluster` and `task`, got '{'"),
        ("[]", "TF_CONFIG must be JSON with `cluster` and `task`"),
    ],
)
def test_several_workers_need_a_cluster(monkeypatch, text, wrong):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=wrong):
        validate_strategy("multi_worker")
    for name in ("none", "mirrored"):
        validate_strategy(name)


def test_one_device_is_one_replica():
    for name in ("none", "mirrored"):
        assert new_strategy(name).num_replicas_in_sync == 1


def test_a_lost_worker_is_told_in_one_line():
    with (
        pytest.raises(WorkerLostError, match="start all of them again"),
        lost_workers_told(),
    ):
        raise tf.errors.UnavailableError(None, None, "Collective ops is aborted")


def test_other_errors_keep_their_kind():
    with pytest.raises(tf.errors.ResourceExhaustedError), lost_workers_told():
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")
