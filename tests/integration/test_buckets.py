"""Raw tables from a bucket, and the prepared data set to one."""

import pytest
from bucket import url_of

from benchmarks.engines.preparation import differences, num_files
from benchmarks.engines.tables import CONFIGS, RAW_DIR, write_experiments
from pipeline.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables and configurations of both settings."""
    folder = tmp_path_factory.mktemp("buckets")
    write_experiments(folder, num_users=20)
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    """Runs a command on the tables in a folder, or in a bucket."""
    monkeypatch.chdir(folder)

    def run(command, config, prepared_dir, data_dir):
        monkeypatch.setenv("CMML_DATA_DIR", data_dir)
        change = f"prepared_dir={prepared_dir}"
        return main([command, "--config", config, "--set", change])

    return run


@pytest.mark.parametrize("config", CONFIGS)
def test_a_bucket_holds_the_bytes_of_a_folder(config, folder, run):
    local, bucket = (folder / f"{config}_{kind}" for kind in ("local", "bucket"))
    assert run("prepare", config, str(local), RAW_DIR) == 0
    assert run("prepare", config, url_of(bucket), url_of(folder / RAW_DIR)) == 0
    assert num_files(local) > 20
    assert differences(local, bucket) == []


def test_what_is_in_a_bucket_is_not_prepared_again(folder, run, capsys):
    prepared = url_of(folder / "again")
    raw = url_of(folder / RAW_DIR)
    for _ in range(2):
        assert run("prepare", CONFIGS[0], prepared, raw) == 0
    said = capsys.readouterr()
    assert "is up to date" in said.out + said.err


@pytest.mark.parametrize("command", ["train", "run"])
def test_other_steps_say_that_a_data_set_must_be_copied(command, folder, run, capsys):
    prepared = url_of(folder / "elsewhere")
    assert run(command, CONFIGS[0], prepared, RAW_DIR) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == (
        f"cmml {command}: prepared_dir must be a folder of a file system for all but "
        f"`cmml prepare`, got {prepared!r}: copy it here and set prepared_dir to the "
        "copy."
    )
