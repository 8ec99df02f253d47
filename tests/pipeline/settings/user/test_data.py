import numpy as np
import pytest

from models.episodes.rating_episodes import fixed_episodes
from pipeline.settings.user.data import load_user_data
from transforms.schema import DataError


@pytest.fixture(scope="module")
def data(experiment):
    return load_user_data(experiment.dataset_dir)


def test_a_data_set_comes_with_its_tables(data, experiment):
    assert data.directory == experiment.dataset_dir
    assert data.users.num_rows == data.info.num_users + 1
    assert data.items.num_rows == data.info.num_items + 1


def test_the_pairs_of_meta_train_are_its_support(data):
    pairs = data.meta_train_pairs
    assert pairs is data.meta_train_pairs  # Read once.
    batches = list(fixed_episodes(data.directory, "meta_train"))
    labels = [b["support_label"].numpy()[b["support_mask"]] for b in batches]
    np.testing.assert_array_equal(pairs.label, np.concatenate(labels))
    assert pairs.label.size == data.info.num_tasks["meta_train"] * 9
    assert set(pairs.label) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (pairs.num_users, pairs.num_items) == (
        *(data.info.num_users, data.info.num_items),
    )


def test_episodes_of_meta_validation_are_read_once(data):
    validation = data.episodes("meta_validation", 6, 4)
    assert data.episodes("meta_validation", 6, 4) is validation
    assert data.episodes("meta_validation", 6, 5) is not validation
    assert {episode["support_item"].shape[1] for episode in validation} == {6}


def test_episodes_of_other_splits_are_read_anew_by_one_pipeline(data):
    tested = data.episodes("meta_test", 6, 4)
    assert data.episodes("meta_test", 6, 4) is tested
    first, again = ([episode["query_item"] for episode in tested] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one is not other
        np.testing.assert_array_equal(one, other)


def test_an_incomplete_data_set_is_an_error(tmp_path):
    with pytest.raises(DataError, match="run `cmml prepare`"):
        load_user_data(tmp_path)
