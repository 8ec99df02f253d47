"""Tasks as raw ids, and the calls of a model about them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Places: TypeAlias = NDArray[np.intp]
Floats: TypeAlias = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class UserTask:
    """A user with N labelled pairs.

    Attributes:
        task_id: The user.
        items: object [N], item ids as text.
        labels: float64 [N].
        profile: Raw features as a request has them, by name of the input; those that
            are not known may be left out.
    """

    task_id: str
    items: NDArray[np.object_]
    labels: Floats
    profile: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class UserEpisode:
    """A support set and a query set of a user.

    Attributes:
        task: The user.
        support: Places of the support pairs.
        query: Places of the query pairs, none of them in the support set.
    """

    task: UserTask
    support: Places
    query: Places

    def error(self, scores: NDArray[Any]) -> float:
        """Returns the mean absolute error of the scores of the query."""
        return float(np.abs(scores - self.task.labels[self.query]).mean())


@dataclasses.dataclass(frozen=True, eq=False)
class ScenarioSupport:
    """The support set of a scenario, S pairs.

    Attributes:
        users: object [S], user ids as text.
        items: object [S], item ids as text.
        labels: float64 [S], 1 for a click and 0 for none.
    """

    users: NDArray[np.object_]
    items: NDArray[np.object_]
    labels: Floats


# Scores the query of each episode, one array each.
RankUsers: TypeAlias = Callable[[Sequence[UserEpisode]], Sequence[NDArray[Any]]]

# Scores [U, P] of users and a pool of items, object [U] and [P], by a support set.
RankPool: TypeAlias = Callable[
    [ScenarioSupport, NDArray[np.object_], NDArray[np.object_]], NDArray[Any]
]
