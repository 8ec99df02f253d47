"""The raw tables of a data set of scenarios: which columns are read of each."""

from collections.abc import Sequence

from transforms.clicks.schema import DomainSpec, ScenarioDatasetSpec
from transforms.reading.tables import UsedTable, used_table


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
