import errno
import json
import os
import pathlib
import subprocess
import sys
from importlib import metadata

import pytest

from pipeline import cli
from pipeline.steps import doctor
from transforms.schema import DataError


def one_line(text):
    """The only line of a text."""
    (line,) = text.splitlines()
    return line


STEPS = tuple(command.name for command in cli.COMMANDS)


def test_every_command_is_a_file_of_its_own():
    folder = pathlib.Path(cli.__file__).parent / "commands"
    stems = {path.stem for path in folder.glob("*.py")} - {"__init__", "command"}
    files = {stem.replace("_", "-") for stem in stems}
    assert sorted(STEPS) == sorted(files)


def test_help_waits_for_no_library():
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'apache_beam', 'pydantic', 'numpy', 'yaml'}\n"
        "    assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for step in STEPS:
        assert step in done.stdout


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_help(cmml, step):
    done = cmml(step, "--help")
    assert done.status == 0
    assert f"usage: cmml {step}" in done.stdout


def test_the_version_is_that_of_the_package(cmml):
    done = cmml("--version")
    assert (done.status, done.stdout) == (0, f"cmml {metadata.version('cmml')}\n")


def test_help_on_preparing_says_where_other_flags_go(cmml):
    assert "Any other --flag goes to Beam" in cmml("prepare", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: STEP"),
        (["trian"], "invalid choice: 'trian'"),
        (["train"], "the following arguments are required: --config"),
        (["train", "--conf", "a.yaml"], "arguments are required: --config"),
        (["ablate", "--config", "a"], "arguments are required: --grid"),
        (["ablate", "--config", "a", "--grid", "b", "--seeds", "x"], "int value: 'x'"),
        (["ablate", "--config", "a", "--grid", "b", "--oops"], "arguments: --oops"),
        (["ablate", "--config", "a", "--grid", "no.yaml"], "cannot read no.yaml: "),
        (["predict", "--input", "a"], "one of the arguments --model --config is requi"),
        (
            ["predict", "--input", "a", "--model", "b", "--config", "c"],
            "not allowed wi",
        ),
        (["predict", "--input", "a", "--model", "b", "--top", "x"], "int value: 'x'"),
        (["predict", "--input", "a", "--model", "b", "--top", "0"], "at least 1, got"),
        (
            ["predict", "--input", "a", "--model", "b", "--set", "name=c"],
            "--set goes with --config, got ['name=c'] without it.",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_explained(cmml, arguments, message):
    done = cmml(*arguments)
    assert done.status == 2
    assert message in done.stderr


@pytest.mark.parametrize("step", ["train", "evaluate", "export"])
def test_unknown_arguments_are_one_line(cmml, step):
    done = cmml(step, "--config", "own.yaml", "--runner=FlinkRunner", "stray")
    assert done.status == 2
    assert one_line(done.stderr) == (
        f"cmml {step}: unknown arguments: --runner=FlinkRunner stray."
    )


def test_a_bucket_that_beam_cannot_read_is_one_line(cmml, write_config, tmp_path):
    config = write_config(tmp_path, prepared_dir="nowhere://bucket/prepared")
    done = cmml("prepare", "--config", config)
    assert done.status == 2
    line = one_line(done.stderr)
    assert line.startswith("cmml prepare: Unable to get filesystem from specified path")
    assert line.endswith("Path specified: nowhere://bucket/prepared")


def test_a_bucket_beside_a_drift_reference_is_one_line(cmml, write_config, tmp_path):
    config = write_config(tmp_path, prepared_dir="gs://bucket/prepared")
    change = f"drift.reference={tmp_path}"
    done = cmml("prepare", "--config", config, "--set", change)
    assert done.status == 2
    assert one_line(done.stderr).startswith(
        "cmml prepare: drift.reference needs a prepared_dir of a file system, got "
    )


def test_an_unknown_beam_flag_is_one_line(cmml, write_config, tmp_path):
    done = cmml("prepare", "--config", write_config(tmp_path), "--runer=FlinkRunner")
    assert done.status == 2
    assert one_line(done.stderr).startswith("cmml prepare: flags must be cmml's")
    assert not (tmp_path / "prepared").exists()


@pytest.mark.parametrize(
    "step", ["prepare", "train", "evaluate", "export", "run", "predict"]
)
def test_a_missing_configuration_is_one_line(cmml, step, tmp_path):
    (tmp_path / "input.jsonl").touch()
    more = ["--input", tmp_path / "input.jsonl"] if step == "predict" else []
    done = cmml(step, "--config", tmp_path / "nowhere.yaml", *more)
    assert done.status == 2
    line = one_line(done.stderr)
    assert line.startswith(f"cmml {step}: cannot read {tmp_path}/nowhere.yaml: ")


def test_a_wrong_key_is_one_line(cmml, write_config, tmp_path):
    path = write_config(tmp_path)
    done = cmml("run", "--config", path, "--set", "model.droput=0.1")
    assert done.status == 2
    assert one_line(done.stderr) == (
        f"cmml run: {path}: unknown key 'model.droput' (value 0.1); "
        "did you mean 'dropout'?"
    )


@pytest.mark.parametrize("step", ["train", "evaluate", "export"])
def test_a_step_before_its_data_is_one_line(cmml, write_config, tmp_path, step):
    done = cmml(step, "--config", write_config(tmp_path))
    assert done.status == 2
    assert one_line(done.stderr).endswith("(no _SUCCESS): run `cmml prepare`.")


@pytest.mark.parametrize("step", ["evaluate", "export"])
def test_a_step_before_the_training_is_one_line(cmml, experiment, step):
    done = cmml(step, "--config", experiment.config_path, "--set", "training.seed=9")
    assert done.status == 2
    assert one_line(done.stderr).endswith("with this configuration: run `cmml train`.")


@pytest.mark.parametrize("step", ["prepare", "run"])
def test_a_missing_column_of_an_own_table_is_one_line(
    cmml, write_config, own_tables, tmp_path, step
):
    path = own_tables / "people.csv"
    path.write_text(path.read_text("utf-8").replace("speaks", "Speeks"), "utf-8")
    done = cmml(step, "--config", write_config(tmp_path), data_dir=own_tables)
    assert done.status == 2
    assert one_line(done.stderr) == (
        f"cmml {step}: people.csv has no column 'speaks' (data.users.features, feature "
        "'language'); did you mean 'Speeks'? Columns: person, sex, Speeks, age."
    )


def test_a_missing_table_is_one_line(cmml, write_config, own_tables, tmp_path):
    (own_tables / "ratings.csv").unlink()
    done = cmml("run", "--config", write_config(tmp_path), data_dir=own_tables)
    assert done.status == 2
    assert "data.interactions.table.path must name a file" in one_line(done.stderr)


def test_too_many_bad_rows_fail_and_are_kept(cmml, write_config, tmp_path):
    path = write_config(tmp_path)
    limit = "data.max_rejected_fraction=0.005"
    done = cmml("prepare", "--config", path, "--set", limit)
    assert done.status == 2
    # 4 bad rows beside 60 users with 12 ratings each: 4 / 724.
    last = done.stderr.splitlines()[-1]
    assert "allows 0.50% of the interactions to be refused, got 0.55% (4 of 724" in last
    (dataset_dir,) = (tmp_path / "prepared" / "own").iterdir()
    assert [path.name for path in dataset_dir.iterdir()] == ["rejected"]
    (part,) = (dataset_dir / "rejected").iterdir()
    rows = [json.loads(line) for line in part.read_text("utf-8").splitlines()]
    assert {row["reason"] for row in rows} == {
        *("label_out_of_range", "not_a_number", "missing_field", "malformed"),
    }
    assert rows[0]["source"] == "ratings.csv"
    assert rows[0]["line"] == 722  # After the header and 720 ratings.


def test_too_few_ratings_are_one_line(cmml, write_config, tmp_path):
    path = write_config(tmp_path)
    done = cmml("prepare", "--config", path, "--set", "data.episodes.query_size=30")
    assert done.status == 2
    last = done.stderr.splitlines()[-1]
    assert "at least one task must be in meta-train, got none." in last
    assert "lower data.episodes.query_size, 30" in last


def test_a_foreign_file_where_the_data_go_is_one_line(
    cmml, write_config, experiment, tmp_path
):
    # The same data have the same folder name, whatever the parent.
    path = write_config(tmp_path)
    folder = tmp_path / "prepared" / "own" / experiment.dataset_dir.name
    folder.mkdir(parents=True)
    (folder / "thesis.doc").touch()
    done = cmml("prepare", "--config", path)
    assert done.status == 2
    assert "has 'thesis.doc': choose another one." in done.stderr.splitlines()[-1]
    assert (folder / "thesis.doc").exists()


def test_an_export_without_items_to_recommend_is_one_line(cmml, experiment):
    rare = "export.min_item_count=1000"
    done = cmml("export", "--config", experiment.config_path, "--set", rare)
    assert done.status == 2
    before, error = done.stderr.splitlines()
    assert before == "export: saving the model with 14 items, then asking it"
    assert "none has min_item_count = 1000" in error


def test_predict_needs_a_file_to_read(cmml, experiment, tmp_path):
    done = cmml("predict", "--config", experiment.config_path, "--input", tmp_path)
    assert done.status == 2
    assert one_line(done.stderr) == (
        f"cmml predict: --input must be a file, got '{tmp_path}'."
    )


def test_predict_needs_a_folder_to_write_to(cmml, experiment, tmp_path):
    (tmp_path / "input.jsonl").touch()
    done = cmml(
        *("predict", "--model", experiment.exported),
        *("--input", tmp_path / "input.jsonl"),
        *("--output", tmp_path / "no" / "answers.jsonl"),
    )
    assert done.status == 2
    assert "--output must be in a folder that exists" in one_line(done.stderr)


def test_predict_needs_text_to_read(cmml, experiment, tmp_path):
    (tmp_path / "input.jsonl").write_bytes(b'{"task_id": "\xff"}\n')
    model, file = experiment.exported, tmp_path / "input.jsonl"
    done = cmml("predict", "--model", model, "--input", file)
    assert done.status == 2
    assert f"{file} must be UTF-8 text: " in one_line(done.stderr)


def test_predict_without_a_model_is_one_line(cmml, write_config, tmp_path):
    (tmp_path / "input.jsonl").touch()
    for source in (["--model", tmp_path], ["--config", write_config(tmp_path)]):
        done = cmml("predict", *source, "--input", tmp_path / "input.jsonl")
        assert done.status == 2
        message = one_line(done.stderr)
        assert "holds no exported model" in message
        assert ": run `cmml" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--model", "nowhere"], "--model must hold an exported model"),
        (["serve", "--model", ".", "--set", "a=1"], "--set goes with --config"),
        (["serve", "--model", ".", "--num_workers", "0"], "num_workers must be at lea"),
        (["validate", "--model", "nowhere"], "nowhere holds no exported model"),
        (["rollback", "--to", "nowhere"], "--to must be a base that has been pushed"),
        (["rollback", "--to", "mlflow:sqlite:///r.db"], "moved back by MLflow itself"),
        (["rollback", "--to", ".", "--label", "old"], "--label must be one of"),
        (["rollback", "--to", ".", "--server", "8500"], "--server must be host:port"),
        (["bench", "--model", "nowhere"], "nowhere holds no"),
        (["bench", "--model", ".", "--support", "a"], "--support"),
        (["bench", "--model", ".", "--typo"], "unknown arguments: --typo"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    cmml, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    done = cmml(*arguments)
    assert done.status == 2
    line = one_line(done.stderr)
    assert message in line
    assert line.startswith(f"cmml {arguments[0]}: ")


@pytest.mark.parametrize(
    "arguments", [["validate", "--model", "nowhere"], ["rollback", "--to", "nowhere"]]
)
def test_what_is_not_there_is_refused_without_tensorflow(tmp_path, arguments):
    code = (
        "import sys\n"
        "from pipeline.cli import main\n"
        f"assert main({arguments}) == 2\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    path = {"PYTHONPATH": str(pathlib.Path(cli.__file__).parents[1])}
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env=os.environ | path
    )


def test_push_keeps_at_least_one_version(cmml):
    done = cmml("push", "--config", "any.yaml", "--to", "models", "--keep", "0")
    assert done.status == 2
    assert "--keep must be at least 1, got 0" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DataError("it is ill"), 2, "cmml doctor: it is ill\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/disk/a"),
            4,
            "cmml doctor: /disk/a: No space left on device: make room, then start the "
            "same command again.\n",
        ),
        (KeyboardInterrupt(), 130, "cmml doctor: interrupted\n"),
    ],
)
def test_how_a_step_ends_is_the_exit_status(monkeypatch, capsys, error, status, said):
    def fail(config):
        raise error

    monkeypatch.setattr(doctor, "run", fail)
    assert cli.main(["doctor"]) == status
    assert capsys.readouterr() == ("", said)


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(config):
        raise ValueError("a bug")

    monkeypatch.setattr(doctor, "run", fail)
    with pytest.raises(ValueError, match="a bug"):
        cli.main(["doctor"])


def test_the_console_script_exits_with_the_status(monkeypatch):
    monkeypatch.setattr(doctor, "run", lambda config: 1)
    monkeypatch.setattr(sys, "argv", ["cmml", "doctor"])
    with pytest.raises(SystemExit, match="1"):
        cli.entry_point()


def test_explain_names_tasks_where_it_is_given_none(cmml, experiment):
    done = cmml("explain", "--config", experiment.config_path)
    assert done.status == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("cmml explain: explain needs --task, the id of a user of ")
    assert line.endswith(" of meta_test.")
