import json

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts
from transforms.schema import DatasetInfo
from transforms.writing.catalogue import Catalogue, WriteCatalogue
from transforms.writing.entity_files import encode_entity
from transforms.writing.output_files import OutputFiles

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


def make(used):
    """A catalogue of one user and two items."""
    return Catalogue(
        records={"user": [encode_entity(1, "u", 5)]},
        vocabularies={"user_id": ["u"], "item_id": ["i", "j"]},
        names={"item": ["An item", ""]},
        schema=schema_pb2.Schema(),
        statistics=statistics_pb2.DatasetFeatureStatisticsList(),
        info=INFO,
        counts={"items": RowCounts(used=sum(used))},
        rejected=[REFUSED],
    )


@pytest.fixture
def files(tmp_path):
    return OutputFiles(str(tmp_path))


def test_a_catalogue_is_written_line_by_row(files, read_records):
    make([3, 4]).write(files)
    assert files.lines("vocabulary/item_id.txt") == ["i", "j"]
    assert files.lines("names/item.txt") == ["An item", ""]
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
        catalogue = known | WriteCatalogue(make, files)
        assert_that(catalogue.written, equal_to([None]), label="written")
        assert_that(catalogue.rejected, equal_to([REFUSED]), label="rejected")
    staged = json.loads(files.read(".stage/dataset.json"))
    assert staged["counts"]["items"]["used"] == 3 + 4
