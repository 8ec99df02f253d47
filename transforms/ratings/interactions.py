"""Blocks of raw rows to interactions, sharded by user."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from transforms.reading.block_columns import BlockColumns, pack, unpack
from transforms.reading.blocks import Block
from transforms.reading.clean_values import clean_ids, clean_numbers, normal_columns
from transforms.reading.coded_column import (
    CodedColumn,
    Floats,
    Ints,
    coded_numbers,
    coded_texts,
    small,
)
from transforms.reading.parse_rows import ParseRows
from transforms.reading.row_error import (
    LABEL_OUT_OF_RANGE,
    MISSING_FIELD,
    RowError,
    UnwantedRowError,
)
from transforms.reading.values import as_number, as_text, as_time, normal_form
from transforms.row_counts import RowCounts
from transforms.specs import InteractionSpec
from transforms.stable_hash import shards_of

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


@dataclasses.dataclass(frozen=True)
class InteractionBlock:
    """The interactions of one block and one shard, by column, in the file's order.

    Attributes:
        source: The file.
        source_index: Position of the file among those of its table.
        first_line: First line of the block they come from.
        users: User ids.
        items: Item ids.
        labels: Labels.
        lines: Line numbers, counted from the first line.
        times: Times; None if they are not read.
    """

    source: str
    source_index: int
    first_line: int
    users: CodedColumn
    items: CodedColumn
    labels: CodedColumn
    lines: Ints
    times: Floats | None = None

    def packed(self) -> bytes:
        """Returns the bytes that `unpacked` takes."""
        columns = dict(vars(self))
        place = [columns.pop(name) for name in ("source", "source_index", "first_line")]
        columns["steps"] = small(np.diff(columns.pop("lines"), prepend=0))
        return pack(columns, place)

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """Returns the block that `packed` gave."""
        columns, place = unpack(data)
        columns["lines"] = np.cumsum(columns.pop("steps"), dtype=np.int64)
        return cls(*place, **columns)

    def take(self, rows: Ints) -> Self:
        """Returns some of the rows."""
        return dataclasses.replace(
            self,
            users=self.users.take(rows),
            items=self.items.take(rows),
            labels=self.labels.take(rows),
            lines=self.lines[rows],
            times=None if self.times is None else self.times[rows],
        )


class InteractionParser:
    """Reads the interactions of one block, by the shard of their user.

    Args:
        spec: Table, columns and label range.
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
        self._num_shards = num_shards
        self._place = (block.source, block.source_index, block.first_line)
        self._rows: list[tuple[Interaction, int, float]] = []
        self._parsed: InteractionBlock | None = None

    def add(self, line: int, fields: Sequence[Any]) -> None:
        """Reads one row; raises `RowError` if it is no interaction."""
        time_column = self._spec.time_column
        if time_column is not None:
            *fields, raw_time = fields
        plain = interaction = parse_interaction(fields, self._spec)
        time = 0.0 if time_column is None else as_time(raw_time, time_column)
        if self._normalize:
            interaction = parse_interaction(fields, self._spec, normalize=True)
            self.counts.count_forms(interaction_columns(self._spec), plain, interaction)
        self._rows.append((interaction, line, time))

    def add_columns(self, rows: BlockColumns) -> bool:
        """Reads all rows, or none if one is no interaction; see `ColumnParser`."""
        raw_users, raw_items, raw_labels, *raw_times = rows.columns
        users, items = (clean_ids(raw, rows.missing) for raw in (raw_users, raw_items))
        read = functools.partial(parse_label, spec=self._spec)
        labels = clean_numbers(raw_labels, rows.missing, read)
        times = None
        if raw_times:
            read = functools.partial(as_time, column=self._spec.time_column or "")
            times = clean_numbers(raw_times[0], rows.missing, read)
        if users is None or items is None or labels is None:
            return False
        if raw_times and times is None:
            return False
        if self._normalize:
            normal = normal_columns(
                [users, items], interaction_columns(self._spec), self.counts
            )
            if normal is None:
                return False
            users, items = normal
        self._parsed = InteractionBlock(
            *self._place,
            users,
            items,
            labels,
            np.arange(len(rows)),
            None if times is None else times.values[times.codes],
        )
        return True

    def parsed(self) -> Iterator[tuple[int, bytes]]:
        """Yields (shard, packed `InteractionBlock`) pairs."""
        block = self._parsed or self._block_of_rows()
        if block.times is not None and len(block.times):
            times = block.times
            self.counts.add_times([times.min().item(), times.max().item()])
        shards = shards_of(block.users.values.to_pylist(), self._num_shards)
        by_row = shards[block.users.codes]
        for shard in np.unique(by_row).tolist():
            yield shard, block.take(np.flatnonzero(by_row == shard)).packed()

    def _block_of_rows(self) -> InteractionBlock:
        """Returns the rows that were read one by one."""
        interactions = [interaction for interaction, _, _ in self._rows]
        lines = np.array([line for _, line, _ in self._rows], np.int64)
        times = np.array([time for _, _, time in self._rows], np.float64)
        _, _, first_line = self._place
        return InteractionBlock(
            *self._place,
            coded_texts([one.user_id for one in interactions]),
            coded_texts([one.item_id for one in interactions]),
            coded_numbers(np.array([one.label for one in interactions], np.float64)),
            lines - first_line,
            None if self._spec.time_column is None else times,
        )


def parse_interactions(
    spec: InteractionSpec, num_shards: int, *, normalize: bool = False
) -> ParseRows:
    """Returns the stage that turns `Block`s into (shard, packed block) pairs.

    Arguments as of `InteractionParser`.
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
    label = _legal_label(label, spec, raw_label)
    if normalize:
        user_id = normal_form(user_id, spec.user_column)
        item_id = normal_form(item_id, spec.item_column)
    return Interaction(user_id, item_id, label)


def parse_label(value: Any, spec: InteractionSpec) -> float:
    """Reads one label; arguments and errors as those of `parse_interaction`."""
    return _legal_label(as_number(value), spec, value)


def _legal_label(label: float | None, spec: InteractionSpec, raw: Any) -> float:
    if label is None:
        if spec.table.missing:
            raise UnwantedRowError(NO_LABEL)
        raise RowError(MISSING_FIELD, f"{spec.label_column} is empty")
    if spec.label_scale != 1.0 or spec.label_shift:
        label = round(label * spec.label_scale + spec.label_shift, _LABEL_DIGITS)
    if not spec.label_min <= label <= spec.label_max:
        written = as_text(raw)  # As a code has to be written in `table.missing`.
        origin = "" if written == f"{label:g}" else f" from {written!r}"
        raise RowError(
            LABEL_OUT_OF_RANGE,
            f"{spec.label_column} must be within "
            f"[{spec.label_min:g}, {spec.label_max:g}], got {label:g}{origin}",
        )
    return label + 0.0  # No label is -0.


def interaction_columns(spec: InteractionSpec) -> tuple[str, ...]:
    """Returns the columns of an interaction: user, item, label, and perhaps time."""
    time = () if spec.time_column is None else (spec.time_column,)
    return spec.user_column, spec.item_column, spec.label_column, *time
