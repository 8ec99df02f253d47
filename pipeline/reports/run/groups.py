"""Groups of tasks, users and items that a method may be better or worse for."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from models.episodes.entity_table import EntityTable
from models.evaluation.rating_metrics import Bools
from pipeline.reports.run.bands import Bands
from pipeline.reports.run.scored_rows import ScoredRows
from transforms import schema

_MAX_VALUES = 30  # Of a feature that groups are made by.


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """Some of the tasks, users or items.

    Attributes:
        kind: What groups are told apart by.
        label: Which one it is.
        of: What `members` are rows of: "task", "user" or "item".
        members: bool [rows], the members.
    """

    kind: str
    label: str
    of: str
    members: Bools

    def holds(self, rows: ScoredRows) -> Bools:
        """Returns which pairs are of the group, bool [N]."""
        return self.members[getattr(rows, self.of)]


def banded_groups(kind: str, of: str, counts: ArrayLike, bands: Bands) -> list[Group]:
    """Returns a group for each band of counts that has a member.

    Args:
        kind: What is counted.
        of: What the counts are of: "task", "user" or "item".
        counts: int [rows].
        bands: The bands.
    """
    place = bands.place(counts)
    return [
        Group(kind, label, of, place == band)
        for band, label in enumerate(bands.labels)
        if (place == band).any()
    ]


def feature_groups(
    of: str, table: EntityTable, dataset_dir: pathlib.Path
) -> list[Group]:
    """Returns a group for each value of the features that have few values.

    Args:
        of: What the table is of: "user" or "item".
        table: The table.
        dataset_dir: The prepared data set, for the names of values.
    """
    groups = []
    for feature in table.features:
        if feature.kind == "numeric" or feature.vocabulary_size > _MAX_VALUES:
            continue
        path = dataset_dir / schema.VOCABULARY_DIR / f"{feature.name}.txt"
        names = path.read_text(encoding="utf-8").split("\n")[:-1]
        encoded = table.encoded[feature.name]
        for value, name in enumerate(names, 1):
            members = (encoded == value).any(axis=1)
            groups.append(Group(f"{of} {feature.name}", name, of, members))
    return groups


def domain_groups(task_ids: Sequence[str], domains: Sequence[str]) -> list[Group]:
    """Returns a group for each domain of a hybrid data set.

    Args:
        task_ids: With the domain before a colon.
        domains: Names of the domains; only one makes no group.
    """
    if len(domains) < 2:
        return []
    own = np.array([name.partition(":")[0] for name in task_ids])
    return [Group("domain", domain, "task", own == domain) for domain in domains]
