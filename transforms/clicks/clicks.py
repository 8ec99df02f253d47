"""Blocks of raw rows to clicks, sharded by user."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa

from transforms.clicks.ids import in_domain
from transforms.clicks.schema import ClickSpec, DomainSpec
from transforms.reading.block_columns import BlockColumns, pack, unpack
from transforms.reading.blocks import Block
from transforms.reading.clean_values import clean_ids, clean_numbers, normal_columns
from transforms.reading.coded_column import CodedColumn, Floats, coded_texts
from transforms.reading.parse_rows import ParseRows
from transforms.reading.row_error import MISSING_FIELD, RowError, UnwantedRowError
from transforms.reading.values import as_id, as_number, as_time
from transforms.row_counts import RowCounts
from transforms.stable_hash import shards_of

# What refused rows say they were read as.
CLICKS = "clicks"

# Reasons of `num_dropped`: rows that are no clicks, or of no scenario.
NO_LABEL = "no_label"
LABEL_TOO_LOW = "label_too_low"
NO_SCENARIO = "no_scenario"


class Click(NamedTuple):
    """One click; the scenario is empty where the log does not say it."""

    user_id: str
    item_id: str
    scenario_id: str


@dataclasses.dataclass(frozen=True)
class ClickBlock:
    """The clicks of one block and one shard, by column.

    Attributes:
        users: User ids, with the name of their domain.
        items: Item ids, likewise.
        scenarios: Scenario ids, likewise; empty where the log does not say them.
        table: What the rows were read as.
        times: Times; None if they are not read.
    """

    users: CodedColumn
    items: CodedColumn
    scenarios: CodedColumn
    table: str
    times: Floats | None = None

    def packed(self) -> bytes:
        """Returns the bytes that `unpacked` takes."""
        columns = dict(vars(self))
        place = [columns.pop("table")]
        return pack(columns, place)

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """Returns the block that `packed` gave."""
        columns, (table,) = unpack(data)
        return cls(**columns, table=table)


class ClickParser:
    """Reads the clicks of one block, by the shard of their user.

    Args:
        domain: Table and columns, and the name that goes before ids.
        num_shards: Shards that users are spread over.
        block: The block.
        normalize: Whether ids that differ in form only are one.
    """

    def __init__(
        self,
        domain: DomainSpec,
        num_shards: int,
        block: Block,
        *,
        normalize: bool = False,
    ) -> None:
        self.counts = RowCounts()
        self._domain = domain.name
        self._spec = domain.clicks
        self._normalize = normalize
        self._num_shards = num_shards
        self._table = table_name(CLICKS, domain.name)
        self._clicks: list[Click] = []
        self._columns: list[CodedColumn] | None = None
        self._times: list[float] = []
        self._column_of_times: Floats | None = None

    def add(self, line: int, fields: Sequence[Any]) -> None:
        """Reads one row; raises `RowError` if it is no click."""
        time_column = self._spec.time_column
        if time_column is not None:
            *fields, raw_time = fields
        plain = click = parse_click(fields, self._spec, self._domain)
        time = 0.0 if time_column is None else as_time(raw_time, time_column)
        if self._normalize:
            click = parse_click(fields, self._spec, self._domain, normalize=True)
            self.counts.count_forms(click_columns(self._spec), plain, click)
        self._clicks.append(click)
        self._times.append(time)

    def add_columns(self, rows: BlockColumns) -> bool:
        """Reads all rows, or none if one is refused; see `ColumnParser`."""
        raw_ids = list(rows.columns)
        raw_times = None if self._spec.time_column is None else raw_ids.pop()
        if self._spec.label_column is not None:
            read = functools.partial(_read_label, spec=self._spec)
            labels = clean_numbers(raw_ids.pop(), rows.missing, read)
            if labels is None:
                return False
            are_clicks = _are_clicks(labels.values, self._spec)[labels.codes]
            raw_ids = [raw.filter(pa.array(are_clicks)) for raw in raw_ids]
            if raw_times is not None:
                raw_times = raw_times.filter(pa.array(are_clicks))
            num_too_low = int((~are_clicks).sum())
        read_ids = [clean_ids(raw, rows.missing) for raw in raw_ids]
        ids = [column for column in read_ids if column is not None]
        if len(ids) < len(read_ids):
            return False
        if raw_times is not None:
            read = functools.partial(as_time, column=self._spec.time_column or "")
            times = clean_numbers(raw_times, rows.missing, read)
            if times is None:
                return False
            self._column_of_times = times.values[times.codes]
        if self._normalize:
            normal = normal_columns(ids, click_columns(self._spec), self.counts)
            if normal is None:
                return False
            ids = normal
        if self._spec.label_column is not None and num_too_low:
            self.counts.left_out[LABEL_TOO_LOW] += num_too_low
        columns = [_in_domain(self._domain, column) for column in ids]
        if len(columns) < len(Click._fields):
            columns.append(_nothing(len(columns[0])))
        self._columns = columns
        return True

    def parsed(self) -> Iterator[tuple[int, bytes]]:
        """Yields (shard, packed `ClickBlock`) pairs."""
        columns = self._columns or [
            coded_texts([click[place] for click in self._clicks])
            for place in range(len(Click._fields))
        ]
        times = self._column_of_times
        if self._spec.time_column is not None and times is None:
            times = np.array(self._times, np.float64)
        if times is not None and len(times):
            self.counts.add_times([times.min().item(), times.max().item()])
        users = columns[0]
        by_row = shards_of(users.values.to_pylist(), self._num_shards)[users.codes]
        for shard in np.unique(by_row).tolist():
            rows = np.flatnonzero(by_row == shard)
            users, items, scenarios = (column.take(rows) for column in columns)
            of_rows = None if times is None else times[rows]
            block = ClickBlock(users, items, scenarios, self._table, of_rows)
            yield shard, block.packed()


def parse_clicks(
    domain: DomainSpec, num_shards: int, *, normalize: bool = False
) -> ParseRows:
    """Returns the stage that turns `Block`s into (shard, packed `ClickBlock`) pairs.

    Arguments as of `ClickParser`.
    """
    spec = domain.clicks
    new_parser = functools.partial(ClickParser, domain, num_shards, normalize=normalize)
    name = table_name(CLICKS, domain.name)
    return ParseRows(name, spec.table, click_columns(spec), new_parser)


def click_columns(spec: ClickSpec) -> tuple[str, ...]:
    """Returns the columns of a click: user, item, perhaps scenario, label and time."""
    others = spec.scenario_column, spec.label_column, spec.time_column
    return spec.user_column, spec.item_column, *filter(None, others)


def parse_click(
    values: Sequence[Any], spec: ClickSpec, domain: str, *, normalize: bool = False
) -> Click:
    """Reads one click.

    Args:
        values: Fields of `click_columns` but for the time, as they are in the table.
        spec: Their names, and what label makes a click.
        domain: Name that goes before ids; "" for none.
        normalize: Whether ids that differ in form only are one.

    Returns:
        The click.

    Raises:
        RowError: If a field is empty or cannot be an id, or the label is no number.
        UnwantedRowError: If the label is too low for a click, or there is none, or the
            scenario is one of the codes for nothing known.
    """
    if spec.label_column is not None:
        *values, raw_label = values
        _check_label(raw_label, spec)
    columns = click_columns(spec)[: len(values)]
    if spec.table.missing and len(values) > 2 and values[2] is None:
        raise UnwantedRowError(NO_SCENARIO)
    ids = required_ids(values, columns, normalize=normalize)
    user_id, item_id, *scenario = (in_domain(domain, text) for text in ids)
    return Click(user_id, item_id, scenario[0] if scenario else "")


def _check_label(value: Any, spec: ClickSpec) -> None:
    if not _are_clicks(_read_label(value, spec), spec):
        raise UnwantedRowError(LABEL_TOO_LOW)


def _read_label(value: Any, spec: ClickSpec) -> float:
    label = as_number(value)
    if label is None:
        if spec.table.missing:
            raise UnwantedRowError(NO_LABEL)
        raise RowError(MISSING_FIELD, f"{spec.label_column} is empty")
    return label


def _are_clicks(labels: Any, spec: ClickSpec) -> Any:
    """Says whether labels, an array or one of them, are high enough for a click."""
    return labels >= (spec.label_at_least or 0.0)


def _in_domain(domain: str, ids: CodedColumn) -> CodedColumn:
    if not domain:
        return ids
    named = [in_domain(domain, one) for one in ids.values.to_pylist()]
    return CodedColumn(ids.codes, pa.array(named, pa.string()))


def _nothing(num_rows: int) -> CodedColumn:
    """Returns a column of empty texts."""
    return CodedColumn(np.zeros(num_rows, np.uint8), pa.array([""]))


def required_ids(
    values: Sequence[Any], columns: Sequence[str], *, normalize: bool = False
) -> list[str]:
    """Reads fields that must all be ids.

    Raises:
        RowError: If one is empty or cannot be an id.
    """
    fields = zip(values, columns, strict=True)
    return [as_id(value, column, normalize=normalize) for value, column in fields]


def table_name(kind: str, domain: str) -> str:
    """Returns what the table of a domain is called in refused rows and counts."""
    return f"{domain}.{kind}" if domain else kind


def lowercases(domain: DomainSpec) -> bool:
    """Returns whether scenarios of a domain that differ in case only are one."""
    return domain.pools is not None and domain.pools.lowercase
