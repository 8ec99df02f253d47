"""The users and items of a data set: their tables, vocabularies and statistics."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms import schema
from transforms.entities.catalogue import Catalogue
from transforms.entities.entity_runs import RunSummary, summary_of
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.entities.feature_statistics import add_feature_statistics, add_numbers
from transforms.entities.vocabularies import order_of_ids
from transforms.joins import SPLIT_FILE, Join
from transforms.ratings.interactions import INTERACTIONS
from transforms.ratings.summaries import TasksSummary, merge_summaries
from transforms.ratings.tasks import PARTS, parts_of
from transforms.schema import MAX_LABEL_LEVELS, DatasetInfo
from transforms.specs import DatasetSpec
from transforms.writing.entity_files import ITEM, KINDS, USER
from transforms.writing.statistics import add_features, mean_and_std, rows_schema


def rating_catalogue(
    spec: DatasetSpec,
    has_split_file: bool,
    *,
    summaries: Iterable[TasksSummary],
    runs: Sequence[tuple[str, RunSummary]],
) -> Catalogue:
    """Collects all that is said of the users and items.

    Args:
        spec: The data set.
        has_split_file: Whether a file says who is in which split.
        summaries: Of every shard.
        runs: Kind and summary of every run.
    """
    summary = merge_summaries(summaries)
    users, items = (summary_of(runs, kind) for kind in KINDS)
    user_table, item_table = (
        build_entity_table(
            entity.features,
            of_kind.num_rows.total(),
            of_kind.values,
            has_names=entity.name_column is not None,
        )
        for entity, of_kind in ((spec.users, users), (spec.items, items))
    )
    joins = tuple(_joins(spec, has_split_file, users, items))
    return Catalogue(
        entities={USER: user_table, ITEM: item_table},
        order=order_of_ids,
        vocabularies={},
        names={},
        schema=build_schema(spec, user_table, item_table),
        statistics=build_statistics(summary, user_table, item_table),
        info=_dataset_info(spec, user_table, item_table, summary, joins),
        counts={
            INTERACTIONS: summary.row_counts(),
            **users.table_rows,
            **items.table_rows,
        },
        rejected=[],
    )


def _joins(
    spec: DatasetSpec, has_split_file: bool, users: RunSummary, items: RunSummary
) -> Iterator[Join]:
    """Yields how ids are found: those of interactions, of tables, of a split file."""
    kinds = ("users", users, spec.users), ("items", items, spec.items)
    for name, runs, _ in kinds:
        yield from runs.forms(name, INTERACTIONS)
    for name, runs, _ in kinds:
        yield from runs.forms(name, name)
    for name, runs, entity in kinds:
        if entity.table is not None:
            yield runs.join(name, INTERACTIONS, name)
    if has_split_file:
        yield users.join("users", SPLIT_FILE, INTERACTIONS)


def _dataset_info(
    spec: DatasetSpec,
    users: EntityTable,
    items: EntityTable,
    summary: TasksSummary,
    joins: tuple[Join, ...],
) -> DatasetInfo:
    """Returns what `dataset.json` says, but for what the driver adds."""
    splits = summary.splits
    label_counts = summary.label_counts()
    mean, std = mean_and_std(label_counts)
    return DatasetInfo(
        num_users=len(users),
        num_items=len(items),
        user_features=users.features,
        item_features=items.features,
        label_min=spec.interactions.label_min,
        label_max=spec.interactions.label_max,
        label_mean=mean,
        label_std=std or 1.0,
        label_levels=label_levels(label_counts),
        num_tasks={name: splits[name].num_tasks for name in schema.SPLITS},
        num_interactions={n: splits[n].num_interactions for n in parts_of(spec.split)},
        num_dropped=dict(sorted(summary.num_dropped.items())),
        joins=joins,
        options=dataclasses.asdict(spec),
        has_item_names=spec.items.name_column is not None,
    )


def build_statistics(
    summary: TasksSummary, users: EntityTable, items: EntityTable
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns one data set of statistics for each split.

    Labels are counted over pairs, user features over the tasks of the split, item
    features over the different items of its pairs.

    Args:
        summary: Counts of all tasks.
        users: The users.
        items: The items.
    """
    result = statistics_pb2.DatasetFeatureStatisticsList()
    for place, split in enumerate(PARTS[: len(schema.SPLITS)]):
        counts = summary.splits[split]
        dataset = result.datasets.add(name=split, num_examples=counts.num_tasks)
        add_numbers(dataset, schema.SUPPORT_LABEL_KEY, counts.support)
        add_numbers(dataset, schema.QUERY_LABEL_KEY, counts.query)
        for table in (users, items):
            of_split = table.values.by_part[place]
            add_feature_statistics(dataset, table.features, of_split)
    return result


def build_schema(
    spec: DatasetSpec, users: EntityTable, items: EntityTable
) -> schema_pb2.Schema:
    """Returns the types and ranges of an episode record and of the features.

    Args:
        spec: The label range.
        users: The users.
        items: The items.
    """
    labels = schema_pb2.FloatDomain(
        min=spec.interactions.label_min, max=spec.interactions.label_max
    )
    result = rows_schema(
        {
            schema.USER_KEY: len(users),
            schema.SUPPORT_ITEM_KEY: len(items),
            schema.QUERY_ITEM_KEY: len(items),
        }
    )
    for name in (schema.SUPPORT_LABEL_KEY, schema.QUERY_LABEL_KEY):
        result.feature.add(name=name, type=schema_pb2.FLOAT, float_domain=labels)
    for feature in result.feature:
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
    add_features(result, (*users.features, *items.features))
    return result


def label_levels(counts: Mapping[float, int]) -> tuple[float, ...]:
    """Chooses the levels of a label.

    Args:
        counts: How often each label occurs.

    Returns:
        All labels, in ascending order, if they are fewer than `MAX_LABEL_LEVELS`; else
        as many of them, from the lowest to the highest, close to one another where
        labels are frequent.
    """
    values = np.array(sorted(counts), np.float64)
    if len(values) < MAX_LABEL_LEVELS:
        return tuple(values.tolist())
    reached = np.cumsum([counts[value] for value in values])
    # Half by how many labels there are, half by how far apart: no gap is left empty.
    share = reached / reached[-1] + (values - values[0]) / (values[-1] - values[0])
    wanted = np.linspace(share[0], share[-1], MAX_LABEL_LEVELS)
    chosen = np.searchsorted(share, wanted)
    # Of equal places the next free ones.
    for place in range(1, MAX_LABEL_LEVELS):
        chosen[place] = max(chosen[place], chosen[place - 1] + 1)
    for place in range(MAX_LABEL_LEVELS - 1, -1, -1):
        chosen[place] = min(chosen[place], len(values) - MAX_LABEL_LEVELS + place)
    return tuple(values[chosen].tolist())
