import pytest

from transforms.ratings.interactions import (
    Interaction,
    InteractionBlock,
    InteractionParser,
    parse_interaction,
    parse_interactions,
)
from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError, UnwantedRowError
from transforms.specs import InteractionSpec
from transforms.stable_hash import shard_of
from transforms.table_spec import TableSpec

SPEC = InteractionSpec(TableSpec("r.csv"))
HEADER = ("user_id", "item_id", "rating")


def rows_of_part(part):
    """User, item, label and line of each row."""
    columns = (column.to_list() for column in (part.users, part.items, part.labels))
    lines = (part.first_line + part.lines).tolist()
    return list(zip(*columns, lines, strict=True))


def test_an_interaction_has_ids_as_text_and_its_label():
    assert parse_interaction((" 1 ", 2.0, "4.5"), SPEC) == Interaction("1", "2", 4.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("", "i", "3"), "missing_field: user_id is empty"),
        (("u", None, "3"), "missing_field: item_id is empty"),
        (("u", "i", " "), "missing_field: rating is empty"),
        (("u", float("nan"), "3"), "missing_field: item_id is empty"),
        (("u", "i", "five"), "not_a_number: expected a number, got 'five'"),
        (("u", "i", "nan"), "not_a_number: expected a finite number, got 'nan'"),
        (("u", "i", "5.5"), r"label_out_of_range: rating .* \[1, 5\], got 5.5"),
        (("u", "i", 0.5), r"label_out_of_range: rating .* \[1, 5\], got 0.5"),
        (("u", "i", "99.0"), r"label_out_of_range: rating .* got 99 from '99.0'$"),
        (("u\n", "i\nj", "3"), "malformed: line break"),
    ],
)
def test_rows_that_are_no_interaction_are_refused(values, message):
    with pytest.raises(RowError, match=message):
        parse_interaction(values, SPEC)


def test_labels_are_scaled_shifted_and_then_looked_at():
    spec = InteractionSpec(
        TableSpec("r.csv"), label_scale=-0.1, label_shift=5.3, label_min=4, label_max=5
    )
    assert parse_interaction(("u", "i", "3"), spec).label == 5.0
    with pytest.raises(RowError, match=r"label_out_of_range: .* got 3\.3"):
        parse_interaction(("u", "i", "20"), spec)


def test_a_label_that_is_said_to_be_unknown_is_left_out():
    spec = InteractionSpec(TableSpec("r.csv", missing=("99",)))
    with pytest.raises(UnwantedRowError, match="no_label"):
        parse_interaction(("u", "i", None), spec)


def test_the_time_is_read_where_the_row_that_counts_depends_on_it(parse_block):
    spec = InteractionSpec(TableSpec("r.csv"), keep="last", time_column="day")
    data = b"u,i,4,1970-01-02\nu,j,4,soon\n"
    block = Block("r.csv", 0, 2, data, (*HEADER, "day"))
    (((_, packed),), (row,)) = parse_block(parse_interactions(spec, 1), block)
    part = InteractionBlock.unpacked(packed)
    assert part.times.tolist() == [86400.0]
    assert (row.line, row.reason) == (3, "not_a_time")


def test_the_first_and_the_last_time_are_counted():
    spec = InteractionSpec(TableSpec("r.csv"), time_column="day")
    parser = InteractionParser(spec, 2, Block("r.csv", 0, 2, b"", (*HEADER, "day")))
    parser.add(2, ("u", "i", 4, "1970-01-03"))
    parser.add(3, ("v", "i", 4, 86400))
    assert list(parser.parsed())
    assert parser.counts.times == [86400.0, 172800.0]


def test_a_scale_of_zero_is_refused():
    with pytest.raises(ValueError, match="label_scale must not be 0"):
        InteractionSpec(TableSpec("r.csv"), label_scale=0.0)


def test_each_row_goes_to_the_shard_of_its_user_or_is_refused(parse_block):
    data = b"u1,i1,5\nu2,i1,6\nu1,i2,4\nu3,i1,1\n"
    block = Block("r.csv", 7, 2, data, HEADER)
    shards, (row,) = parse_block(parse_interactions(SPEC, 50), block)
    parts = {shard: InteractionBlock.unpacked(packed) for shard, packed in shards}
    by_shard = {shard: rows_of_part(part) for shard, part in parts.items()}
    assert by_shard == {
        shard_of("u1", 50): [("u1", "i1", 5.0, 2), ("u1", "i2", 4.0, 4)],
        shard_of("u3", 50): [("u3", "i1", 1.0, 5)],
    }
    files = {(part.source, part.source_index) for part in parts.values()}
    assert files == {("r.csv", 7)}
    assert (row.table, row.line) == ("interactions", 3)
    assert row.reason == "label_out_of_range"


def test_labels_may_lie_below_0():
    spec = InteractionSpec(TableSpec("r.csv"), label_min=-10.0, label_max=10.0)
    assert (spec.label_min, spec.label_max) == (-10.0, 10.0)
