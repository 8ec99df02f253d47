"""Parts of a file, which one worker finds and others read.

So a large file is read by several workers, and its rows are never sent to them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from transforms.reading.blocks import Block
from transforms.reading.columnar_rows import parquet_blocks
from transforms.reading.packed_files import is_packed
from transforms.reading.raw_files import RawFile, open_raw_file


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
