import numpy as np
import pytest

from models.episodes.entity_table import load_entity_table, unknown_row
from transforms.schema import Feature
from transforms.writing.tfrecord import encode_example, tfrecord_parts

TAGS = Feature("tags", "multi", vocabulary_size=9, max_values=3)


def write_table(folder, shards):
    """Writes item records of one feature, given as (row, count, tags)."""
    (folder / "entities").mkdir()
    for shard, entities in enumerate(shards):
        records = [
            encode_example(ints={"row": [row], "num_training": [count], "tags": tags})
            for row, count, tags in entities
        ]
        path = folder / "entities" / f"item-{shard:05d}-of-00002.tfrecord"
        path.write_bytes(b"".join(tfrecord_parts(records)))
    return folder


def test_rows_of_all_shards_follow_the_unknown_one(tmp_path):
    shards = [[(1, 4, [7]), (2, 0, [])], [(3, 5, [1, 2, 3])]]
    table = load_entity_table(write_table(tmp_path, shards), "item", [TAGS])
    np.testing.assert_array_equal(
        table.encoded["tags"], [[0, 0, 0], [7, 0, 0], [0, 0, 0], [1, 2, 3]]
    )
    np.testing.assert_array_equal(table.counts, [0, 4, 0, 5])
    assert table.num_rows == 4
    assert table.features == (TAGS,)


def test_refuses_a_table_with_a_row_missing(tmp_path):
    folder = write_table(tmp_path, [[(1, 1, [1])], [(3, 1, [1])]])
    with pytest.raises(ValueError, match=r"item-\*.* from 1 to N, got \[1 3\]"):
        load_entity_table(folder, "item", [TAGS])


def test_prepared_users_come_back_as_they_went_in(dataset, raw_user_features):
    def decode(name):
        path = dataset.directory / "vocabulary" / f"{name}.txt"
        vocabulary = np.array(["", *path.read_text().split()])
        return vocabulary[dataset.users.encoded[name]]

    genders, hobbies = decode("gender"), decode("hobby")
    ages = dataset.users.encoded["age"]
    assert ages.dtype == np.float32
    for row, (gender, several, age) in enumerate(raw_user_features, start=1):
        # A gender that is not in meta-train is unknown, an age that is not known the
        # mean of meta-train: of 21 to 30.
        assert genders[row] == [gender if gender != "X" else ""]
        assert sorted(filter(None, hobbies[row])) == sorted(several)
        assert ages[row] == (25.5 if np.isnan(age) else age)


def test_counts_are_those_of_the_meta_train_support_pairs(dataset):
    for table, rows in (
        (dataset.users, dataset.pairs.user),
        (dataset.items, dataset.pairs.item),
    ):
        counts = np.bincount(rows, minlength=table.num_rows)
        np.testing.assert_array_equal(table.counts, counts)


def test_the_unknown_entity_has_no_values_and_the_mean_number():
    np.testing.assert_array_equal(unknown_row(TAGS), [[0, 0, 0]])
    mean = unknown_row(Feature("age", "numeric", mean=25.5))
    assert mean.dtype == np.float32
    np.testing.assert_array_equal(mean, [25.5])
