"""The users and items of a data set: their tables, vocabularies and statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from transforms import schema
from transforms.entities.entities import EntityBlock, merge_entities
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.entities.forms_of_ids import forms_of_ids
from transforms.joins import Join, id_forms, join_ids
from transforms.label_levels import label_levels
from transforms.ratings.interactions import INTERACTIONS
from transforms.ratings.statistics import build_schema, build_statistics
from transforms.ratings.summaries import TasksSummary, merge_summaries
from transforms.schema import DatasetInfo
from transforms.specs import DatasetSpec
from transforms.writing.catalogue import Catalogue
from transforms.writing.statistics import mean_and_std


def rating_catalogue(
    spec: DatasetSpec,
    listed: Collection[str] | None,
    *,
    summaries: Iterable[TasksSummary],
    users: Iterable[EntityBlock] = (),
    items: Iterable[EntityBlock] = (),
) -> Catalogue:
    """Numbers the users and items, and collects all that is said of them.

    Args:
        spec: The data set.
        listed: Users that a split file names; None if there is none.
        summaries: Of every shard.
        users: The table of users.
        items: The table of items.
    """
    summary = merge_summaries(summaries)
    known_users, bad_users, user_rows = merge_entities("users", users, spec.users)
    known_items, bad_items, item_rows = merge_entities("items", items, spec.items)
    user_table = build_entity_table(spec.users, known_users, summary.users)
    item_table = build_entity_table(spec.items, known_items, summary.items)
    joins = _joins(spec, listed, known_users, known_items, summary)
    return Catalogue(
        records={"user": user_table.records(), "item": item_table.records()},
        vocabularies={
            schema.USER_ID: user_table.ids(),
            **user_table.vocabularies,
            schema.ITEM_ID: item_table.ids(),
            **item_table.vocabularies,
        },
        names={} if spec.items.name_column is None else {"item": item_table.names()},
        schema=build_schema(spec, user_table, item_table),
        statistics=build_statistics(summary, user_table, item_table),
        info=_dataset_info(spec, user_table, item_table, summary, joins),
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
    kinds = (
        ("users", summary.users, spec.users, users),
        ("items", summary.items, spec.items, items),
    )
    joins: list[Join] = []
    for name, counts, _, _ in kinds:
        joins += forms_of_ids(name, INTERACTIONS, counts.ids, counts.pairs)
    for name, *_, known in kinds:
        joins += id_forms(name, name, dict.fromkeys(known, 1))
    for name, counts, entity, known in kinds:
        if entity.table is not None:
            rows = counts.pairs_by_id()
            joins.append(join_ids(name, INTERACTIONS, name, rows, known))
    if listed is not None:
        rows = dict.fromkeys(listed, 1)
        rated = set(summary.users.ids.to_pylist())
        joins.append(join_ids("users", "split.path", INTERACTIONS, rows, rated))
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
        num_interactions={n: split.num_interactions for n, split in splits.items()},
        num_dropped=dict(sorted(summary.num_dropped.items())),
        joins=joins,
        options=dataclasses.asdict(spec),
        has_item_names=spec.items.name_column is not None,
    )
