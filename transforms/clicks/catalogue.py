"""Users, items and scenarios of a data set: numbered, named, counted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.clicks import domain_of, domain_order, in_domain, lowercases
from transforms.clicks.pools import Pools
from transforms.clicks.schema import (
    Domain,
    DomainSpec,
    NameSpec,
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
)
from transforms.clicks.statistics import build_schema, build_statistics
from transforms.clicks.summaries import TaskSummary, UsersSummary, merge_users
from transforms.clicks.tasks import DroppedClicks
from transforms.entities.entities import EntityBlock, merge_entities
from transforms.entities.vocabularies import vocabulary_rows
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.rejected_row import REJECTED, RejectedRow
from transforms.writing.dataset_files import stage_info
from transforms.writing.entity_files import (
    EntityRows,
    encode_entity,
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

ITEM_NAMES = "item_names"
SCENARIO_NAMES = "scenario_names"


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
        order = domain_order(self._spec.domain_names)
        all_tasks = sorted(tasks, key=lambda task: order(task.scenario_id))
        summary = merge_users(users)
        for task in all_tasks:
            summary.items.update(dict.fromkeys(task.pool, 0))
        catalogue = _Catalogue(
            sorted(summary.users, key=order),
            sorted(summary.items, key=order),
            [task.scenario_id for task in all_tasks],
        )
        by_kind, rejected = _names_by_kind(self._spec, names)
        for row in rejected:
            yield beam.pvalue.TaggedOutput(REJECTED, row)
        catalogue.write(self._files, summary)
        catalogue.write_names(self._files, by_kind)
        self._write_statistics(catalogue, all_tasks)
        num_dropped = summary.num_dropped + pools.num_dropped
        for part in dropped:
            num_dropped.update(part.num_dropped)
        info = _dataset_info(self._spec, catalogue, summary, all_tasks, num_dropped)
        stage_info(self._files, info, summary.num_rows)
        yield EntityRows(
            vocabulary_rows(catalogue.user_ids), vocabulary_rows(catalogue.item_ids)
        )

    def _write_statistics(
        self, catalogue: _Catalogue, tasks: Sequence[TaskSummary]
    ) -> None:
        sizes = len(catalogue.user_ids), len(catalogue.item_ids)
        self._files.write(SCHEMA_PBTXT, proto_file(build_schema(*sizes)))
        self._files.write(STATISTICS_PBTXT, proto_file(build_statistics(tasks)))


@dataclasses.dataclass(frozen=True)
class _Catalogue:
    """Users, items and scenarios, in the order of their rows."""

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    scenario_ids: Sequence[str]

    def write(self, files: OutputFiles, summary: UsersSummary) -> None:
        """Writes the tables and vocabularies."""
        for kind, name, ids, counts in (
            ("user", schema.USER_ID, self.user_ids, summary.users),
            ("item", schema.ITEM_ID, self.item_ids, summary.items),
        ):
            rows = enumerate(ids, start=1)
            records = (encode_entity(row, each, counts[each]) for row, each in rows)
            write_entities(files, kind, records)
            write_vocabulary(files, name, ids)
        write_vocabulary(files, keys.SCENARIO_ID, self.scenario_ids)

    def write_names(
        self, files: OutputFiles, by_kind: dict[str, dict[str, str]]
    ) -> None:
        """Writes the names of items and of scenarios, if there is a table of them."""
        for kind, name, ids in (
            (ITEM_NAMES, "item", self.item_ids),
            (SCENARIO_NAMES, "scenario", self.scenario_ids),
        ):
            if kind in by_kind:
                write_names(files, name, (by_kind[kind].get(each, "") for each in ids))


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


def _names_by_kind(
    spec: ScenarioDatasetSpec, blocks: Sequence[Iterable[EntityBlock]]
) -> tuple[dict[str, dict[str, str]], list[RejectedRow]]:
    """Joins the names of all domains, by kind and by id."""
    by_kind: dict[str, dict[str, str]] = {}
    rejected = []
    for (kind, domain, table), parts in zip(name_tables(spec), blocks, strict=True):
        columns = (table.id_column, table.name_column)
        entities, refused = merge_entities(kind, parts, columns)
        rejected += refused
        names = by_kind.setdefault(kind, {})
        lowercase = kind == SCENARIO_NAMES and lowercases(domain)
        for raw_id, entity in entities.items():
            entity_id = raw_id.lower() if lowercase else raw_id
            names.setdefault(in_domain(domain.name, entity_id), entity.name)
    return by_kind, rejected


def _dataset_info(
    spec: ScenarioDatasetSpec,
    catalogue: _Catalogue,
    summary: UsersSummary,
    tasks: Sequence[TaskSummary],
    num_dropped: Counter[str],
) -> ScenarioDatasetInfo:
    """Returns what `dataset.json` says, but for what the driver adds."""
    return ScenarioDatasetInfo(
        domains=_domains(spec.domain_names, catalogue),
        num_users=len(catalogue.user_ids),
        num_items=len(catalogue.item_ids),
        num_tasks=_by_split(tasks, lambda task: 1),
        num_clicks=_by_split(tasks, lambda task: task.num_support),
        num_queries=_by_split(tasks, lambda task: task.num_query),
        num_known=summary.users.total(),
        num_held_out=summary.num_held_out,
        num_dropped=dict(sorted((+num_dropped).items())),
        options=dataclasses.asdict(spec),
        has_item_names=any(domain.item_names for domain in spec.domains),
        has_scenario_names=any(domain.scenario_names for domain in spec.domains),
    )


def _domains(names: Sequence[str], catalogue: _Catalogue) -> tuple[Domain, ...]:
    users, items = (
        Counter(domain_of(entity_id, names) for entity_id in ids)
        for ids in (catalogue.user_ids, catalogue.item_ids)
    )
    return tuple(Domain(name, users[name], items[name]) for name in names)


def _by_split(
    tasks: Iterable[TaskSummary], count: Callable[[TaskSummary], int]
) -> dict[str, int]:
    sums = dict.fromkeys(schema.SPLITS, 0)
    for task in tasks:
        sums[task.split] += count(task)
    return sums
