"""The raw tables of a data set of scenarios: which columns are read of each."""

from __future__ import annotations

from collections.abc import Sequence

from transforms.clicks.schema import DomainSpec, ScenarioDatasetSpec
from transforms.reading.tables import UsedTable


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
    clicks = domain.clicks
    columns = {"user_column": clicks.user_column, "item_column": clicks.item_column}
    for name in ("scenario_column", "label_column", "time_column"):
        if (column := getattr(clicks, name)) is not None:
            columns[name] = column
    tables = [("clicks", clicks.table, columns)]
    if (pools := domain.pools) is not None:
        columns = {
            "item_column": pools.item_column,
            "scenario_column": pools.scenario_column,
        }
        tables.append(("pools", pools.table, columns))
    for kind, names in (
        ("item_names", domain.item_names),
        ("scenario_names", domain.scenario_names),
    ):
        if names is not None:
            columns = {"id_column": names.id_column, "name_column": names.name_column}
            tables.append((kind, names.table, columns))
    return [
        UsedTable(
            f"{where}{kind}.table",
            table,
            {f"{where}{kind}.{name}": column for name, column in columns.items()},
            frozenset({f"{where}{kind}.name_column"}),
            prefix,
        )
        for kind, table, columns in tables
    ]
