import json

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms.entities.catalogue import Catalogue, write_catalogue
from transforms.entities.entity_table import EntityTable
from transforms.entities.value_counts import EntityValues
from transforms.entities.vocabularies import order_of_ids
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts
from transforms.schema import DatasetInfo
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import ID, NAME, NUM_TRAINING, SHARD, write_run

REFUSED = RejectedRow("items", "items.csv", 3, "conflicting_entity", "again", "i")
INFO = DatasetInfo(
    num_users=1,
    num_items=2,
    num_tasks={},
    num_dropped={},
    options={},
    user_features=(),
    item_features=(),
    label_min=1.0,
    label_max=5.0,
    label_mean=3.0,
    label_std=1.0,
    label_levels=(),
    num_interactions={},
)


def run(rows):
    columns = (ID, NUM_TRAINING, SHARD, NAME), zip(*rows, strict=True)
    return pa.table(dict(zip(*columns, strict=False)))


def make(used):
    """A catalogue of one user and two items."""
    nothing = EntityValues([], [[], [], []])
    return Catalogue(
        entities={
            "user": EntityTable(1, (), {"sex": ["F"]}, nothing, False),
            "item": EntityTable(2, (), {}, nothing, True),
        },
        order=order_of_ids,
        vocabularies={"scenario_id": ["s"]},
        names={"scenario": ["A scenario"]},
        schema=schema_pb2.Schema(),
        statistics=statistics_pb2.DatasetFeatureStatisticsList(),
        info=INFO,
        counts={"items": RowCounts(used=sum(used))},
        rejected=[REFUSED],
    )


@pytest.fixture
def files(tmp_path):
    """The output directory, with a run of users and two of items."""
    files = OutputFiles(str(tmp_path))
    write_run(files, "user", 0, 1, run([("u", 5, 1)]))
    for number, row in enumerate([("j", 0, 0, ""), ("i", 2, 0, "An item")]):
        write_run(files, "item", number, 2, run([row]))
    return files


def test_a_catalogue_is_written_line_by_row(files, read_records):
    make([3, 4]).write(files)
    assert files.lines("vocabulary/item_id.txt") == ["i", "j"]
    assert files.lines("vocabulary/sex.txt") == ["F"]
    assert files.lines("vocabulary/scenario_id.txt") == ["s"]
    assert files.lines("names/item.txt") == ["An item", ""]
    assert files.lines("names/scenario.txt") == ["A scenario"]
    assert not files.path("names/user.txt").exists()
    (user,) = read_records(files.path("entities/user-00000-of-00001.tfrecord"))
    assert user["num_training"] == [5]
    assert files.path("schema.pbtxt").exists()
    assert files.path("statistics.pbtxt").exists()
    staged = json.loads(files.path(".stage/dataset.json").read_text())
    assert staged["counts"]["items"]["used"] == 7


def test_refused_rows_come_out_of_the_stage_and_a_sign_that_all_is_written(files):
    with TestPipeline("FnApiRunner") as root:
        known = {"used": root | beam.Create([3, 4])}
        written, rejected = known | write_catalogue(make, files)
        assert_that(written, equal_to([None]), label="written")
        assert_that(rejected, equal_to([REFUSED]), label="rejected")
    staged = json.loads(files.read(".stage/dataset.json"))
    assert staged["counts"]["items"]["used"] == 3 + 4
