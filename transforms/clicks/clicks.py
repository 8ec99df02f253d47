"""Blocks of raw rows to clicks, sharded by user."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.schema import ClickSpec, DomainSpec
from transforms.entities.vocabularies import id_order
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.blocks import Block, rows_of
from transforms.reading.row_error import MISSING_FIELD, RowError
from transforms.reading.text_rows import UnreadableRow
from transforms.reading.values import as_text
from transforms.stable_hash import shard_of
from transforms.writing.rejected import REJECTED, rejected_output

# What refused rows say they were read as.
CLICKS = "clicks"

_CLICKS_READ = Metrics.counter("cmml", "clicks_read")


class Click(NamedTuple):
    """One click; the scenario is empty where the log does not say it."""

    user_id: str
    item_id: str
    scenario_id: str


@dataclasses.dataclass
class ClickBlock:
    """The clicks of one block and one shard, by column.

    Attributes:
        users: User ids, with the name of their domain.
        items: Item ids, likewise.
        scenarios: Scenario ids, likewise; empty where the log does not say them.
    """

    users: list[str] = dataclasses.field(default_factory=list)
    items: list[str] = dataclasses.field(default_factory=list)
    scenarios: list[str] = dataclasses.field(default_factory=list)


class ParseClicks(beam.PTransform):
    """Turns blocks of rows into clicks by shard, and refused rows.

    Input: `Block`.
    Output: (shard, `ClickBlock`) under `shards`, `RejectedRow`s under `rejected`.

    Args:
        domain: Columns, and the name that goes before ids.
        num_shards: Shards that users are spread over.
    """

    def __init__(self, domain: DomainSpec, num_shards: int) -> None:
        super().__init__()
        self._parse = _ParseBlock(domain, num_shards)

    @no_beam_hints
    def expand(self, blocks: beam.PCollection) -> Any:
        """Parses every block."""
        return blocks | "ParseBlocks" >> beam.ParDo(self._parse).with_outputs(
            REJECTED, main="shards"
        )


def click_columns(spec: ClickSpec) -> tuple[str, ...]:
    """Returns the columns of a click: user, item, and perhaps scenario."""
    scenario = () if spec.scenario_column is None else (spec.scenario_column,)
    return spec.user_column, spec.item_column, *scenario


def parse_click(values: Sequence[Any], columns: Sequence[str], domain: str) -> Click:
    """Reads one click.

    Args:
        values: Fields of `click_columns`, as they are in the table.
        columns: Their names.
        domain: Name that goes before ids; "" for none.

    Returns:
        The click.

    Raises:
        RowError: If a field is empty or cannot be an id.
    """
    ids = required_ids(values, columns)
    user_id, item_id, *scenario = (in_domain(domain, text) for text in ids)
    return Click(user_id, item_id, scenario[0] if scenario else "")


def required_ids(values: Sequence[Any], columns: Sequence[str]) -> list[str]:
    """Reads fields that must all be ids.

    Raises:
        RowError: If one is empty or cannot be an id.
    """
    ids = []
    for value, column in zip(values, columns, strict=True):
        text = as_text(value)
        if text is None:
            raise RowError(MISSING_FIELD, f"{column} is empty")
        ids.append(text)
    return ids


def in_domain(domain: str, raw_id: str) -> str:
    """Returns an id with the name of its domain, if that has one."""
    return f"{domain}:{raw_id}" if domain else raw_id


def raw_id(entity_id: str, domains: Sequence[str]) -> str:
    """Returns an id as it came, without the name of its domain.

    All that is drawn by a stable hash is drawn by raw ids, so that a domain is split
    alike alone and in a hybrid data set.

    Args:
        entity_id: An id, as `in_domain` made it.
        domains: Names of all domains.
    """
    return entity_id if "" in domains else entity_id.partition(":")[2]


def domain_of(entity_id: str, domains: Sequence[str]) -> str:
    """Returns the name of the domain of an id; "" if there is only one without name."""
    return "" if "" in domains else entity_id.partition(":")[0]


def domain_order(
    domains: Sequence[str],
) -> Callable[[str], tuple[int, tuple[bool, int, str, str]]]:
    """Returns a sort key of ids: domain after domain, inside one by `id_order`.

    Rows and records have this order, so that those of a domain are alike alone and in
    a hybrid data set.

    Args:
        domains: Names of all domains.
    """
    places = {name: place for place, name in enumerate(domains)}

    def key(entity_id: str) -> tuple[int, tuple[bool, int, str, str]]:
        place = places[domain_of(entity_id, domains)]
        return place, id_order(raw_id(entity_id, domains))

    return key


def lowercases(domain: DomainSpec) -> bool:
    """Returns whether scenarios of a domain that differ in case only are one."""
    return domain.pools is not None and domain.pools.lowercase


class _ParseBlock(beam.DoFn):
    def __init__(self, domain: DomainSpec, num_shards: int) -> None:
        super().__init__()
        self._domain = domain
        self._num_shards = num_shards
        self._columns = click_columns(domain.clicks)

    @no_beam_hints
    def process(self, block: Block) -> Iterator[Any]:
        shards: dict[int, ClickBlock] = {}
        by_user: dict[str, ClickBlock] = {}
        texts: dict[str, str] = {}  # Shares equal ids: smaller to send and to hold.
        num_rows = 0
        for line, fields in rows_of(block, self._domain.clicks.table, self._columns):
            num_rows += 1
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                click = parse_click(fields, self._columns, self._domain.name)
            except RowError as error:
                yield rejected_output(CLICKS, block, line, fields, self._columns, error)
                continue
            user_id, item_id, scenario_id = (texts.setdefault(t, t) for t in click)
            if user_id not in by_user:
                shard = shard_of(user_id, self._num_shards)
                by_user[user_id] = shards.setdefault(shard, ClickBlock())
            found = by_user[user_id]
            found.users.append(user_id)
            found.items.append(item_id)
            found.scenarios.append(scenario_id)
        _CLICKS_READ.inc(num_rows)
        yield from shards.items()
