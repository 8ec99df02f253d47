"""A file of new interactions: which of its columns are which."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pipeline.onboarding.own_table import OwnTable
from transforms.reading.blocks import Block
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
    """Reads the header of a file.

    Args:
        path: The file, text.
        own: The table of the configuration, if one is known.
        feature_names: Features that the model takes of a user.

    Returns:
        The file, like the table of the configuration if its columns are there. Else it
        is CSV with the columns `REQUIRED`, in any order.

    Raises:
        DataError: If there is no such file, or a column is missing, unknown or there
            twice; it names file and column.
    """
    if not path.is_file():
        raise DataError(f"{path} must be a CSV file: there is none.")
    with path.open("rb") as file:
        skip_byte_order_mark(file)
        text = file.read()
    table = TableSpec(str(path))
    block = _block(path, text, table)
    has_names = set(REQUIRED) <= set(block.header)
    # A table that names no columns itself could be any.
    if own is not None and not (has_names and own.interactions.table.header):
        own_block = _block(path, text, own.interactions.table)
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


def _timed(table: OwnTable, columns: Collection[str]) -> OwnTable:
    """Returns a table without its column of the time, if that is not there."""
    if table.interactions.time_column in columns:
        return table
    interactions = dataclasses.replace(table.interactions, time_column=None)
    return dataclasses.replace(table, interactions=interactions)


def _block(path: pathlib.Path, text: bytes, table: TableSpec) -> Block:
    """Returns the rows of a file, below the line that names its columns, if any."""
    if table.header is not None:
        return Block(str(path), 0, first_line=1, data=text, header=table.header)
    line, _, rows = text.partition(b"\n")
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
