import numpy as np
import pytest
from example_message import example_class
from rated_tasks import texts

from transforms.entities.entities import Entity
from transforms.entities.entity_counts import EntityCounts
from transforms.entities.entity_table import build_entity_table, encode_values
from transforms.schema import Feature
from transforms.specs import EntitySpec, FeatureSpec
from transforms.table_spec import TableSpec

SPEC = EntitySpec(
    TableSpec("items.csv"),
    name_column="title",
    features=(
        FeatureSpec("rate"),
        FeatureSpec("genre", kind="multi", max_values=2),
        FeatureSpec("year", kind="numeric"),
    ),
)
KNOWN = {
    "10": Entity("10", "Ten", (("G",), ("a", "b"), 1990.0)),
    "9": Entity("9", "Nine", (("R",), ("b",), 1994.0)),
    "8": Entity("8", "Eight", (("X",), ("c", "b"), None)),
}


def counts(training):
    """Counts of ids that are all in tasks of the first part."""
    ids, number = texts(list(training)), np.array(list(training.values()))
    return EntityCounts(ids, number, number, np.ones(len(number), np.uint8))


@pytest.fixture
def table():
    # 8 is in no meta-train support pair; 11 is in no entity table.
    return build_entity_table(SPEC, KNOWN, counts({"10": 3, "9": 1, "11": 1}))


def features_of(record):
    return {
        key: list(getattr(feature, feature.WhichOneof("kind")).value)
        for key, feature in example_class().FromString(record).features.feature.items()
    }


def test_rows_are_those_of_the_sorted_ids_of_table_and_episodes(table):
    assert list(table.ids()) == ["8", "9", "10", "11"]


def test_vocabularies_know_meta_train_values_only(table):
    # c and X are only on 8, which meta-train does not see; b is on 9 and 10.
    assert table.vocabularies == {"rate": ["G", "R"], "genre": ["b", "a"]}


def test_mean_and_deviation_are_those_of_meta_train(table):
    # (1990 + 1994) / 2 = 1992, both 2 away.
    assert table.features == (
        Feature("rate", "categorical", vocabulary_size=2),
        Feature("genre", "multi", vocabulary_size=2, max_values=2),
        Feature("year", "numeric", mean=1992.0, std=2.0),
    )


def test_a_number_that_does_not_vary_has_deviation_one():
    spec = EntitySpec(TableSpec("t"), features=(FeatureSpec("y", kind="numeric"),))
    known = {"1": Entity("1", "", (5.0,))}
    (feature,) = build_entity_table(spec, known, counts({"1": 1})).features
    assert (feature.mean, feature.std) == (5.0, 1.0)


def test_records_hold_integers_and_numbers_in_row_order(table):
    eight, _, ten, eleven = map(features_of, table.records())
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


def test_entities_are_in_row_order_and_unknown_ones_have_no_name(table):
    assert list(table.names()) == ["Eight", "Nine", "Ten", ""]


def test_values_on_too_few_entities_become_unknown():
    spec = EntitySpec(TableSpec("t"), features=(FeatureSpec("zip", min_count=2),))
    known = {
        str(number): Entity(str(number), "", ((code,),))
        for number, code in enumerate(["a", "a", "b"])
    }
    table = build_entity_table(spec, known, counts(dict.fromkeys(known, 1)))
    assert table.vocabularies == {"zip": ["a"]}


def test_a_categorical_feature_always_has_one_value():
    feature = Feature("rate", "categorical", vocabulary_size=1)
    assert encode_values((), {"G": 1}, feature) == [0]
    assert encode_values(("G",), {"G": 1}, feature) == [1]
