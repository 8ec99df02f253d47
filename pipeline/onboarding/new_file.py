"""The file of the first interactions: opened, and its columns known."""

import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pipeline.onboarding.own_table import OwnTable
from transforms.reading.blocks import Block
from transforms.reading.columnar_rows import parquet_blocks, parquet_columns
from transforms.reading.packed_files import PARQUET, archive_members, open_packed
from transforms.reading.text_rows import skip_byte_order_mark, split_header
from transforms.schema import DataError
from transforms.specs import InteractionSpec
from transforms.table_spec import TableSpec

REQUIRED = ("user_id", "item_id", "label")
_TIME = "timestamp"  # Allowed, since logs have it; read where `keep` goes by the time.


class NewFile(NamedTuple):
    """A file, and how it is read.

    Attributes:
        table: What its interactions are like.
        block: Its rows.
        features: Features of users by column.
    """

    table: OwnTable
    block: Block
    features: Mapping[str, str]


def open_new_file(
    path: pathlib.Path, own: OwnTable | None, feature_names: Collection[str]
) -> NewFile:
    """Reads a file, and finds out what its columns are.

    Args:
        path: The file, text or Parquet, and perhaps packed.
        own: The table of the configuration, if one is known.
        feature_names: Features that the model takes of a user.

    Returns:
        The file, like the table of the configuration if its columns are there. Else it
        is CSV or Parquet with the columns `REQUIRED`, in any order.

    Raises:
        DataError: If there is no such file, or it is of a kind that is not read, or a
            column is missing, unknown or there twice; it names file and column.
    """
    if not path.is_file():
        raise DataError(f"{path} must be a CSV or Parquet file: there is none.")
    table = TableSpec(str(path), format=_format(path))
    if own is not None and table.format == "parquet":
        own = own.in_file(table)
    content = _content(path, table)
    block = _block(path, content, table)
    has_names = set(REQUIRED) <= set(block.header)
    # A table that names no columns itself could be any.
    if own is not None and not (has_names and own.interactions.table.header):
        own_block = _block(path, content, own.interactions.table)
        if set(own.required) <= set(own_block.header):
            names = {
                column: name
                for column, name in own.features.items()
                if column in own_block.header and name in feature_names
            }
            return NewFile(_timed(own, own_block.header), own_block, names)
    features = _feature_columns(path, block.header, feature_names, own)
    interactions = InteractionSpec(table, *REQUIRED)
    if own is not None:
        time = None if own.interactions.time_column is None else _TIME
        interactions = dataclasses.replace(
            interactions, time_column=time, keep=own.interactions.keep
        )
    as_named = _timed(OwnTable(interactions), block.header)
    return NewFile(as_named, block, {name: name for name in features})


def _format(path: pathlib.Path) -> Literal["csv", "parquet"]:
    """Tells by its content what a file is."""
    with path.open("rb") as file:
        return "parquet" if file.read(len(PARQUET)) == PARQUET else "csv"


def _content(path: pathlib.Path, table: TableSpec) -> Any:
    """Returns text as bytes, or the lists of a Parquet file by column.

    Raises:
        FileError: If the file is of a kind that is not read, or damaged.
    """
    members = archive_members(str(path)) or ()
    member = next(iter(members)) if len(members) == 1 else None
    is_parquet = table.format == "parquet"
    with open_packed(str(path), member, str(path), is_parquet=is_parquet) as stream:
        if is_parquet:
            names = parquet_columns(stream)
            batches = [batch for _, batch in parquet_blocks(stream, names)]
            return {
                name: [one for batch in batches for one in batch[name].to_pylist()]
                for name in names
            }
        skip_byte_order_mark(stream)
        return stream.read()


def _timed(table: OwnTable, columns: Collection[str]) -> OwnTable:
    """Returns a table without its column of the time, if that is not there."""
    if table.interactions.time_column in columns:
        return table
    interactions = dataclasses.replace(table.interactions, time_column=None)
    return dataclasses.replace(table, interactions=interactions)


def _block(path: pathlib.Path, content: Any, table: TableSpec) -> Block:
    """Returns the rows of a file, below the line that names its columns, if any."""
    if table.format == "parquet":
        return Block(str(path), 0, first_line=1, data=content, header=(*content,))
    if table.header is not None:
        return Block(str(path), 0, first_line=1, data=content, header=table.header)
    line, _, rows = content.partition(b"\n")
    try:
        header = split_header(line, dataclasses.replace(table, path=str(path)))
    except ValueError as error:
        raise DataError(str(error)) from None
    return Block(str(path), 0, first_line=2, data=rows, header=header)


def _feature_columns(
    path: pathlib.Path,
    columns: Sequence[str],
    feature_names: Collection[str],
    own: OwnTable | None,
) -> Sequence[str]:
    """Checks the header, and returns the columns that are features."""
    for column in REQUIRED:
        if column not in columns:
            like = "" if own is None else f"; nor are {own.required}, as in --config"
            raise DataError(
                f"{path}, line 1: column {column!r} is missing, got {list(columns)}"
                f"{like}."
            )
    if len(set(columns)) < len(columns):
        raise DataError(f"{path}, line 1: columns must differ, got {list(columns)}.")
    features = [c for c in columns if c not in (*REQUIRED, _TIME)]
    if unknown := sorted(set(features) - set(feature_names)):
        known = [*REQUIRED, _TIME, *sorted(feature_names)]
        raise DataError(
            f"{path}, line 1: column {unknown[0]!r} is unknown; valid: {known}."
        )
    return features
