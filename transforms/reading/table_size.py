"""How large a raw table is about, which its files tell without being read."""

from __future__ import annotations

from transforms.paths import path_of
from transforms.reading.packed_files import is_packed
from transforms.reading.raw_files import PACKAGE_FORMATS, find_raw_files
from transforms.table_spec import TableSpec

# Bytes of text that a byte of a packed or a Parquet file stands for, about.
_UNPACKED = 4


def text_bytes(table: TableSpec, data_dir: str) -> int:
    """Estimates the bytes of a table as plain text; 0 for the data set of a package.

    Args:
        table: The table.
        data_dir: Folder of the raw tables.

    Raises:
        ValueError: If there is no such file.
    """
    if table.format in PACKAGE_FORMATS:
        return 0
    total = 0
    for file in find_raw_files(table, data_dir, "table"):
        is_dense = table.format == "parquet" or is_packed(file.path)
        size = path_of(file.path).stat().st_size
        total += size * (_UNPACKED if is_dense else 1)
    return total
