"""The raw tables of an experiment with scenarios as tasks."""

import dataclasses
import pathlib
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from models.evaluation.ranking_metrics import CHOSEN_BY, RECALL_CUTOFFS
from pipeline.experiment.config_file import data_dir
from pipeline.settings.described_features import describe_features
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data_config import DomainConfig, ScenarioDataConfig
from pipeline.settings.table_source import (
    TableSource,
    describe_counts,
    describe_few_tasks,
    describe_few_to_choose_by,
    describe_odd_times,
    with_enough_shards,
)
from transforms.clicks import sources
from transforms.clicks.schema import (
    POOL_KEY,
    USER_TASKS,
    DomainSpec,
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
    key_of_time,
)
from transforms.clicks.tables import used_tables
from transforms.plural import counted
from transforms.schema import META_TEST, META_VALIDATION

_STATISTICS = "statistics.pbtxt"
_DECISIVE = int(CHOSEN_BY.partition("@")[2])


def click_source(config: ScenarioConfig) -> TableSource:
    """Resolves the sources of an experiment to tables of clicks and pools.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    spec = dataset_spec(config.data, data_dir())
    spec = with_enough_shards(spec, [domain.clicks.table for domain in spec.domains])
    tables = used_tables(spec, _prefixes(config.data))
    tasks = "users" if spec.has_user_tasks else "scenarios"
    return TableSource(spec, tables, tasks, _write, _describe)


def dataset_spec(config: ScenarioDataConfig, data_dir: str) -> ScenarioDatasetSpec:
    """Resolves the sources of the domains to tables.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    names = config.domains if len(config.domains) > 1 else {"": None}
    pairs = zip(names, config.domains.values(), strict=True)
    domains = [_domain_spec(name, domain, data_dir) for name, domain in pairs]
    if config.task == USER_TASKS:
        domains = [_without_scenarios(domain) for domain in domains]
    if not key_of_time(config.split, config.episodes):
        domains = [_without_time(domain) for domain in domains]
    return ScenarioDatasetSpec(
        tuple(domains),
        task=config.task,
        split=config.split,
        episodes=config.episodes,
        max_rejected_fraction=config.max_rejected_fraction,
        max_unmatched_fraction=config.max_unmatched_fraction,
        normalize_ids=config.normalize_ids,
    )


def _without_time(domain: DomainSpec) -> DomainSpec:
    clicks = dataclasses.replace(domain.clicks, time_column=None)
    return dataclasses.replace(domain, clicks=clicks)


def _without_scenarios(domain: DomainSpec) -> DomainSpec:
    clicks = dataclasses.replace(domain.clicks, scenario_column=None)
    return dataclasses.replace(domain, clicks=clicks, pools=None, scenario_names=None)


def _prefixes(config: ScenarioDataConfig) -> list[str]:
    """Returns what comes before the keys of each domain in the configuration."""
    # Of several domains, tables are known by that of theirs.
    is_one = len(config.domains) == 1
    return [
        (f"data.domains.{name}." if is_one else "data.")
        if domain.source == "table"
        else ""
        for name, domain in config.domains.items()
    ]


def _domain_spec(name: str, config: DomainConfig, data_dir: str) -> DomainSpec:
    if config.source == "table":
        assert config.clicks is not None  # Checked at load.
        return DomainSpec(
            config.clicks,
            config.pools,
            config.item_names,
            config.scenario_names,
            name,
            config.items,
        )
    assert config.path is not None  # Checked at load.
    if config.source == "movielens":
        return sources.movielens(
            config.path, scenarios=config.scenarios, data_dir=data_dir, name=name
        )
    if config.source == "lastfm":
        return sources.lastfm(config.path, data_dir=data_dir, name=name)
    if config.source == "citeulike":
        return sources.citeulike(config.path, name=name)
    return sources.taobao(config.path, name=name)


def _write(*arguments: Any, **options: Any) -> ScenarioDatasetInfo:
    from transforms.clicks.dataset import prepare_scenarios  # It imports Beam.

    return prepare_scenarios(*arguments, **options)


def _describe(info: ScenarioDatasetInfo, directory: pathlib.Path) -> str:
    task = "user" if info.has_user_tasks else "scenario"
    lines = [
        f"prepare: {split}: {counted(num, task)}, "
        f"{counted(info.num_clicks.get(split, 0), 'support click')}, "
        f"{counted(info.num_queries.get(split, 0), 'held-out click')} to query"
        for split, num in info.num_tasks.items()
    ]
    lines += [*describe_few_tasks(info), *describe_odd_times(info)]
    if info.has_user_tasks:
        lines += describe_few_to_choose_by(info)
    else:
        lines += describe_small_pools(directory)
    # Of other users than those of meta-train all clicks wait, asked for or not.
    waits = "for the training on all clicks" if info.has_user_tasks else "held out"
    lines.append(
        f"prepare: {counted(info.num_users, 'user')}, "
        f"{counted(info.num_items, 'item')}, "
        f"{counted(info.num_known, 'known pair')}, {info.num_held_out} {waits}"
    )
    lines += [*describe_counts(info), *describe_features(info, directory)]
    return "\n".join(lines)


def describe_small_pools(dataset_dir: pathlib.Path) -> list[str]:
    """Says which splits that methods are judged on have pools that tell nothing.

    A user of a pool has its items for candidates, less those known to be clicked; with
    no more than 20 of them Recall@20 is undefined.

    Args:
        dataset_dir: The prepared data set.

    Returns:
        A sentence for each such split.
    """
    text = (dataset_dir / _STATISTICS).read_text(encoding="utf-8")
    statistics = text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())
    return [
        _describe_sizes(split.name, sizes.min_num_values, sizes.max_num_values)
        for split in statistics.datasets
        if split.name in (META_VALIDATION, META_TEST) and split.num_examples
        for feature in split.features
        if feature.name == POOL_KEY
        if (sizes := feature.num_stats.common_stats).min_num_values <= _DECISIVE
    ]


def _describe_sizes(split: str, smallest: int, largest: int) -> str:
    """Says how large the pools are, what does not count, and what does."""
    defined = [f"recall@{k}" for k in RECALL_CUTOFFS if k < min(largest, _DECISIVE)]
    others = ", ".join([*defined, "ndcg and mrr"])
    if largest > _DECISIVE:
        cure = f"data.episodes.min_pool_size: {_DECISIVE + 1} leaves such pools out"
    else:
        cure = "no key changes what decides: larger pools are needed"
    return (
        f"prepare: {split}: pools have {smallest} to {counted(largest, 'item')}; where "
        f"a user has at most {_DECISIVE} candidates, {CHOSEN_BY}, which decides, does "
        f"not count, but {others} do: {cure}"
    )
