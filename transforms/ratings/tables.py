"""The raw tables of a data set of ratings: which columns are read of each."""

from transforms.reading.tables import UsedTable, used_table
from transforms.specs import DatasetSpec, EntitySpec


def used_tables(spec: DatasetSpec, prefix: str = "") -> list[UsedTable]:
    """Returns the tables of a data set: interactions, and users and items if given.

    Args:
        spec: The data set.
        prefix: What makes their meanings keys, such as "data."; see `UsedTable`.
    """
    tables = [used_table("interactions", spec.interactions, prefix)]
    for kind, entity in (("users", spec.users), ("items", spec.items)):
        if entity.table is not None:
            features = _feature_columns(kind, entity)
            tables.append(used_table(kind, entity, prefix, features))
    return tables


def _feature_columns(kind: str, entity: EntitySpec) -> dict[str, str]:
    columns = {}
    for feature in entity.features:
        for column in feature.source_columns:
            of_several = f", {column}" if feature.flags else ""
            key = f"{kind}.features, feature {feature.name!r}{of_several}"
            columns[key] = column
    return columns
