"""Tables of names of items and scenarios."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from transforms.clicks.clicks import lowercases, table_name
from transforms.clicks.ids import in_domain
from transforms.clicks.schema import DomainSpec, NameSpec, ScenarioDatasetSpec
from transforms.entities.entities import EntityBlock, merge_entities
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts
from transforms.specs import EntitySpec

ITEM_NAMES = "item_names"
SCENARIO_NAMES = "scenario_names"


class NameTable(NamedTuple):
    """One table of names.

    Attributes:
        kind: `ITEM_NAMES` or `SCENARIO_NAMES`.
        domain: Its domain.
        spec: Table and columns.
    """

    kind: str
    domain: DomainSpec
    spec: NameSpec

    @property
    def name(self) -> str:
        """What refused rows and counts call it."""
        return table_name(self.kind, self.domain.name)

    @property
    def entities(self) -> EntitySpec:
        """The table as one of entities without features."""
        spec = self.spec
        return EntitySpec(spec.table, spec.id_column, spec.name_column)

    def merge(
        self, blocks: Iterable[EntityBlock]
    ) -> tuple[dict[str, str], list[RejectedRow], RowCounts]:
        """Returns names by id, the rows that disagree, and what became of all."""
        entities, refused, counts = merge_entities(self.name, blocks, self.entities)
        lowercase = self.kind == SCENARIO_NAMES and lowercases(self.domain)
        names: dict[str, str] = {}
        for raw_id, entity in entities.items():
            entity_id = raw_id.lower() if lowercase else raw_id
            names.setdefault(in_domain(self.domain.name, entity_id), entity.name)
        return names, refused, counts


def name_tables(spec: ScenarioDatasetSpec, kind: str) -> Iterator[NameTable]:
    """Yields the tables of names of a kind, domain after domain."""
    for domain in spec.domains:
        names = domain.item_names if kind == ITEM_NAMES else domain.scenario_names
        if names is not None:
            yield NameTable(kind, domain, names)
