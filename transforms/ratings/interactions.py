"""Blocks of raw rows to interactions, sharded by user."""

from __future__ import annotations

import array
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.blocks import Block, rows_of
from transforms.reading.row_error import LABEL_OUT_OF_RANGE, MISSING_FIELD, RowError
from transforms.reading.text_rows import UnreadableRow
from transforms.reading.values import as_number, as_text
from transforms.schema import InteractionSpec
from transforms.stable_hash import shard_of
from transforms.writing.rejected import REJECTED, rejected_output

# What refused rows say they were read as.
INTERACTIONS = "interactions"

_INTERACTIONS_READ = Metrics.counter("cmml", "interactions_read")


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


class ParsedInteractions(NamedTuple):
    """Outputs of `ParseInteractions`.

    Attributes:
        shards: (shard, `InteractionBlock`) pairs.
        rejected: `RejectedRow`s.
    """

    shards: beam.PCollection
    rejected: beam.PCollection


class ParseInteractions(beam.PTransform):
    """Turns blocks of rows into interactions by shard, and refused rows.

    Input: `Block`.
    Output: `ParsedInteractions`; each row is in exactly one of the two.

    Args:
        spec: Columns and label range.
        num_shards: Shards that users are spread over.
    """

    def __init__(self, spec: InteractionSpec, num_shards: int) -> None:
        super().__init__()
        self._parse = _ParseBlock(spec, num_shards)

    @no_beam_hints
    def expand(self, blocks: beam.PCollection) -> ParsedInteractions:
        """Parses every block."""
        parsed = blocks | "ParseBlocks" >> beam.ParDo(self._parse).with_outputs(
            REJECTED, main="shards"
        )
        return ParsedInteractions(parsed.shards, parsed[REJECTED])


def parse_interaction(values: Sequence[Any], spec: InteractionSpec) -> Interaction:
    """Reads one interaction.

    Args:
        values: User id, item id and label as they are in the table.
        spec: The label range.

    Returns:
        The interaction.

    Raises:
        RowError: If a field is empty, or the label is no number or out of range.
    """
    raw_user, raw_item, raw_label = values
    user_id, item_id, label = as_text(raw_user), as_text(raw_item), as_number(raw_label)
    if user_id is None or item_id is None or label is None:
        raise RowError(MISSING_FIELD, f"{_first_empty(values, spec)} is empty")
    if not spec.label_min <= label <= spec.label_max:
        raise RowError(
            LABEL_OUT_OF_RANGE,
            f"{spec.label_column} must be within "
            f"[{spec.label_min:g}, {spec.label_max:g}], got {label:g}",
        )
    return Interaction(user_id, item_id, label)


class _ParseBlock(beam.DoFn):
    def __init__(self, spec: InteractionSpec, num_shards: int) -> None:
        super().__init__()
        self._spec = spec
        self._num_shards = num_shards
        self._columns = interaction_columns(spec)

    @no_beam_hints
    def process(self, block: Block) -> Iterator[Any]:
        shards: dict[int, InteractionBlock] = {}
        by_user: dict[str, InteractionBlock] = {}
        texts: dict[str, str] = {}  # Shares equal ids: smaller to send and to hold.
        num_rows = 0
        for line, fields in rows_of(block, self._spec.table, self._columns):
            num_rows += 1
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                user_id, item_id, label = parse_interaction(fields, self._spec)
            except RowError as error:
                yield rejected_output(
                    INTERACTIONS, block, line, fields, self._columns, error
                )
                continue
            user_id = texts.setdefault(user_id, user_id)
            if user_id not in by_user:
                by_user[user_id] = self._shard_block(shards, user_id, block)
            shard = by_user[user_id]
            shard.users.append(user_id)
            shard.items.append(texts.setdefault(item_id, item_id))
            shard.labels.append(label)
            shard.lines.append(line)
        _INTERACTIONS_READ.inc(num_rows)
        yield from shards.items()

    def _shard_block(
        self, shards: dict[int, InteractionBlock], user_id: str, block: Block
    ) -> InteractionBlock:
        shard = shard_of(user_id, self._num_shards)
        if shard not in shards:
            shards[shard] = InteractionBlock(
                block.source, block.source_index, block.first_line
            )
        return shards[shard]


def interaction_columns(spec: InteractionSpec) -> tuple[str, str, str]:
    """Returns the columns of an interaction: user, item, label."""
    return spec.user_column, spec.item_column, spec.label_column


def _first_empty(values: Sequence[Any], spec: InteractionSpec) -> str:
    for column, value in zip(interaction_columns(spec), values, strict=True):
        if as_text(value) is None:
            return column
    raise AssertionError(f"no empty field in {values!r}")
