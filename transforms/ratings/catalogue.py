"""The users and items of a data set: their tables, vocabularies and statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from transforms import schema
from transforms.entities.entities import EntityBlock, merge_entities
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.joins import Join, id_forms, join_ids
from transforms.label_levels import label_levels
from transforms.ratings.interactions import INTERACTIONS
from transforms.ratings.statistics import build_schema, build_statistics
from transforms.ratings.summaries import TasksSummary, merge_summaries
from transforms.schema import DatasetInfo
from transforms.specs import DatasetSpec
from transforms.writing.catalogue import Catalogue
from transforms.writing.entity_files import EntityRows
from transforms.writing.statistics import mean_and_std


def rating_catalogue(
    spec: DatasetSpec,
    listed: Collection[str] | None,
    user_blocks: Iterable[EntityBlock],
    item_blocks: Iterable[EntityBlock],
    summaries: Iterable[TasksSummary],
) -> Catalogue:
    """Numbers the users and items, and collects all that is said of them.

    Args:
        spec: The data set.
        listed: Users that a split file names; None if there is none.
        user_blocks: The table of users.
        item_blocks: The table of items.
        summaries: Of every shard.
    """
    summary = merge_summaries(summaries)
    task_ids = [i for split in summary.splits.values() for i in split.task_ids]
    item_ids = [i for split in summary.splits.values() for i in split.items]
    known_users, bad_users, user_rows = merge_entities("users", user_blocks, spec.users)
    known_items, bad_items, item_rows = merge_entities("items", item_blocks, spec.items)
    of_users, of_items = summary.training_users, summary.training_items
    users = build_entity_table(spec.users, known_users, task_ids, of_users)
    items = build_entity_table(spec.items, known_items, item_ids, of_items)
    rows = EntityRows(users.rows(), items.rows())
    names = [entity.name for entity in items.entities]
    joins = _joins(spec, listed, known_users, known_items, summary)
    return Catalogue(
        rows=rows,
        records={"user": users.records(), "item": items.records()},
        vocabularies={
            schema.USER_ID: rows.users,
            **users.vocabularies,
            schema.ITEM_ID: rows.items,
            **items.vocabularies,
        },
        names={} if spec.items.name_column is None else {"item": names},
        schema=build_schema(spec, users, items),
        statistics=build_statistics(summary, users, items),
        info=_dataset_info(spec, users, items, summary, joins),
        counts={
            INTERACTIONS: summary.row_counts(),
            **({} if spec.users.table is None else {"users": user_rows}),
            **({} if spec.items.table is None else {"items": item_rows}),
        },
        rejected=[*bad_users, *bad_items],
    )


def _joins(
    spec: DatasetSpec,
    listed: Collection[str] | None,
    users: Collection[str],
    items: Collection[str],
    summary: TasksSummary,
) -> tuple[Join, ...]:
    """Looks ids up: of interactions in the tables, of a split file in interactions."""
    joins = [
        *id_forms("users", INTERACTIONS, summary.users),
        *id_forms("items", INTERACTIONS, summary.items),
        *id_forms("users", "users", dict.fromkeys(users, 1)),
        *id_forms("items", "items", dict.fromkeys(items, 1)),
    ]
    if spec.users.table is not None:
        joins.append(join_ids("users", INTERACTIONS, "users", summary.users, users))
    if spec.items.table is not None:
        joins.append(join_ids("items", INTERACTIONS, "items", summary.items, items))
    if listed is not None:
        rows = dict.fromkeys(listed, 1)
        joins.append(join_ids("users", "split.path", INTERACTIONS, rows, summary.users))
    return tuple(joins)


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
        num_users=len(users.entities),
        num_items=len(items.entities),
        user_features=users.features,
        item_features=items.features,
        label_min=spec.interactions.label_min,
        label_max=spec.interactions.label_max,
        label_mean=mean,
        label_std=std or 1.0,
        label_levels=label_levels(label_counts),
        num_tasks={name: len(splits[name].task_ids) for name in schema.SPLITS},
        num_interactions={n: split.num_interactions for n, split in splits.items()},
        num_dropped=dict(sorted(summary.num_dropped.items())),
        joins=joins,
        options=dataclasses.asdict(spec),
        has_item_names=spec.items.name_column is not None,
    )
