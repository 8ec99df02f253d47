"""The runs of ratings, by Beam: all that is known of an id meets in one partition."""

import array
import pickle
import uuid

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from rated_tasks import texts

from transforms.entities.entities import Entity, EntityBlock
from transforms.entities.entity_counts import EntityCounts
from transforms.entities.entity_runs import summary_of
from transforms.entities.vocabularies import order_of_ids
from transforms.entities.write_runs import write_runs
from transforms.ratings.runs import RatingRuns
from transforms.specs import DatasetSpec, EntitySpec, InteractionSpec
from transforms.table_spec import TableSpec
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import ID, NAME, NUM_TRAINING, read_runs

SPEC = DatasetSpec(
    InteractionSpec(TableSpec("r.csv")),
    items=EntitySpec(TableSpec("items.csv"), name_column="title"),
)


def counts(rows):
    """Counts of ids in tasks: pairs of each, all of them learnt from."""
    number = np.array(list(rows.values()))
    ones = np.ones(len(number), np.uint8)
    return EntityCounts(texts(list(rows)), number, number, ones, ones)


def block(first_line, *entities):
    lines = [array.array("q", [first_line + n]) for n in range(len(entities))]
    parsed = [Entity(one, name, ()) for one, name in entities]
    return EntityBlock("items", "items.csv", 0, first_line, parsed, lines)


ITEMS = [
    ("item", counts({"10": 1, "a": 2})),
    ("item", counts({"10": 4, "9": 1, "A": 5})),
    ("item", block(2, ("10", "Ten"), ("11", "Eleven"))),
    ("item", block(4, ("10", "Another"))),
]


@pytest.fixture
def summaries(tmp_path):
    """Those of three partitions, whose rows are in `tmp_path`."""
    make = RatingRuns(SPEC, ["u", "v"])
    users = [("user", counts({"u": 3, "w": 1}))]
    kept = tmp_path / "summaries"
    kept.mkdir()
    with TestPipeline("FnApiRunner") as root:
        known = {"items": root | "I" >> beam.Create(ITEMS)}
        known["users"] = root | "U" >> beam.Create(users)
        runs, rejected = known | write_runs(make, OutputFiles(str(tmp_path)), 3)
        lines = rejected | beam.Map(lambda row: (row.line, row.reason))
        assert_that(lines, equal_to([(4, "conflicting_entity")]), label="rejected")
        _ = runs | beam.Map(keep, kept)
    return [pickle.loads(path.read_bytes()) for path in kept.iterdir()]


def keep(summary, folder):
    (folder / uuid.uuid4().hex).write_bytes(pickle.dumps(summary))


def test_each_id_has_one_row_with_all_that_is_known_of_it(tmp_path, summaries):
    rows = pa_rows(tmp_path, "item")
    assert rows == [
        ("9", 1, ""),
        ("10", 5, "Ten"),
        ("11", 0, "Eleven"),
        ("A", 5, ""),
        ("a", 2, ""),
    ]
    assert len(summaries) == 2 * 3


def pa_rows(folder, kind):
    rows = []
    for part in read_runs(OutputFiles(str(folder)), kind, order_of_ids):
        columns = (part[name].to_pylist() for name in (ID, NUM_TRAINING, NAME))
        rows += zip(*columns, strict=True)
    return rows


def test_what_partitions_say_adds_up(summaries):
    items = summary_of(summaries, "item")
    assert items.num_rows == {"": 5}
    assert items.table_rows["items"].used == 2
    assert items.table_rows["items"].refused == {"conflicting_entity": 1}
    join = items.join("items", "interactions", "items")
    assert (join.num_left, join.num_right, join.num_both) == (4, 2, 1)
    assert (join.num_rows, join.num_rows_unmatched) == (13, 8)
    assert (join.left_examples, join.right_examples) == (("9", "A", "a"), ("11",))
    (forms,) = items.forms("items", "interactions")
    assert (forms.left_examples, forms.right_examples) == (("a",), ("A",))


def test_ids_of_a_split_file_are_looked_up_in_every_partition(summaries):
    users = summary_of(summaries, "user")
    join = users.join("users", "split.path", "interactions")
    assert (join.num_left, join.num_right, join.num_both) == (2, 2, 1)
    assert (join.left_examples, join.right_examples) == (("v",), ("w",))
