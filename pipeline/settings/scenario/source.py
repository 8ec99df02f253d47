"""The raw tables of an experiment with scenarios as tasks."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from pipeline.experiment.config_file import data_dir
from pipeline.settings.prepared_text import (
    describe_counts,
    describe_few_tasks,
    describe_odd_times,
)
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data_config import DomainConfig, ScenarioDataConfig
from pipeline.settings.scenario.small_pools import describe_small_pools
from pipeline.settings.shards import with_enough_shards
from pipeline.settings.table_source import TableSource
from transforms.clicks import sources
from transforms.clicks.schema import (
    USER_TASKS,
    DomainSpec,
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
    key_of_time,
)
from transforms.clicks.tables import used_tables
from transforms.plural import counted


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
    if not info.has_user_tasks:
        lines += describe_small_pools(directory)
    # Of other users than those of meta-train all clicks wait, asked for or not.
    waits = "for the training on all clicks" if info.has_user_tasks else "held out"
    lines.append(
        f"prepare: {counted(info.num_users, 'user')}, "
        f"{counted(info.num_items, 'item')}, "
        f"{counted(info.num_known, 'known pair')}, {info.num_held_out} {waits}"
    )
    return "\n".join([*lines, *describe_counts(info)])
