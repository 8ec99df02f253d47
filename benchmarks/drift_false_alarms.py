"""How far data sets of the same users lie apart by chance, as `validate-data` sees.

    PYTHONPATH=. python benchmarks/drift_false_alarms.py [--draws 200]

Meta-train users are parted at random, so many times: some are the new data set, the
others the reference. Both are made of their ratings alone, items included. Prints a
JSON line for each share of users and each limit of the section `drift`: quantiles of
what is compared with the limit, how often it is beyond it, and how often anything is.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from pipeline.experiment.config_file import data_dir
from pipeline.experiment.config_section import DriftConfig
from pipeline.judging.data_drift import Drift, compare_datasets
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.source import rating_source
from transforms.entities.entities import EntityBlock, EntityParser, entity_columns
from transforms.entities.entity_runs import Partition
from transforms.ratings.catalogue import rating_catalogue
from transforms.ratings.episodes import TaskShard, build_tasks, counts_of_shard
from transforms.ratings.interactions import (
    InteractionBlock,
    InteractionParser,
    interaction_columns,
)
from transforms.ratings.runs import TABLE_OF, RatingRuns, entities_of_shard
from transforms.ratings.summaries import summarize
from transforms.ratings.tables import used_tables
from transforms.ratings.user_pairs import UserPairs, pairs_of_users
from transforms.reading.blocks import Block, rows_of
from transforms.reading.raw_files import find_raw_files
from transforms.reading.read_tables import find_parts, read_part
from transforms.reading.row_error import RowError
from transforms.reading.tables import columns_by_table
from transforms.schema import META_TRAIN, SUCCESS
from transforms.specs import DatasetSpec
from transforms.splits import load_splitter
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import write_run

_BY_VALUES = {"values": "max_value_shift", "lengths": "max_support_shift"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="configs/movielens_small.yaml")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.5, 0.2, 0.05])
    arguments = parser.parse_args()
    spec = rating_source(load_experiment(arguments.config, [])).spec
    pairs = _pairs(spec)
    splitter = load_splitter(spec.split, data_dir())
    users = [user for user in pairs.users if splitter.split_of(user) == META_TRAIN]
    with tempfile.TemporaryDirectory() as folder:
        shop = _Resampler(spec, pairs, pathlib.Path(folder))
        for share in arguments.shares:
            draws = [shop.draw(users, share, seed) for seed in range(arguments.draws)]
            for line in _lines(draws):
                print(json.dumps({"share": share, **line}), flush=True)


def _pairs(spec: DatasetSpec) -> UserPairs:
    blocks = []
    for block in _blocks(spec, spec.interactions.table):
        parser = InteractionParser(spec.interactions, 1, block)
        _parse(parser, block, interaction_columns(spec.interactions))
        blocks += [InteractionBlock.unpacked(one) for _, one in parser.parsed()]
    return pairs_of_users(blocks, spec.interactions)[0]


def _blocks(spec: DatasetSpec, table: Any) -> Iterator[Block]:
    columns = columns_by_table(used_tables(spec))[table]
    for file in find_raw_files(table, data_dir(), "table"):
        for part in find_parts(
            file, table, columns, data_dir=data_dir(), text_block_bytes=1 << 20
        ):
            yield from read_part(part, columns)


def _parse(parser: Any, block: Block, columns: tuple[str, ...]) -> None:
    for line, fields in rows_of(block, parser._spec.table, columns):
        try:
            parser.add(line, fields)
        except RowError:
            continue


class _Resampler:
    """Makes data sets of some of the users, and compares them."""

    def __init__(
        self, spec: DatasetSpec, pairs: UserPairs, folder: pathlib.Path
    ) -> None:
        self._spec = spec
        self._pairs = pairs
        self._folder = folder
        self._entities = {
            kind: list(self._read(entity))
            for kind, entity in (("users", spec.users), ("items", spec.items))
            if entity.table is not None
        }

    def draw(self, users: Collection[str], share: float, seed: int) -> list[Drift]:
        """Compares some users, drawn at random, with the others."""
        order = np.random.default_rng(seed).permutation(sorted(users))
        parts = np.split(order, [round(share * len(order))])
        split = dataclasses.replace(self._spec.split, seed=seed + 1, path=None)
        spec = dataclasses.replace(self._spec, split=split)
        folders = [self._write(spec, part, n) for n, part in enumerate(parts)]
        return compare_datasets(*folders, DriftConfig(may_be_new=("user_id",)))

    def _read(self, entity: Any) -> Iterator[EntityBlock]:
        for block in _blocks(self._spec, entity.table):
            parser = EntityParser("", entity, block)
            _parse(parser, block, entity_columns(entity))
            yield from parser.parsed()

    def _write(self, spec: DatasetSpec, users: Any, number: int) -> pathlib.Path:
        chosen = set(map(str, users))
        are_chosen = np.array([user in chosen for user in self._pairs.users])
        pairs = self._pairs.take(np.flatnonzero(are_chosen[self._pairs.owners]))
        splitter = load_splitter(spec.split, "")
        tasks, dropped = build_tasks(pairs, splitter, spec.episodes)
        rated = pairs.items.take(np.unique(pairs.codes)).to_pylist()
        known = {"users": chosen, "items": set(rated)}
        blocks = {
            kind: [_only(block, known[kind]) for block in of_kind]
            for kind, of_kind in self._entities.items()
        }
        counts = counts_of_shard(0, pairs, tasks)
        shard = TaskShard(0, tasks, dropped, collections.Counter(), *counts)
        folder = self._folder / str(number)
        files = OutputFiles(str(folder))
        make = RatingRuns(spec, None)
        runs = []
        for kind, counts_of_kind in entities_of_shard(shard):
            own = {TABLE_OF[kind]: blocks.get(TABLE_OF[kind], [])}
            run = make.run(kind, Partition(0, 1), [counts_of_kind], own)
            write_run(files, kind, 0, 1, run.rows)
            runs.append((kind, run.summary))
        summaries = [summarize(shard)]
        rating_catalogue(spec, False, summaries=summaries, runs=runs).write(files)
        (folder / SUCCESS).touch()
        return folder


def _only(block: EntityBlock, known: Collection[str]) -> EntityBlock:
    """Returns the entities of a block that the ratings have."""
    pairs = zip(block.entities, block.lines, strict=True)
    kept = [pair for pair in pairs if pair[0].entity_id in known]
    entities, lines = map(list, zip(*kept, strict=True)) if kept else ([], [])
    return dataclasses.replace(block, entities=entities, lines=lines)


def _lines(draws: list[list[Drift]]) -> Iterator[dict[str, Any]]:
    by_limit = collections.defaultdict(list)
    for drifts in draws:
        for drift in drifts:
            by_limit[_key(drift)].append(drift)
    for key, drifts in by_limit.items():
        values = [drift.value for drift in drifts]
        quantiles = np.quantile(values, [0.5, 0.95, 0.99, 1.0])
        yield {
            "limit": key,
            "at_most": drifts[0].limit,
            "quantiles_50_95_99_100": [round(float(q), 3) for q in quantiles],
            "beyond": round(np.mean([drift.is_anomaly for drift in drifts]), 4),
        }
    alarms = [any(drift.is_anomaly for drift in drifts) for drifts in draws]
    yield {"limit": "any", "beyond": round(np.mean(alarms), 4), "draws": len(draws)}


def _key(drift: Drift) -> str:
    word = drift.detail.split(" ", 1)[0]
    if word in _BY_VALUES:
        return f"{_BY_VALUES[word]}: {drift.name}"
    kind = "max_unknown_share" if "unknown" in drift.detail else "max_missing_increase"
    return f"{kind}: {drift.name}"


if __name__ == "__main__":
    main()
