import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest

from transforms.ratings.interactions import (
    InteractionBlock,
    InteractionParser,
    interaction_columns,
)
from transforms.reading.block_columns import block_columns
from transforms.reading.blocks import Block, rows_of
from transforms.reading.row_error import RowError, UnwantedRowError
from transforms.reading.text_rows import UnreadableRow
from transforms.specs import InteractionSpec
from transforms.table_spec import TableSpec

HEADER = ("user_id", "item_id", "rating", "other")
TEXTS = [
    b"u1,i1,4,x\nu2,i1,5.0,y\nu1,i2,3,\n",
    b"u1,i1,4,x\r\nu2,i1,5,y\r\n",
    b"u1,i1,4,x\nu2,i2,5,y",
    b"7,007,4,x\n7,1.0,4,x\n",
    b" u1,i1 ,4,x\nu1,i1, 5 ,x\n",  # Blanks around.
    "é,i1,4,x\nu,ß,5,\u3000\n".encode(),
    b"u\x00v,i\x1f,4,x\n",
    b"u1,i1,4e0,x\nu1,i2,+4,x\nu1,i3,1_0,x\n",
    b"u1,i1,4,x\n\nu2,i1,5,y\n",
    b"u1,i1,4,x\n\r\nu2,i1,5,y\n",
    b"u1,i1,4,x\ru2,i1,5,y\n",
    b'u1,"i,1",4,x\nu2,i1,5,y\n',
    b"u1,i1,4\nu2,i1,5,y\n",
    b"u1,i1,4,x,z\nu2,i1,5,y\n",
    b"u1,i1,4,\xff\nu2,i1,5,y\n",
    b",i1,4,x\nu2,i1,5,y\n",
    b"u1,i1,,x\nu2,i1,5,y\n",
    b"u1,i1,NA,x\nu2,NA,5,y\n",
    b"u1,i1,9,x\nu2,i1,nan,y\n",
    b"u1,i\xc2\x85j,4,x\nu2,i1,5,y\n",
    b"",
]
TABLES = [
    TableSpec("r.csv"),
    TableSpec("r.csv", quote="", missing=("NA", "x")),
    TableSpec("r.csv", encoding="latin-1"),
    TableSpec("r.csv", extra_fields=True),
]
COLUMNS = {
    "texts": ["u1", "u2", "u1"],
    "empty": ["u1", "", "u3"],
    "null": ["u1", None, "u3"],
    "whole": pa.array([3, 1, 3], pa.int32()),
    "unsigned": pa.array([3, 1, 2**63], pa.uint64()),
    "zeros": [1.0, -0.0, 0.0],
    "nan": [1.0, 2.0, float("nan")],
    "short": pa.array([1.5, 2.25, 1.1], pa.float32()),
    "half": pa.array([np.float16(1.5)] * 3, pa.float16()),
    "true": [True, False, True],
    "coded": pa.array(["1", "2", "1"]).dictionary_encode(),
    "coded_null": pa.array(["1", None, "1"]).dictionary_encode(),
    "large": pa.array(["1", "2", "1"], pa.large_string()),
    "bytes": [b"1", b"\xff", b"1"],
    "decimal": [decimal.Decimal("1.50"), decimal.Decimal("2"), None],
    "day": [datetime.date(2001, 2, 3)] * 3,
    "list": [["1"], ["2"], []],
}


def read(block, spec, *, by_column, **options):
    """What becomes of a block, by column or row by row; None if it cannot be."""
    parser = InteractionParser(spec, 3, block, **options)
    columns = interaction_columns(spec)
    others = []
    if by_column:
        rows = block_columns(block, spec.table, columns)
        if rows is None or not parser.add_columns(rows):
            return None
    else:
        for line, fields in rows_of(block, spec.table, columns):
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                parser.add(line, fields)
            except (RowError, UnwantedRowError) as error:
                others.append((line, error.reason))
    rows = []
    for shard, packed in parser.parsed():
        part = InteractionBlock.unpacked(packed)
        lists = [c.to_list() for c in (part.users, part.items, part.labels)]
        times = part.lines if part.times is None else part.times
        lines = (part.first_line + part.lines).tolist()
        rows += zip([shard] * len(lines), *lists, lines, times.tolist(), strict=True)
    return sorted(map(repr, rows)), others, parser.counts.normalized


def spec_of(table, **changes):
    return InteractionSpec(table, label_min=-5.0, label_max=5.0, **changes)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("data", TEXTS)
def test_text_is_read_by_column_as_row_by_row_or_not_at_all(data, table, normalize):
    block = Block("r.csv", 0, 2, data, HEADER)
    found = read(block, spec_of(table), by_column=True, normalize=normalize)
    expected = read(block, spec_of(table), by_column=False, normalize=normalize)
    assert found in (None, expected)


@pytest.mark.parametrize("delimiter", ["::", "\t", "|"])
def test_other_delimiters_are_read_by_column_too(delimiter):
    data = b"u:1,i1,4,x\nu2,i1,5.0,y\n".replace(b",", delimiter.encode())
    block = Block("r.csv", 0, 2, data, HEADER)
    spec = spec_of(TableSpec("r.csv", delimiter=delimiter))
    found = read(block, spec, by_column=True)
    assert found is not None
    assert found == read(block, spec, by_column=False)


@pytest.mark.parametrize("label", COLUMNS)
@pytest.mark.parametrize("item", COLUMNS)
def test_record_batches_are_read_by_column_as_row_by_row_or_not_at_all(item, label):
    columns = [COLUMNS["texts"], COLUMNS[item], COLUMNS[label]]
    data = pa.record_batch(list(map(pa.array, columns)), list(HEADER[:3]))
    block = Block("r.parquet", 0, 1, data)
    spec = spec_of(TableSpec("r.parquet", format="parquet"))
    found = read(block, spec, by_column=True)
    assert found in (None, read(block, spec, by_column=False))


@pytest.mark.parametrize("time", [[3, 1, 2], ["2001-02-03", "5", "0.5"], [1.5, 2, 3]])
def test_times_are_read_by_column_too(time):
    columns = [*[COLUMNS["texts"]] * 2, COLUMNS["whole"], time]
    names = ["user_id", "item_id", "rating", "time"]
    data = pa.record_batch(list(map(pa.array, columns)), names)
    table = TableSpec("r.parquet", format="parquet")
    spec = spec_of(table, keep="last", time_column="time")
    block = Block("r.parquet", 0, 1, data)
    found = read(block, spec, by_column=True)
    assert found is not None
    assert found == read(block, spec, by_column=False)


@pytest.mark.parametrize("data", TEXTS[:8])
def test_clean_blocks_are_read_by_column(data):
    block = Block("r.csv", 0, 2, data.replace(b"1_0", b"1"), HEADER)
    assert read(block, spec_of(TABLES[0]), by_column=True) is not None
