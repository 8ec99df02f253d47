"""The raw tables of a data set of scenarios: their columns, and what tells of ids."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from transforms.clicks.clicks import lowercases, table_name
from transforms.clicks.ids import in_domain
from transforms.clicks.schema import DomainSpec, ScenarioDatasetSpec
from transforms.entities.entities import Entity, EntityBlock, merge_entities
from transforms.reading.rejected_row import RejectedRow
from transforms.reading.tables import UsedTable, used_table
from transforms.row_counts import RowCounts
from transforms.specs import EntitySpec

ITEMS = "items"
ITEM_NAMES = "item_names"
SCENARIO_NAMES = "scenario_names"


class DomainTable(NamedTuple):
    """One table of items, or of names of scenarios.

    Attributes:
        kind: `ITEMS`, `ITEM_NAMES` or `SCENARIO_NAMES`.
        domain: Its domain.
        spec: Table and columns.
    """

    kind: str
    domain: DomainSpec
    spec: EntitySpec

    @property
    def name(self) -> str:
        """What refused rows and counts call it."""
        return table_name(self.kind, self.domain.name)

    def merge(
        self, blocks: Iterable[EntityBlock]
    ) -> tuple[dict[str, Entity], list[RejectedRow], RowCounts]:
        """Returns what it says by id, the rows that disagree, what became of all."""
        merged, refused, counts = merge_entities(blocks, self.spec)
        lowercase = self.kind == SCENARIO_NAMES and lowercases(self.domain)
        entities: dict[str, Entity] = {}
        for raw_id, entity in merged.items():
            entity_id = raw_id.lower() if lowercase else raw_id
            entities.setdefault(in_domain(self.domain.name, entity_id), entity)
        return entities, refused, counts


def item_tables(spec: ScenarioDatasetSpec) -> Iterator[DomainTable]:
    """Yields the tables of items, domain after domain."""
    for domain in spec.domains:
        if domain.item_table is not None:
            yield DomainTable(kind_of_items(domain), domain, domain.item_table)


def kind_of_items(domain: DomainSpec) -> str:
    """Returns which key the table of the items of a domain has."""
    return ITEM_NAMES if domain.items is None else ITEMS


def scenario_tables(spec: ScenarioDatasetSpec) -> Iterator[DomainTable]:
    """Yields the tables of names of scenarios, domain after domain."""
    for domain in spec.domains:
        if domain.scenario_names is not None:
            names = domain.scenario_names.entities
            yield DomainTable(SCENARIO_NAMES, domain, names)


def used_tables(
    spec: ScenarioDatasetSpec, prefixes: Sequence[str] = ()
) -> list[UsedTable]:
    """Returns the tables of all domains, as `transforms.reading.tables` checks them.

    Args:
        spec: The data set.
        prefixes: What makes the meanings of each domain keys, such as
            "data.domains.shop."; see `UsedTable`. None if not given.
    """
    pairs = zip(spec.domains, prefixes or [""] * len(spec.domains), strict=True)
    return [used for domain, prefix in pairs for used in _tables_of(domain, prefix)]


def _tables_of(domain: DomainSpec, prefix: str) -> list[UsedTable]:
    where = f"domains.{domain.name}." if domain.name else ""
    kinds = ("clicks", "pools", "item_names", "items", "scenario_names")
    uses = ((f"{where}{kind}", getattr(domain, kind)) for kind in kinds)
    return [used_table(use, spec, prefix) for use, spec in uses if spec is not None]
