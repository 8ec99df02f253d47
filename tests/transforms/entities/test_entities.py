import pytest

from transforms.entities.entities import (
    Entity,
    EntityBlock,
    merge_entities,
    parse_entities,
    parse_entity,
    parse_feature,
)
from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError
from transforms.schema import EntitySpec, FeatureSpec, TableSpec

SPEC = EntitySpec(
    TableSpec("items.csv"),
    name_column="title",
    features=(FeatureSpec("genre", kind="multi"), FeatureSpec("year", kind="numeric")),
)


def test_an_entity_has_an_id_a_name_and_its_features():
    entity = parse_entity((31.0, "Dune", "a|b", "1984"), SPEC)
    assert entity == Entity("31", "Dune", (("a", "b"), 1984.0))


def test_unknown_features_are_no_reason_to_refuse_a_row():
    entity = parse_entity(("31", None, None, "about 1984"), SPEC)
    assert entity == Entity("31", "", ((), None))


@pytest.mark.parametrize(("value", "number"), [("-1e30", -1e30), ("1e31", None)])
def test_a_number_too_large_for_the_records_is_unknown(value, number):
    assert parse_feature(value, FeatureSpec("year", kind="numeric")) == number


def test_line_breaks_in_a_name_become_blanks():
    assert parse_entity(("1", "One\r\ntwo", "", ""), SPEC).name == "One two"


def test_an_entity_without_an_id_is_refused():
    with pytest.raises(RowError, match="missing_field: id is empty"):
        parse_entity(("", "Dune", "a", "1984"), SPEC)


def test_an_entity_whose_value_has_a_line_break_is_refused():
    with pytest.raises(RowError, match="malformed: line break"):
        parse_entity(("1", "Dune", "a\nb", "1984"), SPEC)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a|b| a ||c", ("a", "b", "c")),
        ("a (x)|b(y)", ("a", "b")),
        (["a", 7, None], ("a", "7")),
        ("a|b|c|d", ("a", "b", "c")),
        ("", ()),
        (None, ()),
        (7, ("7",)),
    ],
)
def test_a_multi_feature_keeps_the_first_different_values(value, texts):
    spec = FeatureSpec("f", kind="multi", max_values=3, drop_pattern=r"\(.*?\)")
    assert parse_feature(value, spec) == texts


def test_a_categorical_feature_keeps_separators():
    assert parse_feature("a|b", FeatureSpec("f")) == ("a|b",)


def test_a_pattern_is_dropped_from_a_categorical_value():
    assert parse_feature("98107-2117", FeatureSpec("z", drop_pattern="-.*")) == (
        "98107",
    )


def test_the_first_row_of_an_id_counts_and_others_must_agree():
    old, new = Entity("1", "A", (("x",), 1.0)), Entity("1", "A", (("y",), 1.0))
    blocks = [
        EntityBlock("i.csv", 0, 5, [new, old], [[5, 7], [6]]),
        EntityBlock("i.csv", 0, 2, [old], [[2, 3]]),
    ]
    entities, rejected = merge_entities(
        "items", blocks, ("id", "title", "genre", "year")
    )
    assert entities == {"1": old}
    assert [(row.line, row.reason) for row in rejected] == [
        (5, "conflicting_entity"),
        (7, "conflicting_entity"),
    ]
    assert rejected[0].row == {"id": "1", "title": "A", "genre": ("y",), "year": 1.0}


def test_a_block_keeps_each_different_entity_once_with_its_lines(parse_block):
    data = b"1,A,x,1\n1,A,x,1\n1,A,y,1\n,B,x,1\n2,B,x,1,extra\n"
    block = Block("items.csv", 0, 2, data, ("id", "title", "genre", "year"))
    (part,), rejected = parse_block(parse_entities("items", SPEC), block)
    assert [entity.values[0] for entity in part.entities] == [("x",), ("y",)]
    assert list(map(list, part.lines)) == [[2, 3], [4]]
    assert [(row.table, row.line, row.reason) for row in rejected] == [
        ("items", 5, "missing_field"),
        ("items", 6, "malformed"),
    ]


def test_numbers_that_are_equal_but_not_alike_are_different_ids(parse_block):
    block = Block("items.parquet", 0, 1, {"id": [1, True, 1.0]})
    spec = EntitySpec(TableSpec("items.parquet", format="parquet"))
    (part,), _ = parse_block(parse_entities("items", spec), block)
    assert [entity.entity_id for entity in part.entities] == ["1", "True"]
    assert list(map(list, part.lines)) == [[1, 3], [2]]
