"""Blocks of raw rows to interactions, sharded by user."""

from __future__ import annotations

import array
import dataclasses
import functools
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from transforms.raw_text import normal_id
from transforms.reading.blocks import Block
from transforms.reading.parse_rows import ParseRows
from transforms.reading.row_error import (
    LABEL_OUT_OF_RANGE,
    MISSING_FIELD,
    RowError,
    UnwantedRowError,
)
from transforms.reading.shards import ColumnsByShard
from transforms.reading.values import as_number, as_text, as_time
from transforms.row_counts import RowCounts
from transforms.specs import InteractionSpec

# What refused rows say they were read as.
INTERACTIONS = "interactions"

# Reason of `num_dropped`: the table says that there is no label.
NO_LABEL = "no_label"

_LABEL_DIGITS = 9  # 3 * 0.1 is to be 0.3.


class Interaction(NamedTuple):
    """One user-item event with its label."""

    user_id: str
    item_id: str
    label: float


@dataclasses.dataclass
class InteractionBlock:
    """The interactions of one block and one shard, by column, in the file's order.

    Attributes:
        source: The file.
        source_index: Position of the file among those of its table.
        first_line: First line of the block they come from.
        users: User ids.
        items: Item ids.
        labels: Labels.
        lines: Line numbers.
        times: Times; none if they are not read.
    """

    source: str = ""
    source_index: int = 0
    first_line: int = 0
    users: list[str] = dataclasses.field(default_factory=list)
    items: list[str] = dataclasses.field(default_factory=list)
    labels: array.array[float] = dataclasses.field(
        default_factory=lambda: array.array("d")
    )
    lines: array.array[int] = dataclasses.field(
        default_factory=lambda: array.array("q")
    )
    times: array.array[float] = dataclasses.field(
        default_factory=lambda: array.array("d")
    )


class InteractionParser:
    """Reads the interactions of one block, by the shard of their user.

    Args:
        spec: Columns and label range.
        num_shards: Shards that users are spread over.
        block: The block.
        normalize: Whether ids that differ in form only are one.
    """

    def __init__(
        self,
        spec: InteractionSpec,
        num_shards: int,
        block: Block,
        *,
        normalize: bool = False,
    ) -> None:
        self.counts = RowCounts()
        self._spec = spec
        self._normalize = normalize
        place = (block.source, block.source_index, block.first_line)
        self._columns = ColumnsByShard(num_shards, lambda: InteractionBlock(*place))

    def add(self, line: int, fields: Sequence[Any]) -> None:
        """Reads one row; raises `RowError` if it is no interaction."""
        time_column = self._spec.time_column
        if time_column is not None:
            *fields, raw_time = fields
            time = as_time(raw_time, time_column)
        user_id, item_id, label = parse_interaction(
            fields, self._spec, normalize=self._normalize
        )
        columns = self._columns[user_id]
        # One object for equal ids: smaller to send and to hold.
        columns.users.append(sys.intern(user_id))
        columns.items.append(sys.intern(item_id))
        columns.labels.append(label)
        columns.lines.append(line)
        if time_column is not None:
            columns.times.append(time)

    def parsed(self) -> Iterable[tuple[int, InteractionBlock]]:
        """Returns (shard, `InteractionBlock`) pairs."""
        return self._columns.shards.items()


def parse_interactions(
    spec: InteractionSpec, num_shards: int, *, normalize: bool = False
) -> ParseRows:
    """Returns the stage that turns `Block`s into (shard, `InteractionBlock`) pairs.

    Args:
        spec: Table, columns and label range.
        num_shards: Shards that users are spread over.
        normalize: Whether ids that differ in form only are one.
    """
    new_parser = functools.partial(
        InteractionParser, spec, num_shards, normalize=normalize
    )
    return ParseRows(INTERACTIONS, spec.table, interaction_columns(spec), new_parser)


def parse_interaction(
    values: Sequence[Any], spec: InteractionSpec, *, normalize: bool = False
) -> Interaction:
    """Reads one interaction.

    Args:
        values: User id, item id and label as they are in the table.
        spec: The label range, and what labels are multiplied by and shifted by.
        normalize: Whether ids that differ in form only are one.

    Returns:
        The interaction.

    Raises:
        RowError: If a field is empty, or the label is no number or out of range.
        UnwantedRowError: If the label is one of the codes for nothing known.
    """
    raw_user, raw_item, raw_label = values
    user_id, item_id, label = as_text(raw_user), as_text(raw_item), as_number(raw_label)
    if user_id is None or item_id is None:
        column = spec.user_column if user_id is None else spec.item_column
        raise RowError(MISSING_FIELD, f"{column} is empty")
    if label is None:
        if spec.table.missing:
            raise UnwantedRowError(NO_LABEL)
        raise RowError(MISSING_FIELD, f"{spec.label_column} is empty")
    if normalize:
        user_id, item_id = normal_id(user_id), normal_id(item_id)
    if spec.label_scale != 1.0 or spec.label_shift:
        label = round(label * spec.label_scale + spec.label_shift, _LABEL_DIGITS)
    if not spec.label_min <= label <= spec.label_max:
        raise RowError(
            LABEL_OUT_OF_RANGE,
            f"{spec.label_column} must be within "
            f"[{spec.label_min:g}, {spec.label_max:g}], got {label:g}",
        )
    return Interaction(user_id, item_id, label)


def interaction_columns(spec: InteractionSpec) -> tuple[str, ...]:
    """Returns the columns of an interaction: user, item, label, and perhaps time."""
    time = () if spec.time_column is None else (spec.time_column,)
    return spec.user_column, spec.item_column, spec.label_column, *time
