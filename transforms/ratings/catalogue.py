"""The users and items of a data set: their tables, vocabularies and statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from transforms import schema
from transforms.entities.entities import EntityBlock, entity_columns, merge_entities
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.label_levels import label_levels
from transforms.ratings.statistics import build_schema, build_statistics
from transforms.ratings.summaries import TasksSummary, merge_summaries
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.rejected_row import REJECTED
from transforms.schema import DatasetInfo, DatasetSpec
from transforms.writing.dataset_files import stage_info
from transforms.writing.entity_files import (
    EntityRows,
    write_entities,
    write_names,
    write_vocabulary,
)
from transforms.writing.output_files import (
    SCHEMA_PBTXT,
    STATISTICS_PBTXT,
    OutputFiles,
)
from transforms.writing.protos import proto_file
from transforms.writing.statistics import mean_and_std


class WriteCatalogue(beam.DoFn):
    """Numbers the users and items, and writes all that is said of them.

    One worker holds them all, as the model's embedding tables do later.

    Input: anything, once; as side inputs the `EntityBlock`s of users and of items and
        the `TasksSummary` of every shard.
    Output: `EntityRows` under `rows`, `RejectedRow`s under `rejected`.

    Args:
        spec: The data set.
        files: The output directory.
    """

    def __init__(self, spec: DatasetSpec, files: OutputFiles) -> None:
        super().__init__()
        self._spec = spec
        self._files = files

    @no_beam_hints
    def process(
        self,
        _: object,
        user_blocks: Iterable[EntityBlock],
        item_blocks: Iterable[EntityBlock],
        summaries: Iterable[TasksSummary],
    ) -> Iterator[Any]:
        """Writes the files."""
        spec = self._spec
        summary = merge_summaries(summaries)
        task_ids = [i for split in summary.splits.values() for i in split.task_ids]
        item_ids = [i for split in summary.splits.values() for i in split.items]
        known_users, bad_users = merge_entities(
            "users", user_blocks, entity_columns(spec.users)
        )
        known_items, bad_items = merge_entities(
            "items", item_blocks, entity_columns(spec.items)
        )
        for row in (*bad_users, *bad_items):
            yield beam.pvalue.TaggedOutput(REJECTED, row)
        users = build_entity_table(
            spec.users, known_users, task_ids, summary.support_users
        )
        items = build_entity_table(
            spec.items, known_items, item_ids, summary.support_items
        )
        write_tables(self._files, users, items)
        write_statistics(self._files, spec, users, items, summary)
        info = dataset_info(spec, users, items, summary)
        stage_info(self._files, info, summary.num_legal())
        yield EntityRows(users.rows(), items.rows())


def write_tables(files: OutputFiles, users: EntityTable, items: EntityTable) -> None:
    """Writes entity records, vocabularies and item names."""
    for kind, id_name, table in (
        ("user", schema.USER_ID, users),
        ("item", schema.ITEM_ID, items),
    ):
        write_entities(files, kind, table.records())
        ids = [entity.entity_id for entity in table.entities]
        for name, values in {id_name: ids, **table.vocabularies}.items():
            write_vocabulary(files, name, values)
    if items.spec.name_column is not None:
        write_names(files, "item", (entity.name for entity in items.entities))


def write_statistics(
    files: OutputFiles,
    spec: DatasetSpec,
    users: EntityTable,
    items: EntityTable,
    summary: TasksSummary,
) -> None:
    """Writes the schema and the statistics."""
    files.write(SCHEMA_PBTXT, proto_file(build_schema(spec, users, items)))
    statistics = build_statistics(summary, users, items)
    files.write(STATISTICS_PBTXT, proto_file(statistics))


def dataset_info(
    spec: DatasetSpec, users: EntityTable, items: EntityTable, summary: TasksSummary
) -> DatasetInfo:
    """Returns what `dataset.json` says, but for what the driver adds."""
    splits = summary.splits
    label_counts = splits[schema.META_TRAIN].support.label_counts
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
        num_tasks={name: len(split.task_ids) for name, split in splits.items()},
        num_interactions={n: split.num_interactions for n, split in splits.items()},
        num_dropped=dict(sorted(summary.num_dropped.items())),
        options=dataclasses.asdict(spec),
        has_item_names=spec.items.name_column is not None,
    )
