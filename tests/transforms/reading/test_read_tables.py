import gzip

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from raw_blocks import read_blocks

from transforms.reading import columnar_rows
from transforms.reading.blocks import rows_of
from transforms.reading.raw_files import RawFile, find_raw_files
from transforms.reading.read_tables import (
    BlockOptions,
    RowGroup,
    Stretch,
    find_parts,
    read_each_table,
    read_table,
)
from transforms.reading.tables import UsedTable
from transforms.table_spec import TableSpec


def read(folder, table, columns, text_block_bytes=1 << 20):
    return [
        row
        for file in find_raw_files(table, str(folder), "table")
        for block in read_blocks(
            file, table, columns, text_block_bytes=text_block_bytes
        )
        for row in rows_of(block, table, columns)
    ]


@pytest.mark.parametrize("text_block_bytes", [1, 6, 1000])
def test_line_numbers_are_those_of_the_file_whatever_the_block(
    tmp_path, text_block_bytes
):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfid,x\n1,a\n\n2,b\n3,c")
    rows = read(tmp_path, TableSpec("t.csv"), ("id",), text_block_bytes)
    assert rows == [(2, ("1",)), (4, ("2",)), (5, ("3",))]


def test_without_a_header_line_the_first_line_is_a_row(tmp_path):
    (tmp_path / "t.csv").write_text("1,a\n")
    table = TableSpec("t.csv", header=("id", "x"))
    assert read(tmp_path, table, ("x",)) == [(1, ("a",))]


def test_parquet_rows_are_numbered_from_one_across_row_groups(tmp_path):
    table = pa.table({"id": [1, 2, 3], "tags": [["a"], [], None]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    spec = TableSpec("t.parquet", format="parquet")
    rows = read(tmp_path, spec, ("id", "tags"))
    assert rows == [(1, (1, ["a"])), (2, (2, [])), (3, (3, None))]


def test_tensorflow_data_sets_are_read_by_batch(monkeypatch):
    batches = [
        {"user_id": np.array([b"u1", b"u2"]), "unused": np.array([0, 0])},
        {"user_id": np.array([b"u3"]), "unused": np.array([0])},
    ]
    monkeypatch.setattr(columnar_rows, "load_tfds", lambda name, folder: iter(batches))
    table = TableSpec("movielens/1m-ratings", format="tfds")
    rows = read("/nowhere", table, ("user_id",))
    assert rows == [(1, (b"u1",)), (2, (b"u2",)), (3, (b"u3",))]


def test_a_column_that_a_tensorflow_data_set_lacks_is_named(monkeypatch):
    batches = [{"user_id": np.array([b"u1"])}]
    monkeypatch.setattr(columnar_rows, "load_tfds", lambda name, folder: iter(batches))
    table = TableSpec("movielens/1m-ratings", format="tfds")
    with pytest.raises(ValueError, match=r"no column 'movie_id'\. Columns: user_id"):
        read("/nowhere", table, ("movie_id",))


def test_blocks_flow_through_the_pipeline(tmp_path):
    (tmp_path / "t.csv").write_text("id\n1\n2\n")
    table = TableSpec("t.csv")
    files = [RawFile("t.csv", 0, str(tmp_path / "t.csv"))]
    with TestPipeline("FnApiRunner") as root:
        blocks = (
            root
            | beam.Create(files)
            | read_table(table, ("id",), data_dir="", text_block_bytes=2)
        )
        places = blocks | beam.Map(lambda block: (block.first_line, block.data))
        assert_that(places, equal_to([(2, b"1\n"), (3, b"2\n")]))


@pytest.mark.parametrize("packed", [False, True])
def test_rows_are_read_where_they_are_parsed_if_the_file_can_be_cut(tmp_path, packed):
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(b"id\n1\n2\n") if packed else b"id\n1\n2\n")
    table, file = TableSpec("t.csv"), RawFile("t.csv", 0, str(path))
    parts = find_parts(file, table, ("id",), data_dir="", text_block_bytes=2)
    data = [part.data for part in parts]
    cut = [Stretch(file, 3, 2), Stretch(file, 5, 2)]
    assert data == ([b"1\n", b"2\n"] if packed else cut)


def test_each_row_group_is_a_part(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3]}), path, row_group_size=2)
    table = TableSpec("t.parquet", format="parquet")
    file = RawFile("t.parquet", 0, str(path))
    parts = find_parts(file, table, ("id",), data_dir="", text_block_bytes=2)
    places = [(part.first_line, part.data) for part in parts]
    assert places == [(1, RowGroup(file, 0)), (3, RowGroup(file, 1))]


def test_the_size_of_a_block_is_positive():
    files = beam.Pipeline("FnApiRunner") | beam.Create([])
    read = read_table(TableSpec("t.csv"), (), data_dir="", text_block_bytes=0)
    with pytest.raises(ValueError, match="text_block_bytes must be at least 1, got 0"):
        _ = files | read


@pytest.mark.parametrize(("block_bytes", "is_spread"), [(7, False), (6, True)])
def test_a_table_of_one_block_is_not_spread(tmp_path, block_bytes, is_spread):
    (tmp_path / "t.csv").write_text("id\n1\n2\n")
    used = UsedTable("table", TableSpec("t.csv"), {"column": "id"})
    root = beam.Pipeline("FnApiRunner", BlockOptions(text_block_bytes=block_bytes))
    read_each_table(root, [used], str(tmp_path))
    transforms = root.to_runner_api().components.transforms.values()
    names = {transform.unique_name for transform in transforms}
    assert "Read0" in names
    assert ("Read0/SpreadParts" in names) is is_spread
