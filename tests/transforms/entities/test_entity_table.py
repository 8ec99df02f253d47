from collections import Counter

import numpy as np
import pytest
from rated_tasks import texts

from transforms.entities.catalogue import number_entities
from transforms.entities.entities import Entity
from transforms.entities.entity_counts import EntityCounts
from transforms.entities.entity_runs import rows_of
from transforms.entities.entity_table import (
    build_entity_table,
    encode_values,
    farthest,
    without_far,
)
from transforms.schema import Feature
from transforms.specs import FeatureSpec
from transforms.writing.entity_files import EntityRows
from transforms.writing.output_files import OutputFiles

FEATURES = (
    FeatureSpec("rate"),
    FeatureSpec("genre", kind="multi", max_values=2),
    FeatureSpec("year", kind="numeric"),
)
KNOWN = {
    "10": Entity("10", "Ten", (("G",), ("a", "b"), 1990.0)),
    "9": Entity("9", "Nine", (("R",), ("b",), 1994.0)),
    "8": Entity("8", "Eight", (("X",), ("c", "b"), None)),
}


def counts(training):
    """Counts of ids that are all in tasks of the first part."""
    ids, number = texts(list(training)), np.array(list(training.values()))
    ones = np.ones(len(number), np.uint8)
    return EntityCounts(ids, number, number, ones, 2 * ones)


def made(features, known, training):
    """The rows of entities in the order they are given, and their table."""
    rows, values = rows_of(features, counts(training), known, has_names=True)
    return rows, build_entity_table(features, len(rows), values, has_names=True)


@pytest.fixture
def rows_and_table():
    # 8 is in no meta-train support pair; 11 is in no entity table.
    return made(FEATURES, KNOWN, {"8": 0, "9": 1, "10": 3, "11": 1})


@pytest.fixture
def table(rows_and_table):
    return rows_and_table[1]


@pytest.fixture
def files(tmp_path, rows_and_table):
    """What is written of them, given in two parts."""
    files = OutputFiles(str(tmp_path))
    rows, table = rows_and_table
    number_entities(files, "user", table, [rows[:3], rows[3:]])
    return files


def test_vocabularies_know_meta_train_values_only(table):
    # c and X are only on 8, which meta-train does not see; b is on 9 and 10.
    assert table.vocabularies == {"rate": ["G", "R"], "genre": ["b", "a"]}


def test_mean_and_deviation_are_those_of_meta_train(table):
    # (1990 + 1994) / 2 = 1992, both 2 away.
    assert table.features == (
        Feature("rate", "categorical", vocabulary_size=2),
        Feature("genre", "multi", vocabulary_size=2, max_values=2),
        Feature("year", "numeric", mean=1992.0, std=2.0, low=1990.0, high=1994.0),
    )


def test_a_number_that_does_not_vary_has_deviation_one():
    known = {"1": Entity("1", "", (5.0,))}
    _, table = made([FeatureSpec("y", kind="numeric")], known, {"1": 1})
    (feature,) = table.features
    assert (feature.mean, feature.std) == (5.0, 1.0)


def test_a_slip_moves_neither_mean_nor_deviation():
    numbers = [1.0, 2.0, 3.0, 4.0, 999999999.0]
    known = {str(n): Entity(str(n), "", (n,)) for n in numbers}
    _, table = made([FeatureSpec("y", kind="numeric")], known, dict.fromkeys(known, 1))
    # Of 1 to 4: mean 2.5, variance (1.5² + 0.5²) / 2.
    assert table.features == (
        Feature(
            *("y", "numeric"),
            mean=2.5,
            std=1.25**0.5,
            low=1.0,
            high=4.0,
            num_far=1,
            farthest=999999999.0,
        ),
    )


def test_records_hold_integers_and_numbers_in_row_order(files, read_records):
    path = files.path("entities/user-00000-of-00001.tfrecord")
    eight, _, ten, eleven = read_records(path)
    assert eight == {
        "id": [b"8"],
        "row": [1],
        "num_training": [0],
        "rate": [0],  # X is unknown.
        "genre": [1],  # c is unknown, b is value 1.
        "year": [1992.0],  # The mean, for want of a year.
    }
    assert ten["genre"] == [2, 1]
    assert ten["num_training"] == [3]
    assert (eleven["id"], eleven["rate"], eleven["genre"]) == ([b"11"], [0], [])


def test_ids_and_names_are_lines_and_unknown_entities_have_no_name(files):
    assert files.lines("vocabulary/user_id.txt") == ["8", "9", "10", "11"]
    assert files.lines("names/user.txt") == ["Eight", "Nine", "Ten", ""]


def test_rows_of_a_shard_are_those_that_it_wants(files):
    rows = EntityRows(files)
    assert rows.of_shard(1).tolist() == [1, 2, 3, 4]
    assert rows.of_shard(0).tolist() == []


def test_values_on_too_few_entities_become_unknown():
    features = [FeatureSpec("zip", min_count=2)]
    known = {
        str(number): Entity(str(number), "", ((code,),))
        for number, code in enumerate(["a", "a", "b"])
    }
    _, table = made(features, known, dict.fromkeys(known, 1))
    assert table.vocabularies == {"zip": ["a"]}


def test_a_categorical_feature_always_has_one_value():
    feature = Feature("rate", "categorical", vocabulary_size=1)
    assert encode_values((), {"G": 1}, feature) == [0]
    assert encode_values(("G",), {"G": 1}, feature) == [1]


@pytest.mark.parametrize(
    ("number", "is_far"),
    [(304.0, False), (304.1, True), (-299.0, False), (-299.1, True)],
)
def test_a_number_is_far_beyond_a_hundred_distances_of_the_quartiles(number, is_far):
    # Whatever the number, the quartiles are 1 and 4: near is -299 to 304.
    counts = Counter([1.0, 1.0, 2.0, 4.0, 4.0, number])
    near, far = without_far(counts)
    expected = {number: 1} if is_far else {}
    assert dict(far) == expected
    assert near == counts - Counter(expected)


def test_ordinary_skewed_numbers_are_all_near():
    rng = np.random.default_rng(0)
    for numbers in (
        rng.normal(size=20_000),
        np.exp(rng.normal(size=20_000)),
        rng.poisson(2.0, 20_000).astype(float),
        rng.exponential(size=20_000),
    ):
        assert not without_far(Counter(numbers.tolist()))[1]


def test_nothing_is_far_where_the_middle_half_is_one_number():
    counts = Counter({0.0: 90, 1.0: 9, 1e9: 1})
    assert without_far(counts) == (counts, Counter())


def test_a_far_half_below_a_quarter_is_found():
    # 20 of 100 rows have a code for unknown.
    counts = Counter({1950.0 + year: 4 for year in range(20)} | {-1e6: 20})
    near, far = without_far(counts)
    assert (min(near), max(near), far) == (1950.0, 1969.0, Counter({-1e6: 20}))


def test_the_farthest_number_is_so_from_the_mean():
    assert farthest({-8.0: 3, 9.0: 1}, 1.0) == -8.0
    assert farthest({}, 1.0) is None
