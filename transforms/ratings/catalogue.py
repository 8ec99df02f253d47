"""The users and items of a data set: their tables, vocabularies and statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from transforms import schema
from transforms.entities.catalogue import Catalogue
from transforms.entities.entity_runs import RunSummary, summary_of
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.entities.vocabularies import order_of_ids
from transforms.joins import SPLIT_FILE, Join
from transforms.label_levels import label_levels
from transforms.ratings.interactions import INTERACTIONS
from transforms.ratings.statistics import build_schema, build_statistics
from transforms.ratings.summaries import TasksSummary, merge_summaries
from transforms.ratings.tasks import parts_of
from transforms.schema import DatasetInfo
from transforms.specs import DatasetSpec
from transforms.writing.entity_files import ITEM, KINDS, USER
from transforms.writing.statistics import mean_and_std


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
