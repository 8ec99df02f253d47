"""The users and items of a data set: their tables, vocabularies and statistics."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam

from transforms import schema
from transforms.entities.entities import EntityBlock, entity_columns, merge_entities
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.entities.vocabularies import vocabulary_file
from transforms.ratings.episode_files import EntityRows
from transforms.ratings.statistics import build_schema, build_statistics, proto_file
from transforms.ratings.summaries import TasksSummary, mean_and_std, merge_summaries
from transforms.reading.beam_hints import no_beam_hints
from transforms.schema import DatasetSpec, Feature
from transforms.writing.output_files import (
    SCHEMA_PBTXT,
    STAGE_DIR,
    STATISTICS_PBTXT,
    OutputFiles,
)
from transforms.writing.rejected import REJECTED
from transforms.writing.tfrecord import tfrecord_file

_STAGED = f"{STAGE_DIR}/catalogue.json"


@dataclasses.dataclass(frozen=True)
class CatalogueInfo:
    """What the driver needs to know of the catalogue and the tasks.

    Attributes:
        num_users: Users.
        num_items: Items.
        user_features: Features of a user.
        item_features: Features of an item.
        label_mean: Mean label of the meta-train support pairs.
        label_std: Their standard deviation, 1 if they do not vary.
        num_tasks: Tasks by split.
        num_interactions: Pairs by split.
        num_dropped: Legal tasks and pairs left out, by reason.
    """

    num_users: int
    num_items: int
    user_features: tuple[Feature, ...]
    item_features: tuple[Feature, ...]
    label_mean: float
    label_std: float
    num_tasks: Mapping[str, int]
    num_interactions: Mapping[str, int]
    num_dropped: Mapping[str, int]


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
        info = catalogue_info(users, items, summary)
        text = json.dumps(dataclasses.asdict(info))
        self._files.write(_STAGED, text.encode())
        yield EntityRows(users.rows(), items.rows())


def write_tables(files: OutputFiles, users: EntityTable, items: EntityTable) -> None:
    """Writes entity records, vocabularies and item names."""
    for kind, id_name, table in (
        ("user", schema.USER_ID, users),
        ("item", schema.ITEM_ID, items),
    ):
        records = tfrecord_file(table.records())
        files.write(f"{schema.ENTITIES_DIR}/{kind}-00000-of-00001.tfrecord", records)
        ids = [entity.entity_id for entity in table.entities]
        for name, values in {id_name: ids, **table.vocabularies}.items():
            files.write(f"{schema.VOCABULARY_DIR}/{name}.txt", vocabulary_file(values))
    if items.spec.name_column is not None:
        files.write(f"{schema.NAMES_DIR}/item.txt", items.names())


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


def catalogue_info(
    users: EntityTable, items: EntityTable, summary: TasksSummary
) -> CatalogueInfo:
    """Returns the counts that `dataset.json` is made of."""
    splits = summary.splits
    mean, std = mean_and_std(splits[schema.META_TRAIN].support.label_counts)
    return CatalogueInfo(
        num_users=len(users.entities),
        num_items=len(items.entities),
        user_features=users.features,
        item_features=items.features,
        label_mean=mean,
        label_std=std or 1.0,
        num_tasks={name: len(split.task_ids) for name, split in splits.items()},
        num_interactions={n: split.num_interactions for n, split in splits.items()},
        num_dropped=dict(sorted(summary.num_dropped.items())),
    )


def staged_info(files: OutputFiles) -> CatalogueInfo:
    """Reads what `WriteCatalogue` left for the driver."""
    fields = json.loads("\n".join(files.lines(_STAGED)))
    for key in ("user_features", "item_features"):
        fields[key] = tuple(Feature(**feature) for feature in fields[key])
    return CatalogueInfo(**fields)
