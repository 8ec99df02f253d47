import shutil

import pytest

from pipeline.settings.registry import load_experiment
from pipeline.training.trained import open_trained, trained_on
from transforms.schema import DataError


@pytest.fixture(params=["experiment", "scenario_experiment"])
def made(request):
    """The small experiment of each setting."""
    return request.getfixturevalue(request.param)


def test_a_finished_training_is_found(made):
    config = load_experiment(made.config_path)
    assert open_trained(config, made.dataset_dir).path == made.run_dir


def test_a_configuration_that_is_not_trained_is_an_error(made):
    other = load_experiment(made.config_path, ["training.seed=1"])
    message = "has no finished 'train' with this configuration: run `cmml tr"
    with pytest.raises(DataError, match=message):
        open_trained(other, made.dataset_dir)


def test_what_a_configuration_was_trained_on_is_found_by_its_runs(made, tmp_path):
    config = load_experiment(made.config_path)
    assert trained_on(config) == made.dataset_dir
    for other in ("training.seed=1", "data.episodes.num_shards=3"):
        assert trained_on(load_experiment(made.config_path, [other])) is None
    for folder in ("prepared_dir", "runs_dir"):
        other = load_experiment(made.config_path, [f"{folder}={tmp_path}"])
        assert trained_on(other) is None


def test_a_training_that_was_killed_is_not_finished(made, tmp_path):
    parent = tmp_path / made.run_dir.parent.name
    run_dir = shutil.copytree(made.run_dir, parent / made.run_dir.name)
    (run_dir / "lineage.json").unlink()
    config = load_experiment(made.config_path, [f"runs_dir={tmp_path}"])
    with pytest.raises(DataError, match="has no finished"):
        open_trained(config, made.dataset_dir)


def test_where_raw_tables_have_changed_the_data_set_that_was_trained_on_is_named(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    tables = shutil.copytree(scenario_tables, tmp_path / "tables")
    clicks = tables / "clicks.csv"
    clicks.write_text(clicks.read_text() + clicks.read_text().splitlines()[-1] + "\n")
    config_path = str(scenario_experiment.config_path)
    result = cmml("audit", "--config", config_path, data_dir=tables)
    assert result.status == 2
    named = f"those of {scenario_experiment.dataset_dir}, which was trained on last"
    assert named in result.stderr
