"""Users, items and scenarios of a data set: numbered, named, counted."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.clicks import domain_of, domain_order, in_domain, lowercases
from transforms.clicks.pools import Pools
from transforms.clicks.schema import Domain, DomainSpec, NameSpec, ScenarioDatasetSpec
from transforms.clicks.statistics import build_schema, build_statistics
from transforms.clicks.summaries import TaskSummary, UsersSummary
from transforms.clicks.tasks import DroppedClicks
from transforms.entities.entities import EntityBlock, merge_entities
from transforms.entities.vocabularies import vocabulary_file, vocabulary_rows
from transforms.ratings.episode_files import EntityRows
from transforms.ratings.statistics import proto_file
from transforms.reading.beam_hints import no_beam_hints
from transforms.writing.output_files import (
    SCHEMA_PBTXT,
    STAGE_DIR,
    STATISTICS_PBTXT,
    OutputFiles,
)
from transforms.writing.rejected import REJECTED
from transforms.writing.tfrecord import encode_example, tfrecord_file

ITEM_NAMES = "item_names"
SCENARIO_NAMES = "scenario_names"

_STAGED = f"{STAGE_DIR}/catalogue.json"


@dataclasses.dataclass(frozen=True)
class CatalogueInfo:
    """What the driver needs to know of the catalogue; see `ScenarioDatasetInfo`."""

    domains: tuple[Domain, ...]
    num_users: int
    num_items: int
    num_tasks: Mapping[str, int]
    num_clicks: Mapping[str, int]
    num_queries: Mapping[str, int]
    num_known: int
    num_held_out: int
    num_rows: int
    num_dropped: Mapping[str, int]


class WriteCatalogue(beam.DoFn):
    """Numbers users and items, and writes all that is said of them.

    One worker holds them all, as the tables of vectors do later.

    Input: anything, once; as side inputs the `UsersSummary` of every shard, the
        `TaskSummary` of every task, the `DroppedClicks`, the `Pools`, and the
        `EntityBlock`s of item and scenario names, one iterable for each domain's table.
    Output: `EntityRows` under `rows`, `RejectedRow`s under `rejected`.

    Args:
        spec: The data set.
        files: The output directory.
    """

    def __init__(self, spec: ScenarioDatasetSpec, files: OutputFiles) -> None:
        super().__init__()
        self._spec = spec
        self._files = files

    @no_beam_hints
    def process(
        self,
        _: object,
        users: Iterable[UsersSummary],
        tasks: Iterable[TaskSummary],
        dropped: Iterable[DroppedClicks],
        pools: Pools,
        *names: Iterable[EntityBlock],
    ) -> Iterator[Any]:
        """Writes the files."""
        summary = UsersSummary()
        for part in users:
            summary.merge(part)
        domains = self._spec.domain_names
        order = domain_order(domains)
        found = sorted(tasks, key=lambda task: order(task.scenario_id))
        for task in found:
            summary.items.update(dict.fromkeys(task.pool, 0))
        num_dropped = summary.num_dropped + pools.num_dropped
        for reasons in dropped:
            num_dropped.update(reasons.num_dropped)
        user_ids = sorted(summary.users, key=order)
        item_ids = sorted(summary.items, key=order)
        self._write_entities("user", schema.USER_ID, user_ids, summary.users)
        self._write_entities("item", schema.ITEM_ID, item_ids, summary.items)
        scenario_ids = [task.scenario_id for task in found]
        self._write_ids(keys.SCENARIO_ID, scenario_ids)
        by_kind, rejected = self._names(names)
        for row in rejected:
            yield beam.pvalue.TaggedOutput(REJECTED, row)
        for kind, ids in ((ITEM_NAMES, item_ids), (SCENARIO_NAMES, scenario_ids)):
            self._write_names(kind, ids, by_kind.get(kind))
        self._files.write(SCHEMA_PBTXT, proto_file(build_schema(item_ids, user_ids)))
        self._files.write(STATISTICS_PBTXT, proto_file(build_statistics(found)))
        info = CatalogueInfo(
            domains=_domains(domains, user_ids, item_ids),
            num_users=len(user_ids),
            num_items=len(item_ids),
            num_tasks=_by_split(found, lambda task: 1),
            num_clicks=_by_split(found, lambda task: task.num_support),
            num_queries=_by_split(found, lambda task: task.num_query),
            num_known=summary.users.total(),
            num_held_out=summary.num_held_out,
            num_rows=summary.num_rows,
            num_dropped=dict(sorted((+num_dropped).items())),
        )
        text = json.dumps(dataclasses.asdict(info))
        self._files.write(_STAGED, text.encode())
        yield EntityRows(vocabulary_rows(user_ids), vocabulary_rows(item_ids))

    def _write_entities(
        self, kind: str, vocabulary: str, ids: Sequence[str], counts: Mapping[str, int]
    ) -> None:
        records = (
            encode_example(
                ints={
                    schema.ENTITY_ROW_KEY: [row],
                    schema.ENTITY_COUNT_KEY: [counts[entity_id]],
                },
                texts={schema.ENTITY_ID_KEY: entity_id},
            )
            for row, entity_id in enumerate(ids, start=1)
        )
        name = f"{schema.ENTITIES_DIR}/{kind}-00000-of-00001.tfrecord"
        self._files.write(name, tfrecord_file(records))
        self._write_ids(vocabulary, ids)

    def _write_ids(self, vocabulary: str, ids: Sequence[str]) -> None:
        name = f"{schema.VOCABULARY_DIR}/{vocabulary}.txt"
        self._files.write(name, vocabulary_file(ids))

    def _names(
        self, blocks: Sequence[Iterable[EntityBlock]]
    ) -> tuple[dict[str, dict[str, str]], list[Any]]:
        """Joins the names of all domains, by kind and by id."""
        by_kind: dict[str, dict[str, str]] = {}
        rejected = []
        for (kind, domain, spec), found in zip(
            name_tables(self._spec), blocks, strict=True
        ):
            columns = (spec.id_column, spec.name_column)
            entities, bad = merge_entities(kind, found, columns)
            rejected += bad
            names = by_kind.setdefault(kind, {})
            lowercase = kind == SCENARIO_NAMES and lowercases(domain)
            for raw_id, entity in entities.items():
                entity_id = raw_id.lower() if lowercase else raw_id
                names.setdefault(in_domain(domain.name, entity_id), entity.name)
        return by_kind, rejected

    def _write_names(
        self, kind: str, ids: Sequence[str], names: Mapping[str, str] | None
    ) -> None:
        if names is not None:
            lines = "".join(names.get(entity_id, "") + "\n" for entity_id in ids)
            name = f"{schema.NAMES_DIR}/{kind.removesuffix('_names')}.txt"
            self._files.write(name, lines.encode())


def name_tables(
    spec: ScenarioDatasetSpec,
) -> list[tuple[str, DomainSpec, NameSpec]]:
    """Returns kind, domain and specification of each table of names."""
    return [
        (kind, domain, names)
        for domain in spec.domains
        for kind, names in (
            (ITEM_NAMES, domain.item_names),
            (SCENARIO_NAMES, domain.scenario_names),
        )
        if names is not None
    ]


def staged_info(files: OutputFiles) -> CatalogueInfo:
    """Reads what `WriteCatalogue` left for the driver."""
    fields = json.loads("\n".join(files.lines(_STAGED)))
    fields["domains"] = tuple(Domain(**domain) for domain in fields["domains"])
    return CatalogueInfo(**fields)


def _domains(
    names: Sequence[str], user_ids: Sequence[str], item_ids: Sequence[str]
) -> tuple[Domain, ...]:
    users, items = (
        Counter(domain_of(entity_id, names) for entity_id in ids)
        for ids in (user_ids, item_ids)
    )
    return tuple(Domain(name, users[name], items[name]) for name in names)


def _by_split(tasks: Iterable[TaskSummary], count: Any) -> dict[str, int]:
    sums = dict.fromkeys(schema.SPLITS, 0)
    for task in tasks:
        sums[task.split] += count(task)
    return sums
