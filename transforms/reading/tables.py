"""The raw tables of a data set: which columns are read, and whether they are there."""

import codecs
import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from transforms.nearest_name import nearest
from transforms.reading.columnar_rows import parquet_blocks
from transforms.reading.packed_files import is_packed
from transforms.reading.raw_files import (
    PACKAGE_FORMATS,
    RawFile,
    find_raw_files,
    open_raw_file,
)
from transforms.reading.table_columns import FIXED_COLUMNS, json_keys, table_columns
from transforms.reading.text_rows import HeaderError
from transforms.specs import FeatureSpec
from transforms.table_spec import TableSpec

_COLUMNS_SHOWN = 30
# What may stand between the fields of a table whose `delimiter` is another.
_DELIMITERS = (",", ";", "\t", "|", "::")


@dataclasses.dataclass(frozen=True)
class UsedTable:
    """One use of a raw table.

    Attributes:
        meaning: What it is in the configuration, such as "interactions.table".
        table: The table.
        columns: Column read by its meaning, such as "interactions.user_column".
        optional: Meanings whose column may be empty, and absent from some files.
        prefix: What goes before a meaning to make it the key as it stands in the
            configuration, such as "data."; "" for tables of a known layout.
    """

    meaning: str
    table: TableSpec
    columns: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    prefix: str = ""

    @property
    def key(self) -> str:
        """The key of the table in the configuration."""
        return f"{self.prefix}{self.meaning}"


def used_table(use: str, spec: Any, prefix: str) -> UsedTable:
    """Returns the use of a table of which a specification names the columns.

    Args:
        use: The meaning of the specification, such as "interactions".
        spec: A dataclass with a `table`; what ends in "_column" and is not None names a
            column, and so do `features`, if it has any, whose columns may be empty, as
            a name may.
        prefix: As of `UsedTable`.
    """
    features = _feature_columns(use, getattr(spec, "features", ()))
    columns = {
        f"{use}.{field.name}": getattr(spec, field.name)
        for field in dataclasses.fields(spec)
        if field.name.endswith("_column") and getattr(spec, field.name) is not None
    }
    columns |= features
    optional = {f"{use}.name_column", *features} & columns.keys()
    return UsedTable(f"{use}.table", spec.table, columns, frozenset(optional), prefix)


def _feature_columns(use: str, features: Iterable[FeatureSpec]) -> dict[str, str]:
    columns = {}
    for feature in features:
        for column in feature.source_columns:
            of_several = f", {column}" if feature.flags else ""
            key = f"{use}.features, feature {feature.name!r}{of_several}"
            columns[key] = column
    return columns


def columns_by_table(tables: Iterable[UsedTable]) -> dict[TableSpec, tuple[str, ...]]:
    """Returns each distinct table with all columns read from it, each once; () for all.

    A table that serves as interactions, users and items is thus read once.
    """
    by_table: dict[TableSpec, dict[str, None]] = {}
    for used in tables:
        columns = by_table.setdefault(used.table, {})
        columns.update(dict.fromkeys(used.columns.values()))
    # Which columns of a wide table are cells, only its file tells.
    return {
        table: () if table.wide else tuple(columns)
        for table, columns in by_table.items()
    }


def check_tables(tables: Iterable[UsedTable], data_dir: str) -> None:
    """Checks before any work that every table and every column is there.

    A column that must have a value must be in each file, another one in some file. A
    JSON line may lack a key, so all lines together count; the keys, and the columns of
    a TensorFlow data set, which show only when it is read.

    Args:
        tables: The tables of the data set.
        data_dir: Folder of the raw tables.

    Raises:
        ValueError: If a file, archive member, column, encoding or package is missing,
            a file is damaged, or two columns that are read have one name.
    """
    for used in tables:
        _check_text_format(used)
        files = find_raw_files(used.table, data_dir, used.key)
        _check_one_file(used, files)
        if used.table.format in ("jsonl", "json"):
            _check_columns(
                used,
                used.table.path,
                json_keys(files, used.table, used.columns.values()),
            )
            continue
        by_file = {file.source: _columns_of(file, used) for file in files}
        anywhere = [column for columns in by_file.values() for column in columns or ()]
        for source, known in by_file.items():
            if known:
                _check_columns(used, source, known, anywhere)


def check_contents(tables: Iterable[UsedTable], data_dir: str) -> None:
    """Reads the files that tell only at their end whether they are whole.

    A worker that meets a cut archive could but stop the job.

    Args:
        tables: The tables of the data set.
        data_dir: Folder of the raw tables.

    Raises:
        FileError: If one is cut or damaged.
    """
    for table, columns in columns_by_table(tables).items():
        if table.format in PACKAGE_FORMATS:
            continue
        for file in find_raw_files(table, data_dir, "table"):
            is_parquet = table.format == "parquet"
            if not is_parquet and not is_packed(file.path):
                continue
            with open_raw_file(file, is_parquet=is_parquet) as stream:
                for _ in (
                    parquet_blocks(stream, columns)
                    if is_parquet
                    else iter(functools.partial(stream.read, 1 << 20), b"")
                ):
                    pass


def _check_columns(
    used: UsedTable,
    source: str,
    known: Sequence[str],
    anywhere: Sequence[str] | None = None,
) -> None:
    """Checks the columns of one file.

    Args:
        used: The table.
        source: Name of the file.
        known: Its columns.
        anywhere: Columns of all files, where those that may be empty must be; those of
            this one if None.
    """
    for meaning, column in used.columns.items():
        is_optional = meaning in used.optional and anywhere is not None
        if column not in (anywhere if is_optional and anywhere else known):
            shown = ", ".join(" ".join(name.split()) for name in known[:_COLUMNS_SHOWN])
            raise ValueError(
                f"{source} has no column {column!r} ({used.prefix}{meaning})"
                f"{_cure(used, column, known)} Columns: {shown}"
                f"{', ...' if len(known) > _COLUMNS_SHOWN else ''}."
            )
        if known.count(column) > 1:
            raise ValueError(
                f"{source} has {known.count(column)} columns {column!r} "
                f"({used.prefix}{meaning}): rename all but the one to be read."
            )


def _columns_of(file: RawFile, used: UsedTable) -> list[str] | None:
    """Returns the columns of one file, None if only reading tells."""
    try:
        return table_columns(file, used.table)
    except HeaderError as error:
        line = error.line.decode(used.table.encoding, "replace")
        raise ValueError(f"{error}{_other_delimiter(used, line) or '.'}") from None


def _cure(used: UsedTable, column: str, known: Sequence[str]) -> str:
    """Says what else separates the names of a table, or which name is near."""
    table = used.table
    line = table.delimiter.join(known)
    other, near = "", nearest(column, known)
    if table.format == "csv" and table.header is None:
        other = _other_delimiter(used, line, column if len(known) > 1 else None)
        if near == "." and not set(known) & set(used.columns.values()):
            near = f"; name its columns in {used.key}.header if it has no header line."
    return other or near


def _other_delimiter(used: UsedTable, line: str, column: str | None = None) -> str:
    """Says by what else a header line can be cut, into a column if one is given."""
    for other in _DELIMITERS:
        names = [name.strip(" \"'") for name in line.split(other)]
        is_cut = len(names) > 1 if column is None else column in names
        if other != used.table.delimiter and is_cut:
            return (
                f": its names seem to be separated by {other!r}, so set "
                f"{used.key}.delimiter: {json.dumps(other)}."
            )
    return ""


def _check_one_file(used: UsedTable, files: Sequence[RawFile]) -> None:
    if used.table.format in FIXED_COLUMNS and len(files) > 1:
        raise ValueError(
            f"{used.key}.path must name one file, since lines of format "
            f"{used.table.format!r} are known by their number, got {len(files)} files "
            f"for {used.table.path!r}."
        )


def _check_text_format(used: UsedTable) -> None:
    table = used.table
    if len(table.delimiter) != 1 and table.delimiter != "::":
        raise ValueError(
            f"{used.key}.delimiter must be one character or '::', "
            f"got {table.delimiter!r}."
        )
    try:
        codecs.lookup(table.encoding)
        one_byte = "\n".encode(table.encoding) == b"\n"
    except LookupError:
        one_byte = False
    if not one_byte:
        raise ValueError(
            f"{used.key}.encoding must be a known encoding whose line break is one "
            f"byte, such as 'utf-8' or 'latin-1', got {table.encoding!r}."
        )
