"""A search by the command line: killed in a training, resumed, reported."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tuning.results import read_results

ROOT = pathlib.Path(__file__).parents[3]
SPACE = """
name: tried
set: {training.max_epochs: 15, training.patience: 15, model.encoder: mean}
keys:
  model.modulation: [soft]
  model.route_axis: {values: [target], when: {model.modulation: [soft]}}
"""


@pytest.fixture(scope="module")
def killed(experiment, raw_dir, tmp_path_factory):
    """The arguments of a search, its folder when it was killed, and what it said."""
    folder = tmp_path_factory.mktemp("tune")
    space = folder / "space.yaml"
    space.write_text(SPACE, encoding="utf-8")
    arguments = [
        *("--config", experiment.config_path, "--set", f"runs_dir={folder}"),
        *("--set", "tensorboard.insight_every=0", "--space", space),
    ]
    code = "from pipeline.cli import entry_point; entry_point()"
    stderr = folder / "stderr"
    with (
        stderr.open("w") as file,
        subprocess.Popen(
            [sys.executable, "-c", code, "tune", *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | {"CMML_DATA_DIR": str(raw_dir)},
            stderr=file,
        ) as process,
    ):
        end = time.monotonic() + 240.0
        while not list(folder.glob("own/tuning/*/trials/0000/*/*/checkpoints/last/*")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    (search_dir,) = folder.glob("own/tuning/tried-grid-*")
    return arguments, search_dir, stderr.read_text(encoding="utf-8")


def train_here(train_once, *arguments, log, foreseen):
    """In place of a process of its own, which takes seconds to import TensorFlow."""
    del foreseen
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file, contextlib.redirect_stderr(file):
        return train_once(*arguments)


def test_a_killed_search_goes_on_in_the_middle_of_a_training_and_is_reported(
    killed, cmml, monkeypatch
):
    monkeypatch.setattr("pipeline.steps.trial_training.run_in_own_process", train_here)
    arguments, search_dir, _ = killed
    assert not (search_dir / "trials/0000/result.json").exists()
    done = cmml("tune", *arguments)
    assert done.status == 0, done.stderr
    assert done.stdout.splitlines()[0] == (
        "2 trials completed, 0 failed, 0 skipped as invalid"
    )
    assert done.stdout.splitlines()[-1] == str(search_dir)
    assert (
        f"\nthen: cmml run --config {search_dir / 'best.yaml'}, which trains for up to "
        in done.stdout
    )
    assert "as the experiment says; the trial had 15\n" in done.stdout
    assert "trial 0001 (2/2)  model.modulation=soft" in done.stderr
    trials = read_results(search_dir).trials
    assert [trial.values for trial in trials] == [
        {"model.modulation": "film"},
        {"model.modulation": "soft", "model.route_axis": "target"},
    ]
    # One run only, which the second process went on with.
    (run,) = search_dir.glob("trials/0000/seed-0/*")
    log = (search_dir / "trials/0000/seed-0.log").read_text(encoding="utf-8")
    assert f"train: resuming {run} after epoch" in log
    report = cmml("tune", "report", *arguments)
    assert report.status == 0, report.stderr
    assert (search_dir / "best.yaml").exists()


def test_a_trial_starts_without_the_chatter_of_tensorflow(killed):
    _, search_dir, stderr = killed
    assert stderr == f"tune: {search_dir}\n"


def test_a_search_without_an_end_is_refused(killed, cmml):
    arguments, *_ = killed
    done = cmml("tune", *arguments, "--algorithm", "random")
    assert done.status == 2
    assert done.stderr == (
        "cmml tune: random search needs --max_trials or --max_hours.\n"
    )
