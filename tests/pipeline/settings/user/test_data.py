import re
import shutil

import numpy as np
import pytest

from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from pipeline.experiment.prepared import read_ids
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.facts import user_facts
from transforms.schema import SPLITS, DataError


@pytest.fixture(scope="module")
def data(experiment):
    return load_user_data(experiment.dataset_dir)


def test_a_data_set_comes_with_its_tables(data, experiment):
    assert data.directory == experiment.dataset_dir
    assert data.users.num_rows == data.info.num_users + 1
    assert data.items.num_rows == data.info.num_items + 1


@pytest.fixture(scope="module")
def with_small_users(tmp_path_factory, raw_dir, write_config, cmml):
    """A prepared data set where two users have rated too little for a task."""
    folder = tmp_path_factory.mktemp("small")
    raw = shutil.copytree(raw_dir, folder / "raw")
    with (raw / "ratings.csv").open("a", encoding="utf-8") as file:
        file.write("small1;f1;5\nsmall2;f1;5\nsmall2;f99;5\n")
    config = "--config", write_config(folder)
    assert cmml("prepare", *config, data_dir=raw).status == 0
    assert cmml("audit", *config, data_dir=raw).status == 0
    (dataset_dir,) = (folder / "prepared" / "own").iterdir()
    return load_user_data(dataset_dir)


def test_users_too_small_for_a_task_are_among_the_training_pairs(with_small_users):
    data = with_small_users
    users, items = (read_ids(data.directory, f"{kind}_id") for kind in ("user", "item"))
    pairs = data.training_pairs
    is_small = np.isin(users[pairs.user], ["small1", "small2"])
    named = zip(users[pairs.user], items[pairs.item], pairs.label, strict=True)
    small = [pair for pair, chosen in zip(named, is_small, strict=True) if chosen]
    assert sorted(small) == [
        ("small1", "f1", 5.0),
        ("small2", "f1", 5.0),
        ("small2", "f99", 5.0),
    ]
    assert (~is_small).sum() == data.info.num_tasks["meta_train"] * 9
    counts = np.bincount(pairs.item, minlength=data.items.num_rows)
    np.testing.assert_array_equal(data.items.counts, counts)
    assert data.info.label_mean == pytest.approx(pairs.label.mean())


def test_users_too_small_for_a_task_are_in_no_split(with_small_users):
    directory = with_small_users.directory
    names = [
        name
        for split in SPLITS
        for episode in fixed_episodes(directory, split)
        for name in episode["task_id"].numpy()
    ]
    assert len(names) == 60
    assert not {b"small1", b"small2"} & set(names)


LATER = [("ü1", "f99", 5.0), ("ü1", "f6", 1.0), ("ü45", "f99", 2.0)]
LATER += [("ü99", "f1", 3.0)]  # Too few for a task.


@pytest.fixture(scope="module")
def split_by_time(tmp_path_factory, raw_dir, write_config, cmml):
    """A prepared data set of users who came on the day of their number, and its rows.

    Two of them have rated again, when users of meta-test came, one of these once alone.
    """
    folder = tmp_path_factory.mktemp("timed")
    raw = shutil.copytree(raw_dir, folder / "raw")
    _, *lines = (raw / "ratings.csv").read_text("utf-8").splitlines()
    rows = [line for line in lines if re.fullmatch(r"ü\d+;f\d+;[1-5]", line)]
    rows = [f"{row};{re.findall('[0-9]+', row)[0]}" for row in dict.fromkeys(rows)]
    rows += [f"{user};{item};{label:g};99" for user, item, label in LATER]
    text = "\n".join(["uid;film;stars;day", *rows]) + "\n"
    (raw / "ratings.csv").write_text(text, encoding="utf-8")
    split = "split.validation_from=40", "split.test_from=50"
    keys = [f"data.{key}" for key in ("interactions.time_column=day", *split)]
    sets = [part for key in keys for part in ("--set", key)]
    config = "--config", write_config(folder), *sets
    done = cmml("prepare", *config, data_dir=raw)
    assert done.status == 0, done.stderr
    assert "4 interactions of the time of a later split" in done.stderr
    assert cmml("audit", *config, data_dir=raw).status == 0
    (dataset_dir,) = (folder / "prepared" / "own").iterdir()
    return load_user_data(dataset_dir), len(rows)


def test_later_pairs_are_among_the_training_pairs_of_a_whole_data_set_alone(
    split_by_time,
):
    data, num_rows = split_by_time
    users, items = (read_ids(data.directory, f"{kind}_id") for kind in ("user", "item"))

    def named(pairs):
        rows = zip(users[pairs.user], items[pairs.item], pairs.label, strict=True)
        return {(user, item, float(label)) for user, item, label in rows}

    whole = data.whole()
    assert whole.training_pairs.label.size == num_rows
    assert named(whole.training_pairs) >= set(LATER)
    assert not named(data.training_pairs) & set(LATER)
    new = list(items).index("f99")
    assert (data.items.counts[new], whole.items.counts[new]) == (0, 2)


def test_later_pairs_are_said_to_be_there(split_by_time):
    data, num_rows = split_by_time
    sizes = user_facts(data).sizes
    assert sizes["interactions that wait for the training on all pairs"] == len(LATER)
    assert sizes["interactions in episodes"] == num_rows - len(LATER)


def test_a_shard_that_lost_its_last_record_is_refused_by_its_name(experiment, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(experiment.dataset_dir, copy)
    path = next(copy.glob("episodes/meta_train-00001-*"))
    records = list(tf.data.TFRecordDataset(str(path), "GZIP").as_numpy_iterator())
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for record in records[:-1]:
            writer.write(record)
    with pytest.raises(DataError, match=rf"{path.name} must have .*{len(records)} rec"):
        load_user_data(copy)


def test_the_pairs_of_meta_train_are_its_support(data):
    pairs = data.training_pairs
    assert pairs is data.training_pairs  # Read once.
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
