import pytest

from transforms.entities.entities import (
    Entity,
    EntityBlock,
    merge_entities,
    parse_entities,
    parse_entity,
)
from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError
from transforms.row_counts import RowCounts
from transforms.specs import EntitySpec, FeatureSpec
from transforms.table_spec import TableSpec

SPEC = EntitySpec(
    TableSpec("items.csv"),
    name_column="title",
    features=(FeatureSpec("genre", kind="multi"), FeatureSpec("year", kind="numeric")),
)


def test_an_entity_has_an_id_a_name_and_its_features():
    entity, faults = parse_entity((31.0, "Dune", "a|b", "1984"), SPEC)
    assert faults.readable == ["genre", "year"]
    assert entity == Entity("31", "Dune", (("a", "b"), 1984.0))


def test_unknown_features_are_no_reason_to_refuse_a_row():
    entity, faults = parse_entity(("31", None, None, "about 1984"), SPEC)
    assert (faults.readable, faults.unreadable) == ([], ["year"])
    assert faults.empty == ["genre"]
    assert entity == Entity("31", "", ((), None))


def test_line_breaks_in_a_name_become_blanks():
    entity, _ = parse_entity(("1", "One\r\ntwo", "", ""), SPEC)
    assert entity.name == "One two"


def test_an_entity_without_an_id_is_refused():
    with pytest.raises(RowError, match="missing_field: id is empty"):
        parse_entity(("", "Dune", "a", "1984"), SPEC)


@pytest.mark.parametrize("genre", ["a\nb", {"a": 1}, b"\xff", "\ud800"])
def test_a_feature_that_cannot_be_read_is_unknown_and_refuses_no_entity(genre):
    entity, faults = parse_entity(("1", "Dune", genre, "1984"), SPEC)
    assert entity == Entity("1", "Dune", ((), 1984.0))
    assert faults.unreadable == ["genre"]


def test_a_name_that_cannot_be_read_is_none():
    entity, faults = parse_entity(("1", b"\xff", "a", 1984), SPEC)
    assert entity == Entity("1", "", (("a",), 1984.0))
    assert faults.unreadable == ["title"]


def test_of_what_cannot_be_read_one_value_is_shown_with_its_column():
    features = (
        FeatureSpec("price", "cost", kind="numeric"),
        FeatureSpec("genre", kind="multi", flags=("war", "love")),
    )
    spec = EntitySpec(TableSpec("goods.csv"), features=features)
    _, faults = parse_entity(("1", "$" + "9" * 90, "1", "perhaps"), spec)
    assert faults.examples == {
        "price": f"'${'9' * 38}... in column 'cost'",
        "genre": "'perhaps' in column 'love'",
    }
    first, second = RowCounts(), RowCounts(examples={"genre": "'a' in column 'war'"})
    faults.count(first, 2)
    for one, other in ((first, second), (second, first)):
        merged = RowCounts()
        merged.merge(one)
        merged.merge(other)
        assert merged.unreadable == {"price": 2, "genre": 2}
        examples = faults.examples | {"genre": "'a' in column 'war'"}
        assert merged.examples == examples


def test_ids_that_differ_in_form_only_are_one_if_that_is_wished():
    for text in ("007", " 7.0", 7):
        entity, _ = parse_entity((text, "", "", ""), SPEC, normalize=True)
        assert entity.entity_id == "7"


def test_the_first_row_of_an_id_counts_and_others_must_agree():
    old, new = Entity("1", "A", (("x",), 1.0)), Entity("1", "A", (("y",), 1.0))
    blocks = [
        EntityBlock("items", "i.csv", 0, 5, [new, old], [[5, 7], [6]]),
        EntityBlock("items", "i.csv", 0, 2, [old], [[2, 3]]),
    ]
    entities, rejected, counts = merge_entities(blocks, SPEC)
    assert entities == {"1": old}
    assert [(row.line, row.reason) for row in rejected] == [
        (5, "conflicting_entity"),
        (7, "conflicting_entity"),
    ]
    assert (counts.used, counts.refused) == (3, {"conflicting_entity": 2})
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
