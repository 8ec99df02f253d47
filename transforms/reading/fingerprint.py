"""What raw files are: a short text that changes with them, and how large they are."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterable
from typing import Any

from transforms.paths import path_of
from transforms.reading.columnar_rows import package_version
from transforms.reading.packed_files import is_packed
from transforms.reading.raw_files import PACKAGE_FORMATS, find_raw_files
from transforms.reading.tables import UsedTable
from transforms.schema import FORMAT_VERSION
from transforms.specs import CommonSpec
from transforms.splits import split_file
from transforms.table_spec import TableSpec

_DIGEST_SIZE = 8

# Bytes of text that a byte of a packed or a Parquet file stands for, about.
_UNPACKED = 4


def fingerprint(spec: CommonSpec, tables: Iterable[UsedTable], data_dir: str) -> str:
    """Returns a hash of the specification, the format version and the raw data.

    Args:
        spec: The data set.
        tables: Its tables.
        data_dir: Folder of the raw tables.

    Returns:
        16 hexadecimal digits. Equal ones mean that preparing again would change
        nothing. A package's data set counts by its name and the package's version.

    Raises:
        ValueError: If an input file or package is missing.
    """
    inputs = {used.meaning: _table_inputs(used, data_dir) for used in tables}
    if spec.split.path is not None:
        path = split_file(spec.split.path, data_dir)
        inputs["split"] = [[spec.split.path, _digest(path)]]
    content = {
        "format_version": FORMAT_VERSION,
        "spec": dataclasses.asdict(spec),
        "inputs": inputs,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=_DIGEST_SIZE).hexdigest()


def _table_inputs(used: UsedTable, data_dir: str) -> list[list[Any]]:
    table = used.table
    if table.format in PACKAGE_FORMATS:
        return [[table.path, package_version(table.format)]]
    files = find_raw_files(table, data_dir, used.key)
    return [[file.source, _digest(path_of(file.path))] for file in files]


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, hashlib.blake2b).hexdigest()


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
