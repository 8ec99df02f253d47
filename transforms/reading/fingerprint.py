"""One short text for everything that a prepared data set depends on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterable
from typing import Any

from transforms.paths import path_of
from transforms.reading.columnar_rows import package_version
from transforms.reading.raw_files import PACKAGE_FORMATS, find_raw_files
from transforms.reading.tables import UsedTable
from transforms.schema import FORMAT_VERSION
from transforms.specs import CommonSpec
from transforms.splits import split_file

_DIGEST_SIZE = 8


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
