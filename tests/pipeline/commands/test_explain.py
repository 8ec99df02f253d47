import json
import pathlib
import re

import pytest
from page_reader import read

from pipeline.cli import USAGE_ERROR


def test_explain_tells_what_a_task_owes_to_its_pairs(experiment, cmml, tmp_path):
    done = cmml(
        *("explain", "--config", experiment.config_path, "--top", 4),
        *("--task", "ü1", "--against", "ü2", "ü3", "--output", tmp_path),
    )
    assert done.status == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "user ü1, 6 support pairs"
    assert (
        len([line for line in lines if line.startswith("  ") and line[2] != " "]) == 4
    )
    text = pathlib.Path(lines[-1]).read_text(encoding="utf-8")
    assert "ü1 and ü2, ü3 differ most in the" in read(text).text


def test_explain_needs_no_configuration_for_a_request(experiment, cmml, tmp_path):
    path = tmp_path / "requests.jsonl"
    request = {"task_id": "a/b", "support": [{"item_id": "f1", "label": 5}]}
    path.write_text(json.dumps(request), encoding="utf-8")
    done = cmml(
        *("explain", "--model", experiment.exported, "--input", path),
        *("--task", "a/b", "--output", tmp_path),
    )
    assert done.status == 0, done.stderr
    assert pathlib.Path(done.stdout.splitlines()[-1]) == tmp_path / "a-b.html"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("explain", "--task", "1"), "needs --config, or --model and --input"),
        (("explain", "--model", "m", "--task", "1"), "or --model and --input"),
        (
            ("explain", "--config", "c", "--task", "1", "--input", "none"),
            "--input must be a file, got 'none'",
        ),
        (
            ("explain", "--config", "c", "--task", "1", "--top", "0"),
            r"--top must be within \[1, 128\], got 0",
        ),
        (("explain", "--config", "c", "--task", "1", "--odd"), "unknown arguments"),
    ],
)
def test_arguments_at_fault_are_named(cmml, flags, message):
    done = cmml(*flags)
    assert done.status == USAGE_ERROR
    assert re.search(message, done.stderr), done.stderr


def test_a_task_that_is_not_there_is_named(experiment, cmml, tmp_path):
    flags = ("--task", "nobody", "--output", tmp_path)
    done = cmml("explain", "--config", experiment.config_path, *flags)
    assert (done.status, "got 'nobody'; a user with" in done.stderr) == (
        USAGE_ERROR,
        True,
    )
