"""The two calls that every method answers: `adapt` and `score`."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from models.legacy_keras import tf

# A batch of episodes, or one half of it: padded tensors by name. `support_user`,
# `support_item`: int32 [B, S]; `support_label`: float32 [B, S]; `support_mask`:
# bool [B, S]; `query_*`: the same, [B, Q]. The half that is adapted to also has
# `task_user`: int32 [B, 1], the user of the first query pair, who may have no support.
Episode: TypeAlias = Mapping[str, tf.Tensor]

# What a method knows of each task: a nested structure of tensors, batch first.
State: TypeAlias = Any

_SUPPORT_PREFIX = "support_"
_QUERY_PREFIX = "query_"
_QUERY_LABEL = "query_label"
_QUERY_USER = "query_user"
_TASK_USER = "task_user"


@runtime_checkable
class Recommender(Protocol):
    """A method that adapts to a task in one call and scores pairs in another.

    What is known of a task is an argument and a return value, never hidden in the
    object, so that it can be cached, batched and exported.
    """

    def adapt(self, support: Episode) -> State:
        """Returns what is known of each task after its support set.

        Args:
            support: The `support_*` tensors of a batch, [B, S]. A task without
                support is legal.

        Returns:
            A nested structure of tensors with batch dimension B.
        """
        ...

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Scores the query pairs of each task.

        Args:
            state: What `adapt` returned.
            query: `query_user` and `query_item`, int32 [B, Q]. Of one task that is
                asked for U users and P items, every pair of them: [U, 1] and [1, P].

        Returns:
            float32 [B, Q], in the unit of the labels; scores of padding mean nothing.
            Of every pair [U, P], or what broadcasts to it.
        """
        ...


@runtime_checkable
class AcrossTasks(Recommender, Protocol):
    """A method that several tasks can ask in one call for the same items.

    With the state of U tasks, `score` takes the user of each, int32 [U, 1], and the
    items, int32 [1, P], and returns [U, P].

    Attributes:
        pairs_at_once: Pairs that are to be scored in one call at most, for memory.
    """

    pairs_at_once: int


@runtime_checkable
class Distributional(Recommender, Protocol):
    """A method that says how likely each label level of a pair is.

    Attributes:
        levels: The L label levels; None if it does not, after all.
    """

    levels: Any

    def score_and_distribution(
        self, state: State, query: Episode
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Predicts the label of the query pairs of each task.

        Args:
            state: What `adapt` returned.
            query: As `score` takes it.

        Returns:
            What `score` returns, and float32 [B, Q, L], of sum 1.
        """
        ...


def split_episode(episode: Episode) -> tuple[Episode, Episode]:
    """Splits a batch into what a method adapts to and what it scores.

    Args:
        episode: The tensors of a batch.

    Returns:
        The `support_*` tensors with the user of the task, and the `query_*` tensors
        without the labels.
    """
    support = {k: v for k, v in episode.items() if k.startswith(_SUPPORT_PREFIX)}
    if _QUERY_USER in episode:
        support[_TASK_USER] = episode[_QUERY_USER][:, :1]
    query = {
        k: v
        for k, v in episode.items()
        if k.startswith(_QUERY_PREFIX) and k != _QUERY_LABEL
    }
    return support, query


def asks_every_pair(query: Episode) -> bool:
    """Says whether users [U, 1] stand against items [1, P], by static shapes."""
    if _QUERY_USER not in query:  # A setting may know pairs by other names.
        return False
    return stand_for_every_pair(query[_QUERY_USER], query["query_item"])


def stand_for_every_pair(users: tf.Tensor, items: tf.Tensor) -> bool:
    """Says whether values of users [U, 1, ...] stand against items [1, P, ...].

    By static shapes; what is of one user and one item is the same either way.
    """
    return bool(users.shape[1] == 1 and items.shape[0] == 1)


def one_empty_episode() -> dict[str, tf.Tensor]:
    """An episode that makes a model create its weights."""
    rows, labels = tf.zeros([1, 1], tf.int32), tf.zeros([1, 1])
    episode: dict[str, tf.Tensor] = {}
    for role in ("support", "query"):
        episode |= {f"{role}_user": rows, f"{role}_item": rows}
        episode |= {f"{role}_label": labels, f"{role}_mask": rows > 0}
    return episode
