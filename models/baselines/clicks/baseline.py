"""What a baseline of scenarios is, beside a recommender."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode, Recommender, State

# Values to try, by constructor argument; every combination is one candidate.
Grid: TypeAlias = Mapping[str, Sequence[Any]]

# From rows of the item table, int [S], to a score of every row.
ScoreSet: TypeAlias = Callable[[NDArray[np.int32]], NDArray[np.floating]]


class ScenarioBaseline(Recommender, Protocol):
    """A recommender made of the known clicks and the vectors of all users and items.

    Attributes:
        GRID: The hyperparameters worth trying.
    """

    GRID: ClassVar[Grid]

    def __init__(
        self, known: KnownClicks, vectors: Vectors, **hyperparameters: Any
    ) -> None:
        """Makes the method.

        Args:
            known: All known clicks.
            vectors: Of users and items.
            **hyperparameters: One of each of `GRID`.
        """
        ...


class WithoutSupport:
    """Has no use for support sets."""

    def adapt(self, support: Episode) -> State:
        """Returns an empty state."""
        del support
        return ()


def score_clicked(support: Episode, score_set: ScoreSet, num_rows: int) -> tf.Tensor:
    """Scores every item by the clicked items of each support set, outside the graph.

    Args:
        support: The support sets.
        score_set: From the rows int [S] of clicked items to float [num_rows].
        num_rows: Rows of the item table, the unknown one counted.

    Returns:
        float32 [B, num_rows].
    """

    def of_sets(clicked: NDArray[np.int32]) -> NDArray[np.float32]:
        scores = [score_set(items[items > 0]) for items in clicked]
        return np.stack(scores).astype(np.float32, copy=False)

    clicked = tf.where(is_clicked(support), support["support_item"], 0)
    scores = tf.numpy_function(of_sets, [clicked], tf.float32)
    return tf.ensure_shape(scores, [clicked.shape[0], num_rows])


def is_clicked(support: Episode) -> tf.Tensor:
    """Returns which pairs of a support set are clicks, bool [B, S].

    The others are negatives or padding.
    """
    return support["support_mask"] & (support["support_label"] > 0.5)
