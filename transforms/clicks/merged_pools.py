"""The pools of all scenarios, joined by one worker and read by all."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.clicks import domain_order
from transforms.clicks.pools import PoolBlock
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.kinds import Gather
from transforms.writing.counters import count_dropped
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
        scenarios: Scenarios of each item.
        num_dropped: Scenarios left out, by reason.
        listed_items: Items in tables of pools, those of scenarios left out too.
        listed_scenarios: Scenarios in tables of pools, likewise.
    """

    items: dict[str, list[str]]
    scenarios: dict[str, list[str]]
    num_dropped: Counter[str]
    listed_items: set[str] = dataclasses.field(default_factory=set)
    listed_scenarios: set[str] = dataclasses.field(default_factory=set)

    def write(self, files: OutputFiles) -> None:
        """Writes them under the stage folder."""
        content = {
            "items": self.items,
            "num_dropped": self.num_dropped,
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
            scenarios_by_item(content["items"]),
            Counter(content["num_dropped"]),
            set(content["listed_items"]),
            set(content["listed_scenarios"]),
        )


class MergePools(beam.PTransform):
    """Joins all pools in one worker, and writes them for all workers to read.

    Input: `PoolBlock`s.
    Output: one element, once `Pools.read` will find them.

    Args:
        spec: Sizes that a pool must have, and the domains.
        files: The output directory.
    """

    def __init__(self, spec: ScenarioDatasetSpec, files: OutputFiles) -> None:
        super().__init__()
        self._spec = spec
        self._files = files

    @no_beam_hints
    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Brings all blocks to one worker."""
        spec, files = self._spec, self._files
        return (
            {"blocks": blocks}
            | "Gather" >> Gather()
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
    pools = Pools({}, {}, Counter())
    for block in blocks:
        for scenario_id, pool in block.pools.items():
            joined.setdefault(scenario_id, set()).update(pool)
            if block.is_listed:
                pools.listed_items.update(pool)
                pools.listed_scenarios.add(scenario_id)
    for scenario_id in sorted(joined, key=order):
        items = joined[scenario_id]
        if len(items) < sizes.min_pool_size:
            pools.num_dropped[POOL_TOO_SMALL] += 1
        elif len(items) > sizes.max_pool_size:
            pools.num_dropped[POOL_TOO_LARGE] += 1
        else:
            pools.items[scenario_id] = sorted(items, key=order)
    pools.scenarios = scenarios_by_item(pools.items)
    return pools


def scenarios_by_item(items: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Returns the scenarios of each item, given the items of each scenario."""
    scenarios: dict[str, list[str]] = {}
    for scenario_id, pool in items.items():
        for item_id in pool:
            scenarios.setdefault(item_id, []).append(scenario_id)
    return scenarios
