"""The data contract of the scenario-specific setting: clicks, scenarios and records.

Standard library only, as `transforms.schema`, whose file names and splits hold here
too. A task is a scenario: a pool of items (a theme, a tag, a genre) and the clicks of
users inside it. A click is a user-item pair of whatever kind of implicit feedback.

Pairs are split as well as scenarios, because one pair belongs to many scenarios: a
stable hash, or their time, holds some out, some for the queries of meta-validation,
others for those of meta-test. Everything else (support sets, meta-train, collaborative
filtering) is made of *known* pairs. Each known pair is in one fold, again by a stable
hash.

Where users are tasks, each user is a scenario of their own, of whom nothing is known
but clicks, and whose pool is the whole catalogue. Known pairs are then those of users
of meta-train; those of the others are learnt from by a refit alone.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from transforms.schema import CommonInfo, read_dataset_json
from transforms.specs import (
    CommonSpec,
    EntitySpec,
    FeatureSpec,
    SplitSpec,
    check_split_of_tasks,
)
from transforms.table_spec import Strict, TableSpec

SCENARIO_SETTING = "scenario"

TaskKind: TypeAlias = Literal["scenario", "user"]
SCENARIO_TASKS: TaskKind = "scenario"
USER_TASKS: TaskKind = "user"

# Beside the files that `transforms.schema` names.
CLICKS_DIR = "clicks"  # {known,held_out}-SSSSS-of-NNNNN.tfrecord.gz, a record a user.
KNOWN = "known"
HELD_OUT = "held_out"
VECTORS_DIR = "vectors"  # Not of `prepare`: what `pretrain` makes of the clicks.
SCENARIO_ID = "scenario_id"  # Vocabulary of the scenarios, all splits.

# Keys of one record of known clicks: a user row, item rows, and the fold of each pair.
CLICKS_USER_KEY = "user"
CLICKS_ITEM_KEY = "item"
CLICKS_FOLD_KEY = "fold"

# Keys of one episode record, beside the bytes `task_id` (the scenario id). All int64.
# Meta-train: the support holds all known clicks of the scenario, which training draws
# its own support and query sets from; query and known are empty.
# Meta-validation and meta-test: the support holds `support_size` known clicks, the
# query all clicks held out for the split in a random order that is part of the record,
# and `known` what else every user of the query has clicked, known or held out for the
# other split, which is no candidate to be ranked.
# Negatives: `num_negatives` items for each click, click after click, of the same
# scenario: of the support, items that the same user is not known to have clicked; of
# the query, items that they have not clicked, known or held out.
# Where users are tasks, pool and negatives are empty: any item may be either.
POOL_KEY = "pool"  # Item rows of the scenario, ascending.
SUPPORT_USER_KEY = "support/user"
SUPPORT_ITEM_KEY = "support/item"
SUPPORT_FOLD_KEY = "support/fold"
SUPPORT_NEGATIVE_KEY = "support/negative"
QUERY_USER_KEY = "query/user"
QUERY_ITEM_KEY = "query/item"
QUERY_NEGATIVE_KEY = "query/negative"
KNOWN_USER_KEY = "known/user"
KNOWN_ITEM_KEY = "known/item"


@dataclasses.dataclass(frozen=True)
class ClickSpec(Strict):
    """The table of clicks: one row for each event; a repeated pair counts once.

    Attributes:
        table: Where it is.
        user_column: Column of the user id.
        item_column: Column of the item id.
        scenario_column: Column of the scenario that the click happened in, if the log
            says so. Without one, a click counts in every scenario whose pool has the
            item. A row that names none is refused, or left out if it has one of the
            codes of `table.missing` there.
        label_column: Column of a rating, or of another measure, that makes a row a
            click.
        label_at_least: Rows whose label is lower are no clicks, and left out.
        time_column: Column of the time, a number or a date, which `split.test_from` and
            `episodes.order` go by; a pair has the time of its first click.
    """

    table: TableSpec
    user_column: str = "user_id"
    item_column: str = "item_id"
    scenario_column: str | None = None
    label_column: str | None = None
    label_at_least: float | None = None
    time_column: str | None = None

    def __post_init__(self) -> None:
        """Checks that label and limit come together."""
        if (self.label_column is None) != (self.label_at_least is None):
            raise ValueError(
                "label_column and label_at_least go together, got "
                f"{self.label_column!r} and {self.label_at_least!r}."
            )


@dataclasses.dataclass(frozen=True)
class PoolSpec(Strict):
    """The table that says which items belong to which scenario.

    Attributes:
        table: Where it is.
        item_column: Column of the item id.
        scenario_column: Column of the scenario id, or of several of them.
        separator: Between several scenarios in one field; None if there is one.
        lowercase: Whether scenarios that differ in case only are one.
    """

    table: TableSpec
    item_column: str = "item_id"
    scenario_column: str = "scenario_id"
    separator: str | None = None
    lowercase: bool = False

    def __post_init__(self) -> None:
        """Refuses an empty separator."""
        if self.separator == "":
            raise ValueError("separator must not be empty; leave it out instead.")


@dataclasses.dataclass(frozen=True)
class NameSpec(Strict):
    """The table of names, for people to read, of items or scenarios.

    Attributes:
        table: Where it is.
        id_column: Column of the id.
        name_column: Column of the name.
    """

    table: TableSpec
    id_column: str = "id"
    name_column: str = "name"

    @property
    def entities(self) -> EntitySpec:
        """The table as one of entities without features."""
        return EntitySpec(self.table, self.id_column, self.name_column)


def check_items(names: NameSpec | None, items: EntitySpec | None) -> None:
    """Checks that one table tells of items.

    Raises:
        ValueError: If two do, or none though `items` is given.
    """
    if names is not None and items is not None:
        raise ValueError(
            "`items` goes in place of `item_names`: leave one of them out."
        )
    if items is not None and items.table is None:
        raise ValueError("`items` needs a `table` to be read from.")


@dataclasses.dataclass(frozen=True)
class DomainSpec(Strict):
    """The tables of one domain. Domains share neither users nor items nor scenarios.

    Attributes:
        clicks: The clicks.
        pools: Which items belong to which scenario; may be left out if the clicks say
            their scenario, and a pool is then what was clicked in it, or if users are
            tasks.
        item_names: Names of items.
        items: Names and features of items, in place of `item_names`. Each item that
            this table tells of is in the catalogue, clicked or not.
        scenario_names: Names of scenarios.
        name: Put before every id of the domain, with a colon: "lastfm:52". Empty if
            there is only one domain.
    """

    clicks: ClickSpec
    pools: PoolSpec | None = None
    item_names: NameSpec | None = None
    scenario_names: NameSpec | None = None
    name: str = ""
    items: EntitySpec | None = None

    @property
    def item_table(self) -> EntitySpec | None:
        """What `items`, or `item_names`, says of items."""
        if self.item_names is None:
            return self.items
        return self.item_names.entities

    @property
    def item_features(self) -> tuple[FeatureSpec, ...]:
        """What is known of items."""
        return () if self.items is None else self.items.features

    def __post_init__(self) -> None:
        """Checks that scenarios are written in one way, and items told of in one."""
        check_items(self.item_names, self.items)
        if (
            self.pools is not None
            and self.pools.lowercase
            and self.clicks.scenario_column is not None
        ):
            raise ValueError(
                "pools.lowercase must be false where clicks.scenario_column is given, "
                "or the two would name different scenarios."
            )


@dataclasses.dataclass(frozen=True)
class ScenarioSplitSpec(SplitSpec):
    """The split by scenario, and of pairs.

    Beside those of `SplitSpec`. Shares are by chance, scenario by scenario: with few of
    them a split may get many more or fewer, or none.

    Attributes:
        path: JSON file with the lists `meta_train_scenarios` and
            `meta_test_scenarios`, and perhaps `meta_validation_scenarios`, relative
            to the raw-data folder.
        validation_fraction: As of `SplitSpec`; more, since there are few scenarios.
        test_from: A number or a date such as 2001-02-03, in UTC, as
            `clicks.time_column` has them. Pairs of that time or later are held out, in
            place of `held_out_fraction`. Where users are tasks, or `episodes.order` is
            "time", tasks whose first click is of that time or later are meta-test, in
            place of `test_fraction`; of all others later clicks wait for the training
            on all clicks.
        validation_from: Those of this time or later, and before `test_from`, are held
            out for meta-validation, in place of `held_out_for_validation`; where
            `test_from` says which tasks are meta-test, as it, in place of
            `validation_fraction`.
        held_out_fraction: Share of the pairs that are held out for the queries of
            meta-validation and meta-test.
        held_out_for_validation: Share of those that is for meta-validation; the others
            are for meta-test. What a choice is made by is thus never reported.
        num_folds: Folds of the known pairs, for vectors that have not seen a pair.
    """

    validation_fraction: float = 0.2
    held_out_fraction: float = 0.2
    held_out_for_validation: float = 0.3
    num_folds: int = 5

    def __post_init__(self) -> None:
        """Checks shares and folds."""
        super().__post_init__()
        for name in ("held_out_fraction", "held_out_for_validation"):
            if not 0.0 < (value := getattr(self, name)) < 1.0:
                raise ValueError(f"{name} must be in (0, 1), got {value}.")
        if self.num_folds < 2:
            raise ValueError(f"num_folds must be at least 2, got {self.num_folds}.")


@dataclasses.dataclass(frozen=True)
class ScenarioEpisodeSpec(Strict):
    """Which scenarios become tasks, and how.

    Attributes:
        min_pool_size: Scenarios with fewer items are left out.
        max_pool_size: Scenarios with more items are left out.
        support_size: Clicks in the support set of a meta-validation or meta-test task.
        min_clicks: Scenarios with fewer known clicks are left out, and those of
            meta-validation and meta-test without any held-out click.
        max_clicks_per_scenario: Known and held-out clicks kept of one scenario: whole
            users are drawn by a stable hash until so many are reached. It bounds
            memory, and what training looks at.
        num_negatives: Negatives drawn for each click.
        num_shards: Files per split, and groups that tasks are built in, at least; one
            for each 64 MB of interactions as text, if those are more.
        order: Which clicks of a task are held out and shown. "random": drawn alike.
            "time": the last `split.held_out_fraction` are held out, one at least; of a
            user the `support_size` before them are shown, of a scenario its first ones,
            in their order. It needs `clicks.time_column`; with scenarios also
            `split.validation_from` and `test_from`, by which these are split.
    """

    min_pool_size: int = 100
    max_pool_size: int = 1000
    support_size: int = 64
    min_clicks: int = 20
    max_clicks_per_scenario: int = 100_000
    num_negatives: int = 4
    num_shards: int = 4
    order: Literal["random", "time"] = "random"

    def __post_init__(self) -> None:
        """Checks the sizes."""
        for name in (
            "min_pool_size",
            "support_size",
            "min_clicks",
            "max_clicks_per_scenario",
            "num_negatives",
            "num_shards",
        ):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1, got {getattr(self, name)}."
                )
        if self.max_pool_size < self.min_pool_size:
            raise ValueError(
                "max_pool_size must be at least min_pool_size, "
                f"got {self.max_pool_size} and {self.min_pool_size}."
            )


def check_task(
    task: TaskKind,
    clicks: ClickSpec,
    pools: PoolSpec | None,
    episodes: ScenarioEpisodeSpec,
) -> None:
    """Checks that the scenarios of a domain come from where a task says.

    Raises:
        ValueError: If they come from nowhere, or from somewhere though users are tasks,
            or are ordered by time and the log does not say them.
    """
    has_scenarios = pools is not None or clicks.scenario_column is not None
    if task == SCENARIO_TASKS and not has_scenarios:
        raise ValueError(
            "scenarios must come from `pools`, or from `clicks.scenario_column`, got "
            "neither; where there are none, `data.task: user` makes each user a task."
        )
    if task == USER_TASKS and has_scenarios:
        raise ValueError(
            "data.task 'user' takes neither `pools` nor `clicks.scenario_column`: the "
            "pool of a user is the whole catalogue."
        )
    says_scenarios = clicks.scenario_column is not None
    if task == SCENARIO_TASKS and episodes.order == "time" and not says_scenarios:
        raise ValueError(
            "episodes.order 'time' needs clicks.scenario_column, got none: a scenario "
            "that only `pools` tell of has no first click."
        )


def check_use_of_time(
    task: TaskKind, split: ScenarioSplitSpec, episodes: ScenarioEpisodeSpec
) -> None:
    """Checks that what goes by time can do so with the tasks that there are.

    Raises:
        ValueError: If tasks are split both by time and by a file, or scenarios are
            ordered by time without two times to split them by.
    """
    if task == USER_TASKS or episodes.order == "time":
        check_split_of_tasks(split)
    if task == SCENARIO_TASKS and episodes.order == "time" and len(split.starts) < 2:
        raise ValueError(
            "episodes.order 'time' needs split.validation_from and split.test_from, by "
            f"which scenarios are split, got {split.validation_from!r} and "
            f"{split.test_from!r}."
        )


def key_of_time(split: ScenarioSplitSpec, episodes: ScenarioEpisodeSpec) -> str:
    """Names a key that goes by the time of clicks, and its value; "" if none does."""
    if split.starts:
        return f"split.test_from {split.test_from!r}"
    return "episodes.order 'time'" if episodes.order == "time" else ""


@dataclasses.dataclass(frozen=True)
class ScenarioDatasetSpec(CommonSpec):
    """Everything that decides the content of a prepared data set of scenarios.

    Beside those of `CommonSpec`:

    Attributes:
        domains: The domains, with different names if there are several.
        task: What a task is: "scenario", or "user".
        split: The split by scenario and of pairs.
        episodes: The episode records.
    """

    domains: tuple[DomainSpec, ...]
    _: dataclasses.KW_ONLY
    task: TaskKind = SCENARIO_TASKS
    split: ScenarioSplitSpec = ScenarioSplitSpec()
    episodes: ScenarioEpisodeSpec = ScenarioEpisodeSpec()

    def __post_init__(self) -> None:
        """Checks the domains."""
        super().__post_init__()
        names = [domain.name for domain in self.domains]
        if (
            not names
            or len(set(names)) < len(names)
            or (len(names) > 1 and "" in names)
        ):
            raise ValueError(
                "there must be one domain, or several with different names, "
                f"got {names}."
            )
        if any(":" in name for name in names):
            raise ValueError(f"names of domains must have no colon, got {names}.")
        features = [feature.name for feature in self.item_features]
        if len(set(features)) < len(features):
            raise ValueError(
                f"feature names of items must differ between domains, got {features}."
            )
        check_use_of_time(self.task, self.split, self.episodes)
        key = key_of_time(self.split, self.episodes)
        for domain in self.domains:
            check_task(self.task, domain.clicks, domain.pools, self.episodes)
            if key and domain.clicks.time_column is None:
                raise ValueError(
                    f"{key} needs the clicks.time_column of every domain, got none "
                    f"of {domain.name!r}."
                )

    @property
    def has_user_tasks(self) -> bool:
        """Whether each user is a task."""
        return self.task == USER_TASKS

    @property
    def item_features(self) -> tuple[FeatureSpec, ...]:
        """Features of the items of all domains."""
        return tuple(one for domain in self.domains for one in domain.item_features)

    @functools.cached_property
    def domain_names(self) -> tuple[str, ...]:
        """Names of the domains; one empty name if there is only one without."""
        return tuple(domain.name for domain in self.domains)


@dataclasses.dataclass(frozen=True)
class Domain:
    """A domain of a prepared data set. Its entities have rows next to each other.

    Attributes:
        name: Its name; empty if it is the only one.
        num_users: Its users. Those of the first domain have the rows from 1 on.
        num_items: Its items.
    """

    name: str
    num_users: int
    num_items: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScenarioDatasetInfo(CommonInfo):
    """What `dataset.json` says of a prepared data set of scenarios.

    Its users are those with a known or held-out click, its items those that were
    clicked, are in the pool of a task, or in a table with features. Beside those of
    `CommonInfo`:

    Attributes:
        domains: The domains, in the order of their rows.
        num_clicks: Clicks by split that the support of the records holds.
        num_queries: Clicks by split that the query of the records holds.
        num_known: Known pairs, in scenarios or not.
        num_held_out: Held-out pairs, in scenarios or not; where users are tasks, all
            pairs that are not known.
        has_scenario_names: Whether `names/scenario.txt` is there.
    """

    setting = SCENARIO_SETTING
    parts: ClassVar = {**CommonInfo.parts, "domains": Domain}
    directories = (CLICKS_DIR, VECTORS_DIR)

    domains: tuple[Domain, ...]
    num_clicks: Mapping[str, int]
    num_queries: Mapping[str, int]
    num_known: int
    num_held_out: int
    has_scenario_names: bool = False

    @property
    def has_user_tasks(self) -> bool:
        """Whether each user is a task, whose pool is the whole catalogue."""
        return self.task == USER_TASKS

    @property
    def task(self) -> TaskKind:
        """What a task is."""
        return USER_TASKS if self.options.get("task") == USER_TASKS else SCENARIO_TASKS

    @property
    def num_folds(self) -> int:
        """Folds of the known pairs."""
        return int(self.options["split"]["num_folds"])

    @property
    def num_negatives(self) -> int:
        """Negatives of each click in the records."""
        return int(self.options["episodes"]["num_negatives"])


def load_scenario_info(directory: str | pathlib.Path) -> ScenarioDatasetInfo:
    """Reads `dataset.json` of a complete prepared data set of scenarios.

    Raises:
        DataError: If the directory is missing, incomplete or of another setting.
    """
    return ScenarioDatasetInfo.from_json(read_dataset_json(directory))
