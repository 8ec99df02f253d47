"""The raw tables of a data set of ratings: which columns are read of each."""

from transforms.reading.tables import UsedTable, used_table
from transforms.specs import DatasetSpec


def used_tables(spec: DatasetSpec, prefix: str = "") -> list[UsedTable]:
    """Returns the tables of a data set: interactions, and users and items if given.

    Args:
        spec: The data set.
        prefix: What makes their meanings keys, such as "data."; see `UsedTable`.
    """
    tables = [used_table("interactions", spec.interactions, prefix)]
    for kind, entity in (("users", spec.users), ("items", spec.items)):
        if entity.table is not None:
            tables.append(used_table(kind, entity, prefix))
    return tables
