import dataclasses
import shutil

import numpy as np
import pytest

from models.factors.vector_files import save_vectors
from models.factors.vectors import Vectors
from pipeline.settings.registry import load_experiment
from pipeline.settings.scenario.data import (
    ScenarioData,
    load_scenario_data,
    vectors_dir,
)
from transforms.clicks.schema import load_scenario_info
from transforms.schema import META_TRAIN, META_VALIDATION, DataError


@pytest.fixture
def config(scenario_config):
    """The experiment with scenarios."""
    return load_experiment(scenario_config)


@pytest.fixture
def info(scenario_dataset):
    """What the prepared data set says of itself."""
    return load_scenario_info(scenario_dataset)


@pytest.fixture
def dataset_dir(scenario_dataset, tmp_path):
    """The prepared data set without vectors, which a test may add."""
    directory = tmp_path / "data"
    directory.mkdir()
    for path in scenario_dataset.iterdir():
        if path.name != "vectors":
            (directory / path.name).symlink_to(path)
    return directory


def zeros(num_users, num_items):
    return Vectors(np.zeros([2, num_users + 1, 3]), np.zeros([2, num_items + 1, 3]))


def test_a_data_set_comes_with_its_vectors(config, dataset_dir, info):
    vectors = zeros(info.num_users, info.num_items)
    save_vectors(vectors_dir(config, dataset_dir, info), vectors, {})
    loaded = load_scenario_data(config, dataset_dir)
    assert loaded.directory == dataset_dir
    assert loaded.info == info
    # One of both has seen all known clicks; training needs the other one too.
    assert loaded.factors.users.shape == (1, *vectors.users.shape[1:])
    assert loaded.factors.items.shape == (1, *vectors.items.shape[1:])
    assert loaded.training_factors.users.shape == vectors.users.shape
    assert loaded.training_factors is loaded.training_factors


def test_without_vectors_it_says_what_to_run(config, dataset_dir):
    with pytest.raises(DataError, match=r"holds no vectors .* run `cmml pretrain`"):
        load_scenario_data(config, dataset_dir)


def test_vectors_of_other_entities_are_refused(config, dataset_dir, info):
    vectors = zeros(info.num_users, info.num_items + 1)
    save_vectors(vectors_dir(config, dataset_dir, info), vectors, {})
    with pytest.raises(
        DataError, match=rf"{info.num_items} items, got {info.num_users} and "
    ):
        load_scenario_data(config, dataset_dir)


def test_clicks_and_tasks_are_read_once(dataset_dir, info):
    loaded = ScenarioData(dataset_dir, info, zeros(info.num_users, info.num_items))
    assert loaded.known is loaded.known
    assert loaded.known.user.size == info.num_known
    assert loaded.tasks(META_TRAIN) is loaded.tasks(META_TRAIN)
    for split in (META_TRAIN, META_VALIDATION):
        assert len(loaded.tasks(split)) == info.num_tasks[split]
    again = dataclasses.replace(loaded)
    assert again.tasks(META_TRAIN) is not loaded.tasks(META_TRAIN)


def test_a_file_of_clicks_that_is_cut_is_refused_by_its_name(
    config, dataset_dir, tmp_path
):
    clicks = tmp_path / "clicks"
    shutil.copytree(dataset_dir / "clicks", clicks)
    (dataset_dir / "clicks").unlink()
    (dataset_dir / "clicks").symlink_to(clicks)
    path = next(clicks.iterdir())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=rf"clicks/{path.name} must have"):
        load_scenario_data(config, dataset_dir)
