"""Popularity among all users, in whatever scenario."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from models.baselines.clicks.baseline import Grid
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode


class Popularity:
    """Scores an item by its known clicks, whoever the user and whatever the scenario.

    Args:
        counts: float [num_items + 1].
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, counts: np.ndarray) -> None:
        self._counts = tf.constant(counts, tf.float32)

    @classmethod
    def fit(
        cls, known: KnownClicks, vectors: Vectors, **hyperparameters: Any
    ) -> Popularity:
        """Counts the known clicks of each item."""
        del vectors, hyperparameters
        return cls(np.bincount(known.item, minlength=known.num_items + 1))

    def adapt(self, support: Episode) -> tuple[()]:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: tuple[()], query: Episode) -> tf.Tensor:
        """Returns the count of each item, float32 [B, Q]."""
        del state
        return tf.gather(self._counts, query["query_item"])
