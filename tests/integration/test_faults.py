"""Steps that are killed at random moments, and started again."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_a_preparation_that_is_killed_ends_as_one_that_is_not(tmp_path):
    """Of all steps the one that needs no TensorFlow, which takes long to import."""
    flags = ["--step", "prepare", "--kills", "3", "--home", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults", *map(str, flags)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    line = json.loads(done.stdout)
    assert line["faults"] == []
    assert line["kills"] == 3
    assert line["differ_unkilled"] == []
    assert line["two_at_once"] == [0, 0]
