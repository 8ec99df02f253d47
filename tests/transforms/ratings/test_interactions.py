import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.ratings.interactions import (
    Interaction,
    ParseInteractions,
    parse_interaction,
)
from transforms.reading.blocks import Block
from transforms.reading.row_error import RowError
from transforms.schema import InteractionSpec, TableSpec
from transforms.stable_hash import shard_of

SPEC = InteractionSpec(TableSpec("r.csv"))
HEADER = ("user_id", "item_id", "rating")


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
        (("u\n", "i\nj", "3"), "malformed: line break"),
    ],
)
def test_rows_that_are_no_interaction_are_refused(values, message):
    with pytest.raises(RowError, match=message):
        parse_interaction(values, SPEC)


def test_each_row_goes_to_the_shard_of_its_user_or_is_refused():
    data = b"u1,i1,5\nu2,i1,6\nu1,i2,4\nu3,i1,1\n"
    block = Block("r.csv", 0, 2, data, HEADER)
    with TestPipeline("FnApiRunner") as root:
        parsed = root | beam.Create([block]) | ParseInteractions(SPEC, 50)
        shards = parsed.shards | beam.MapTuple(
            lambda shard, part: (shard, part.users, part.items, list(part.lines))
        )
        expected = [
            (shard_of("u1", 50), ["u1", "u1"], ["i1", "i2"], [2, 4]),
            (shard_of("u3", 50), ["u3"], ["i1"], [5]),
        ]
        assert_that(shards, equal_to(expected), label="shards")
        rejected = parsed.rejected | beam.Map(lambda row: (row.line, row.reason))
        assert_that(rejected, equal_to([(3, "label_out_of_range")]), label="rejected")
    (read,) = root.result.metrics().query()["counters"]
    assert (read.key.metric.name, read.committed) == ("interactions_read", 4)


def test_the_labels_of_a_block_belong_to_its_rows():
    block = Block("r.csv", 0, 2, b"u1,i1,5\nu1,i2,3\n", HEADER)
    with TestPipeline("FnApiRunner") as root:
        parsed = root | beam.Create([block]) | ParseInteractions(SPEC, 1)
        labels = parsed.shards | beam.MapTuple(lambda _, part: list(part.labels))
        assert_that(labels, equal_to([[5.0, 3.0]]))
