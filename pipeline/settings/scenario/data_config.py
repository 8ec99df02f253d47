"""Where clicks, pools and names of a scenario-specific experiment come from."""

from typing import Literal, Self

import pydantic

from pipeline.experiment.config_section import RowLimits, Section
from transforms.clicks.schema import (
    SCENARIO_TASKS,
    USER_TASKS,
    ClickSpec,
    NameSpec,
    PoolSpec,
    ScenarioEpisodeSpec,
    ScenarioSplitSpec,
    TaskKind,
    check_items,
    check_task,
    check_use_of_time,
    key_of_time,
)
from transforms.specs import EntitySpec

_NEEDS_PATH = ("lastfm", "citeulike", "movielens", "taobao")


class DomainConfig(Section):
    """Where the clicks of one domain come from.

    Attributes:
        source: A known layout, or "table" for tables of one's own.
        path: Folder or zip archive of a known layout; not for "table".
        scenarios: What a scenario is in "movielens": a tag of `tags.csv`, or a genre.
        clicks: The clicks of "table".
        pools: The items of each scenario of "table".
        item_names: Names of the items of "table".
        items: Names and features of the items of "table", in place of `item_names`.
            Items that nobody has clicked are then known too, by what they have in
            common with others.
        scenario_names: Names of the scenarios of "table".
    """

    source: Literal["lastfm", "citeulike", "movielens", "taobao", "table"]
    path: str | None = None
    scenarios: Literal["tags", "genres"] = "tags"
    clicks: ClickSpec | None = None
    pools: PoolSpec | None = None
    item_names: NameSpec | None = None
    items: EntitySpec | None = None
    scenario_names: NameSpec | None = None

    @pydantic.model_validator(mode="after")
    def _check_domain(self) -> Self:
        if (self.source in _NEEDS_PATH) != (self.path is not None):
            verb = "takes no" if self.source == "table" else "needs a"
            raise ValueError(
                f"source {self.source!r} {verb} `path`, got {self.path!r}."
            )
        if self.scenarios != "tags" and self.source != "movielens":
            raise ValueError(
                f"`scenarios` goes with source 'movielens' only, got {self.source!r}."
            )
        tables = ("clicks", "pools", "item_names", "items", "scenario_names")
        set_tables = [name for name in tables if getattr(self, name) is not None]
        if self.source == "table":
            if self.clicks is None:
                raise ValueError("source 'table' needs `clicks`.")
            check_items(self.item_names, self.items)
        elif set_tables:
            raise ValueError(
                f"{' and '.join(set_tables)} go with source 'table' only, "
                f"got source {self.source!r}."
            )
        return self


class ScenarioDataConfig(RowLimits):
    """Where the clicks come from and how scenarios become episodes.

    Attributes:
        domains: The domains by name; one, or several that share no ids, for a hybrid
            data set.
        task: What a task is: "scenario", or "user", each of whom is then a scenario of
            their own: nothing is known of a new user but clicks, and any item of the
            catalogue may be what they click next. The scenarios of a known layout are
            not looked at then, and "table" has none.
        split: The split by scenario and of pairs.
        episodes: The episode records.
    """

    domains: dict[str, DomainConfig] = pydantic.Field(min_length=1)
    task: TaskKind = SCENARIO_TASKS
    split: ScenarioSplitSpec = ScenarioSplitSpec()
    episodes: ScenarioEpisodeSpec = ScenarioEpisodeSpec()

    @property
    def has_user_tasks(self) -> bool:
        """Whether tasks are users who are known by clicks alone."""
        return self.task == USER_TASKS

    @pydantic.model_validator(mode="after")
    def _check_task(self) -> Self:
        for domain in self.domains.values():
            if domain.clicks is not None:
                check_task(self.task, domain.clicks, domain.pools, self.episodes)
        return self

    @pydantic.model_validator(mode="after")
    def _check_time(self) -> Self:
        check_use_of_time(self.task, self.split, self.episodes)
        key = key_of_time(self.split, self.episodes)
        order = ", or episodes.order 'time'" if self.has_user_tasks else ""
        for name, domain in self.domains.items():
            column = domain.clicks and domain.clicks.time_column
            if column is not None and not key:
                raise ValueError(
                    f"clicks.time_column {column!r} of domain {name!r} goes with "
                    f"split.test_from{order}, got none: leave the column out, or give "
                    "data.split.test_from."
                )
            if domain.source == "movielens" or column is not None:
                continue
            if key:
                has = "clicks.time_column, got none" if domain.clicks else "times"
                raise ValueError(
                    f"{key} needs {has}: domain {name!r} is of source "
                    f"{domain.source!r}."
                )
        return self

    @pydantic.field_validator("domains")
    @classmethod
    def _check_names(cls, domains: dict[str, DomainConfig]) -> dict[str, DomainConfig]:
        for name in domains:
            if not name or ":" in name:
                raise ValueError(
                    f"names of domains must have a letter and no colon, got {name!r}."
                )
        return domains
