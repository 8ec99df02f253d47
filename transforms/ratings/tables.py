"""The raw tables of a data set of ratings: which columns are read of each."""

from __future__ import annotations

from transforms.reading.tables import UsedTable
from transforms.specs import DatasetSpec, EntitySpec


def used_tables(spec: DatasetSpec, prefix: str = "") -> list[UsedTable]:
    """Returns the tables of a data set: interactions, and users and items if given.

    Args:
        spec: The data set.
        prefix: What makes their meanings keys, such as "data."; see `UsedTable`.
    """
    interactions = spec.interactions
    columns = {
        f"interactions.{name}": getattr(interactions, name)
        for name in ("user_column", "item_column", "label_column", "time_column")
        if getattr(interactions, name) is not None
    }
    meaning, table = "interactions.table", interactions.table
    tables = [UsedTable(meaning, table, columns, prefix=prefix)]
    for kind, entity in (("users", spec.users), ("items", spec.items)):
        if entity.table is not None:
            columns = _entity_columns(kind, entity)
            optional = frozenset(columns) - {f"{kind}.id_column"}
            meaning, table = f"{kind}.table", entity.table
            tables.append(UsedTable(meaning, table, columns, optional, prefix))
    return tables


def _entity_columns(kind: str, entity: EntitySpec) -> dict[str, str]:
    columns = {f"{kind}.id_column": entity.id_column}
    if entity.name_column is not None:
        columns[f"{kind}.name_column"] = entity.name_column
    for feature in entity.features:
        for column in feature.source_columns:
            of_several = f", {column}" if feature.flags else ""
            key = f"{kind}.features, feature {feature.name!r}{of_several}"
            columns[key] = column
    return columns
