"""A group of tasks, and what a method is shown of each before it is asked."""

import dataclasses
from collections.abc import Sequence
from typing import Literal, Self


@dataclasses.dataclass(frozen=True)
class Shown:
    """Tasks of one split with support sets of one kind and size.

    Attributes:
        tasks: What these tasks are called, such as "cold", "warm", "scenario_mean",
            "user_mean" or "catalogue_mean".
        split: The split they are of.
        size: Support pairs shown of each, at most.
        full_size: Support pairs that are shown where nothing is left out.
        support: Whose support set is shown: the task's own, or that of another task.
        max_users: Users of a task that are asked about, at most; all if None.
        max_tasks: Tasks that are asked about, at most, the first ones; all if None.
        is_open: Whether no pool is given, so that any item may be the answer.
    """

    tasks: str
    split: str
    size: int
    full_size: int
    support: Literal["own", "other"] = "own"
    max_users: int | None = None
    max_tasks: int | None = None
    is_open: bool = False

    @property
    def is_few_shot(self) -> bool:
        """Whether less is shown than there is."""
        return self.size < self.full_size

    @property
    def group(self) -> str:
        """The name of the group for files and people; it is never parsed back."""
        if self.support == "other":
            return f"{self.tasks}/other_support"
        if self.is_few_shot:
            return f"{self.tasks}/support_{self.size}"
        if self.max_users is not None and not self.is_open:
            return f"{self.tasks}/own_support"
        return self.tasks

    def few(self, size: int) -> Self:
        """Returns the same tasks with fewer support pairs."""
        return dataclasses.replace(self, size=size)

    def with_other_support(self) -> Self:
        """Returns the same tasks, each shown the support set of another."""
        return dataclasses.replace(self, support="other")


def few_shot(groups: Sequence[Shown]) -> list[Shown]:
    """Returns the groups that differ in how much is shown of the own support set.

    Args:
        groups: Groups of a setting.

    Returns:
        By size, rising, the last with all that there is to show; [] if no group shows
        less.
    """
    few = [one for one in groups if one.is_few_shot and one.support == "own"]
    full = [one.few(one.full_size) for one in few[:1]]
    return sorted([*few, *full], key=lambda one: one.size)
