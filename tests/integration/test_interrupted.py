"""Steps that are killed in the middle, and started again."""

import hashlib
import json

import pytest

TIMES = ("tasks_per_s", "epoch_s")  # Another time they are others.


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def metric_lines(folder):
    """The lines of the only `metrics.jsonl` in a folder of runs, without the speed."""
    paths = list(folder.glob("*/metrics.jsonl"))
    if not paths:
        return []
    lines = paths[0].read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in whole]


def test_a_killed_preparation_leaves_no_trace_in_the_next_one(
    cmml, kill_when, write_config, tmp_path
):
    path = write_config(tmp_path)
    many = "prepare", "--config", path, "--set", "data.episodes.num_shards=50"
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    # Small blocks: it takes longer, and the result is the same.
    kill_when(
        lambda: any(killed.glob("own/*/episodes/*")),
        *(*many, "--set", f"prepared_dir={killed}", "--text_block_bytes=256"),
    )
    assert not list(killed.glob("own/*/_SUCCESS"))
    train = cmml("train", *many[1:], "--set", f"prepared_dir={killed}")
    assert "is not a complete prepared data set" in train.stderr

    assert cmml(*many, "--set", f"prepared_dir={killed}").status == 0
    assert cmml(*many, "--set", f"prepared_dir={whole}").status == 0
    assert digests(killed) == digests(whole)
    assert list(killed.glob("own/*/_SUCCESS"))


def test_a_killed_training_goes_on_where_it_was(cmml, kill_when, experiment, tmp_path):
    train = "train", "--config", experiment.config_path, "--set", f"runs_dir={tmp_path}"
    kill_when(lambda: len(metric_lines(tmp_path / "own")) >= 2, *train)
    num_done = len(metric_lines(tmp_path / "own"))
    assert 2 <= num_done < 4

    resumed = cmml(*train)
    assert resumed.status == 0
    (run_dir,) = (tmp_path / "own").iterdir()
    assert f"train: resuming {run_dir} after epoch" in resumed.stderr
    first_epoch = int(resumed.stderr.split(" after epoch ")[1].split()[0])
    # The line of an epoch is written just before its state is saved.
    assert first_epoch >= num_done - 1

    whole = metric_lines(experiment.run_dir.parent)
    assert [line["epoch"] for line in metric_lines(tmp_path / "own")] == [1, 2, 3, 4]
    for line, expected in zip(metric_lines(tmp_path / "own"), whole, strict=True):
        assert line == pytest.approx(expected, abs=1e-5)
