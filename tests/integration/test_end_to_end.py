"""From a user's own tables to answers, by the command line alone."""

import json

import pytest

from transforms.schema import load_dataset_info


def modification_times(*folders):
    return {
        path: path.stat().st_mtime_ns
        for folder in folders
        for path in folder.rglob("*")
        # Says what was asked for last, done or not.
        if path.is_file() and path.name != "config.resolved.yaml"
    }


def test_a_run_ends_with_the_comparison_and_the_model(experiment):
    assert experiment.status == 0
    table, path = experiment.stdout.rsplit("\n\n", 1)
    assert "| cmml " in table
    assert "| bias_ridge " in table
    assert path == f"{experiment.exported}\n"
    assert (experiment.exported / "saved_model.pb").is_file()


def test_a_run_says_what_it_does(experiment):
    said = experiment.stderr.splitlines()
    assert said[0] == f"prepare: writing {experiment.dataset_dir}"
    assert "prepare: 60 users, 14 items" in said
    assert (
        "prepare: refused: 1 label_out_of_range, 1 malformed, 1 missing_field, "
        "1 not_a_number (the rows are in rejected/)"
    ) in said
    assert any(line.startswith("train: epoch 4/4  val_rmse ") for line in said)
    assert "evaluate: asking bias_ridge" in said
    assert f"logs:  tensorboard --logdir {experiment.run_dir}/logs" in said
    assert not [line for line in said if "WARNING" in line or "Traceback" in line]


def test_a_run_leaves_what_the_documentation_promises(experiment):
    for name in (
        "config.resolved.yaml",
        "lineage.json",
        "metrics.jsonl",
        "checkpoints/best",
        "checkpoints/last",
        "logs",
        "eval/metrics.json",
        "eval/scores.parquet",
        "eval/table.md",
        "export/cmml",
    ):
        assert (experiment.run_dir / name).exists(), name


def test_bad_rows_are_kept_with_their_line_and_reason(experiment):
    (part,) = (experiment.dataset_dir / "rejected").iterdir()
    rows = [json.loads(line) for line in part.read_text("utf-8").splitlines()]
    # After a header and 60 users with 12 ratings each.
    assert [(row["source"], row["line"], row["reason"]) for row in rows] == [
        ("ratings.csv", 722, "label_out_of_range"),
        ("ratings.csv", 723, "not_a_number"),
        ("ratings.csv", 724, "missing_field"),
        ("ratings.csv", 725, "malformed"),
    ]


def test_features_of_every_kind_are_read(experiment):
    info = load_dataset_info(experiment.dataset_dir)
    kinds = {f.name: f.kind for f in (*info.user_features, *info.item_features)}
    assert kinds == {
        "gender": "categorical",
        "language": "multi",
        "age": "numeric",
        "genre": "multi",
        "maker": "categorical",
        "year": "numeric",
    }


def test_a_second_run_skips_every_step(experiment, cmml):
    folders = experiment.dataset_dir, experiment.run_dir
    before = modification_times(*folders)
    again = cmml("run", "--config", experiment.config_path)
    assert again.status == 0
    assert modification_times(*folders) == before
    assert again.stdout == experiment.stdout
    assert again.stderr.splitlines()[:4] == [
        f"prepare: {experiment.dataset_dir} is up to date",
        f"train: {experiment.run_dir} is up to date",
        f"evaluate: {experiment.run_dir / 'eval'} is up to date",
        f"export: {experiment.exported} is up to date",
    ]


def test_a_step_alone_finds_what_the_run_has_done(experiment, cmml):
    config = "--config", experiment.config_path
    results = [cmml(step, *config).stdout for step in ("prepare", "train", "export")]
    done = experiment.dataset_dir, experiment.run_dir, experiment.exported
    assert results == [f"{path}\n" for path in done]
    assert cmml("evaluate", *config).stdout in experiment.stdout + "\n"


@pytest.mark.parametrize("step", ["train", "evaluate", "export"])
@pytest.mark.parametrize("name", ["experiment", "scenario_experiment"])
def test_what_was_trained_needs_no_raw_tables(name, request, cmml, step, tmp_path):
    made = request.getfixturevalue(name)
    done = cmml(step, "--config", made.config_path, data_dir=tmp_path)
    assert done.status == 0, done.stderr
    taken, up_to_date = done.stderr.splitlines()
    assert taken.startswith(f"taking {made.dataset_dir}, which was trained on, for wan")
    assert up_to_date.endswith("is up to date")
    other = ("--set", "training.seed=9")
    done = cmml(step, "--config", made.config_path, *other, data_dir=tmp_path)
    assert done.status == 2
    assert "CMML_DATA_DIR" in done.stderr


@pytest.mark.parametrize("step", ["train", "evaluate"])
def test_a_change_of_the_export_does_no_step_before_it_anew(experiment, cmml, step):
    change = "--set", "export.model_name=other"
    done = cmml(step, "--config", experiment.config_path, *change)
    assert done.status == 0
    folder = {"train": "", "evaluate": "eval"}[step]
    assert f"{step}: {experiment.run_dir / folder} is up to date" in done.stderr


@pytest.mark.parametrize("source", ["--config", "--model"])
def test_the_exported_model_answers_new_users(experiment, cmml, tmp_path, source):
    requests = tmp_path / "requests.jsonl"
    support = [{"item_name": "Film 2", "label": 5}, {"item_id": "f3", "label": 1}]
    user = {"gender": "F", "age": 33, "language": ["en", "fr"]}
    lines = [
        {"task_id": "Ada", "user": user, "support": support, "query": ["f4", "f5"]},
        {"task_id": "Bob", "support": support},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    requests.write_text(text, encoding="utf-8")
    given = experiment.config_path if source == "--config" else experiment.exported
    done = cmml("predict", source, given, "--input", requests, "--top", 2)
    assert done.status == 0
    (asking,) = done.stderr.splitlines()
    assert asking.startswith(f"predict: asking {experiment.run_dir}")
    ada, bob = map(json.loads, done.stdout.splitlines())
    assert (ada["task_id"], bob["task_id"]) == ("Ada", "Bob")
    assert {item["item_id"] for item in ada["ranked"]} == {"f4", "f5"}
    names = [item["item_name"] for item in bob["recommended"]]
    assert len(names) == 2
    assert not {"Film 2", "Film 3"} & set(names)
