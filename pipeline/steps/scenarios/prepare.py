"""The step `prepare` with scenarios: raw tables to a prepared data set, by Beam."""

import pathlib
from collections.abc import Sequence

from pipeline.experiment.options import beam_options
from pipeline.experiment.progress import say
from pipeline.settings.scenario.config import (
    DomainConfig,
    ScenarioConfig,
    ScenarioDataConfig,
)
from pipeline.experiment.config_file import data_dir
from pipeline.steps.prepare import describe_counts, directory_of
from transforms.clicks import sources
from transforms.clicks.dataset import prepare_scenarios
from transforms.clicks.schema import (
    DomainSpec,
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
    load_scenario_info,
)
from transforms.clicks.tables import used_tables
from transforms.fingerprint import fingerprint_of
from transforms.reading.tables import check_tables
from transforms.schema import SUCCESS
from transforms.splits import load_splitter


def dataset_spec(config: ScenarioDataConfig, data_dir: str) -> ScenarioDatasetSpec:
    """Resolves the sources of the domains to tables.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    names = config.domains if len(config.domains) > 1 else {"": None}
    domains = zip(names, config.domains.values(), strict=True)
    return ScenarioDatasetSpec(
        tuple(_domain_spec(name, domain, data_dir) for name, domain in domains),
        split=config.split,
        episodes=config.episodes,
        max_rejected_fraction=config.max_rejected_fraction,
    )


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


def check(config: ScenarioConfig, flags: Sequence[str]) -> ScenarioDatasetSpec:
    """Checks tables, columns and Beam flags without any work.

    Raises:
        ValueError: If a table, a column or a flag is not what it should be.
    """
    beam_options(flags)
    spec = dataset_spec(config.data, data_dir())
    check_tables(used_tables(spec), data_dir())
    load_splitter(spec.split, data_dir(), "scenarios")
    return spec


def prepare(config: ScenarioConfig, flags: Sequence[str]) -> pathlib.Path:
    """Prepares the data set, unless that has been done.

    Args:
        config: The experiment.
        flags: Flags for Beam, such as "--runner=FlinkRunner".

    Returns:
        The directory of the data set.

    Raises:
        ValueError: As `check`.
        RejectedRowsError: If too many clicks are refused; they are kept.
    """
    spec = check(config, flags)
    digest = fingerprint_of(spec, used_tables(spec), data_dir())
    directory = directory_of(config, digest)
    if (directory / SUCCESS).exists():
        say(f"prepare: {directory} is up to date")
        return directory
    say(f"prepare: writing {directory}")
    info = prepare_scenarios(
        spec,
        data_dir(),
        str(directory),
        fingerprint=digest,
        options=beam_options(flags),
    )
    say(describe(info))
    return directory


def describe(info: ScenarioDatasetInfo) -> str:
    """Says in a few lines what a prepared data set holds."""
    lines = [
        f"prepare: {split}: {num} scenarios, {info.num_clicks.get(split, 0)} support "
        f"clicks, {info.num_queries.get(split, 0)} held-out clicks to be found"
        for split, num in info.num_tasks.items()
    ]
    lines.append(
        f"prepare: {info.num_users} users, {info.num_items} items, {info.num_known} "
        f"known pairs, {info.num_held_out} held out"
    )
    return "\n".join([*lines, *describe_counts(info.num_rejected, info.num_dropped)])


def open_dataset(config: ScenarioConfig) -> pathlib.Path:
    """Finds the prepared data set of a configuration.

    Raises:
        ValueError: If it is not there or not complete.
    """
    spec = dataset_spec(config.data, data_dir())
    directory = directory_of(
        config, fingerprint_of(spec, used_tables(spec), data_dir())
    )
    load_scenario_info(directory)
    return directory
