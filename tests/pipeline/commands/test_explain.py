import json
import pathlib
import re

import pytest
from page_reader import read

from pipeline.cli import USAGE_ERROR
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import load_experiment
from pipeline.steps import context_space
from transforms.schema import DataError


def test_insight_maps_the_contexts_of_a_run(experiment, cmml, tmp_path):
    groups = tmp_path / "groups.yaml"
    groups.write_text("funny: [comedy]\nsad: [drama, horror]\n", encoding="utf-8")
    done = cmml(
        *("insight", "--config", experiment.config_path),
        *("--groups", groups, "--output", tmp_path / "out"),
    )
    assert done.status == 0, done.stderr
    page = pathlib.Path(done.stdout.strip())
    assert page == tmp_path / "out" / "index.html"
    figures = json.loads((tmp_path / "out" / "clustering.json").read_text())
    assert figures["num_contexts"] == 60
    assert {"gender", "taste", "split", "group"} <= set(figures["kinds"])
    text = page.read_text(encoding="utf-8")
    assert "://" not in text
    reader = read(text)
    maps = list((tmp_path / "out").glob("map_*.svg"))
    assert reader.tags.count("svg") == len(maps) >= 6
    projector = experiment.run_dir / "logs" / "projector"
    assert len((projector / "metadata.tsv").read_text().splitlines()) == 61


def test_scenarios_are_mapped_by_their_names(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    done = cmml(
        *("insight", "--config", scenario_experiment.config_path),
        *("--split", "meta_train", "--max_tasks", 20, "--output", tmp_path),
        data_dir=scenario_tables,
    )
    assert done.status == 0, done.stderr
    figures = json.loads((tmp_path / "clustering.json").read_text())
    assert (figures["num_contexts"], list(figures["kinds"])) == (20, ["tag"])


def test_a_bug_is_no_fault_of_the_data(experiment, monkeypatch, tmp_path):
    def fails(*_, **__):
        raise ValueError("shapes differ")

    monkeypatch.setattr(context_space, "task_contexts", fails)
    with pytest.raises(ValueError, match="shapes differ") as raised:
        context_space.map_contexts(
            load_experiment(experiment.config_path),
            experiment.dataset_dir,
            RunDir(experiment.run_dir),
            split="all",
            max_tasks=9,
            groups=None,
            output=tmp_path,
        )
    assert not isinstance(raised.value, DataError)


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
        (
            ("insight", "--config", "c", "--max_tasks", "1"),
            "--max_tasks must be at least 2, got 1",
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
    assert (done.status, "a user 'nobody'" in done.stderr) == (USAGE_ERROR, True)
