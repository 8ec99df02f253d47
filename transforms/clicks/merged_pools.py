"""The pools of all scenarios, joined by one worker and read by all."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import statistics
from collections import Counter
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.metrics import Metrics

from transforms.clicks.click_pairs import ClickPairs
from transforms.clicks.ids import domain_order
from transforms.clicks.pools import PoolBlock
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.reading.coded_column import (
    Flags,
    Ints,
    coded_texts,
    places_of,
    small,
    starts_of,
)
from transforms.reading.grouping import gather
from transforms.writing.counts import count_dropped
from transforms.writing.output_files import STAGE_DIR, OutputFiles

POOL_TOO_SMALL = "pool_too_small"
POOL_TOO_LARGE = "pool_too_large"

_STAGED = f"{STAGE_DIR}/pools.json"

_POOLS = Metrics.counter("cmml", "pools")


@dataclasses.dataclass
class Pools:
    """The pools of the scenarios that are neither too small nor too large.

    Attributes:
        items: Item ids of each scenario, in the order of their rows.
        num_dropped: Scenarios left out, by reason.
        sizes: Items of the smallest pool, the median and the largest, those of
            scenarios left out too; zeros if there is no pool.
        listed_items: Items in tables of pools, those of scenarios left out too.
        listed_scenarios: Scenarios in tables of pools, likewise.
    """

    items: dict[str, list[str]]
    num_dropped: Counter[str]
    sizes: tuple[int, int, int] = (0, 0, 0)
    listed_items: set[str] = dataclasses.field(default_factory=set)
    listed_scenarios: set[str] = dataclasses.field(default_factory=set)

    @functools.cached_property
    def scenario_ids(self) -> list[str]:
        """The scenarios, in the order of their rows."""
        return list(self.items)

    @functools.cached_property
    def _places(self) -> tuple[pa.Array, Ints, Ints, Ints]:
        """The different items; scenarios of each, and its place in each; their ends."""
        sizes = np.array(list(map(len, self.items.values())), np.int64)
        every = list(itertools.chain.from_iterable(self.items.values()))
        items = coded_texts(every)
        order = np.argsort(items.codes, kind="stable")
        scenarios = np.repeat(np.arange(len(sizes)), sizes)[order]
        places = (np.arange(len(every)) - np.repeat(starts_of(sizes), sizes))[order]
        ends = np.cumsum(np.bincount(items.codes, minlength=len(items.values)))
        return items.values, small(scenarios), small(places), ends

    def rows_of(self, pairs: ClickPairs) -> tuple[Ints, Ints, Ints]:
        """Returns a row for each scenario that a pair counts in.

        It counts in every one whose pool has the item, or in those of them that the log
        says.

        Args:
            pairs: The pairs.

        Returns:
            Place of the pair, ascending; place of the scenario among `scenario_ids`;
            place of the item in its pool.
        """
        known, scenarios, places, ends = self._places
        found = pc.index_in(pairs.items, known)
        chosen = found.fill_null(0).to_numpy(zero_copy_only=False)
        counts = np.diff(ends, prepend=0)
        sizes = np.where(found.is_null(), 0, counts[chosen] if len(counts) else 0)
        starts = (ends - counts)[chosen] if len(counts) else chosen
        rows: Ints = np.repeat(np.arange(len(pairs.codes)), sizes[pairs.codes])
        pooled = places_of(starts[pairs.codes], sizes[pairs.codes])
        scenario, place = scenarios[pooled], places[pooled]
        if pairs.logged.size:
            counts_here = self._are_logged(pairs, rows, scenario)
            rows, scenario, place = (
                one[counts_here] for one in (rows, scenario, place)
            )
        return rows, scenario, place

    def _are_logged(self, pairs: ClickPairs, rows: Ints, scenarios: Ints) -> Flags:
        """Says of pairs in scenarios whether the log says these, or none at all."""
        says = np.zeros(len(pairs.codes), np.bool_)
        says[pairs.logged[0]] = True
        ids = pa.array(self.scenario_ids, pa.string())
        found = pc.index_in(pairs.scenarios, ids).fill_null(len(ids)).to_numpy()
        number = len(ids) + 1
        logged = pairs.logged[0] * number + found[pairs.logged[1]]
        return ~says[rows] | np.isin(rows * number + scenarios, logged)

    def write(self, files: OutputFiles) -> None:
        """Writes them under the stage folder."""
        content = {
            "items": self.items,
            "num_dropped": self.num_dropped,
            "sizes": self.sizes,
            "listed_items": sorted(self.listed_items),
            "listed_scenarios": sorted(self.listed_scenarios),
        }
        files.write(_STAGED, json.dumps(content).encode())

    @classmethod
    def read(cls, files: OutputFiles) -> Pools:
        """Reads what another worker has written."""
        content = json.loads(files.read(_STAGED))
        return cls(
            content["items"],
            Counter(content["num_dropped"]),
            tuple(content["sizes"]),
            set(content["listed_items"]),
            set(content["listed_scenarios"]),
        )


@beam.ptransform_fn
def write_pools(
    blocks: beam.PCollection, spec: ScenarioDatasetSpec, files: OutputFiles
) -> beam.PCollection:
    """Joins all pools in one worker, and writes them for all workers to read.

    Input: `PoolBlock`s.
    Output: one element, once `Pools.read` will find them.

    Args:
        blocks: The input.
        spec: Sizes that a pool must have, and the domains.
        files: The output directory.
    """
    return (
        {"blocks": blocks}
        | "Gather" >> gather()
        | "Write" >> beam.Map(lambda known: _write(known["blocks"], spec, files))
    )


def _write(
    blocks: Iterable[PoolBlock], spec: ScenarioDatasetSpec, files: OutputFiles
) -> None:
    pools = merge_pools(blocks, spec)
    _POOLS.inc(len(pools.items))
    count_dropped(pools.num_dropped)
    pools.write(files)


def merge_pools(blocks: Iterable[PoolBlock], spec: ScenarioDatasetSpec) -> Pools:
    """Joins pools, and keeps those of the right size.

    Args:
        blocks: Items by scenario, in any order.
        spec: Sizes that a pool must have, and the domains.
    """
    sizes = spec.episodes
    order = domain_order(spec.domain_names)
    joined: dict[str, set[str]] = {}
    pools = Pools({}, Counter())
    for block in blocks:
        for scenario_id, pool in block.pools.items():
            joined.setdefault(scenario_id, set()).update(pool)
            if block.is_listed:
                pools.listed_items.update(pool)
                pools.listed_scenarios.add(scenario_id)
    if joined:
        numbers = [len(items) for items in joined.values()]
        median = statistics.median_low(numbers)
        pools.sizes = min(numbers), median, max(numbers)
    for scenario_id in sorted(joined, key=order):
        items = joined[scenario_id]
        if len(items) < sizes.min_pool_size:
            pools.num_dropped[POOL_TOO_SMALL] += 1
        elif len(items) > sizes.max_pool_size:
            pools.num_dropped[POOL_TOO_LARGE] += 1
        else:
            pools.items[scenario_id] = sorted(items, key=order)
    return pools
