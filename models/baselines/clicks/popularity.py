"""Popularity among all users, in whatever scenario."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from models.baselines.clicks.baseline import Grid
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode


class Popularity:
    """Scores an item by its known clicks, whoever the user and whatever the scenario.

    Args:
        known: All known clicks.
        vectors: Of users and items, which are of no use here.
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, known: KnownClicks, vectors: Vectors) -> None:
        del vectors
        counts = np.bincount(known.item, minlength=known.num_items + 1)
        self._counts = tf.constant(counts, tf.float32)

    def adapt(self, support: Episode) -> tuple[()]:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: tuple[()], query: Episode) -> tf.Tensor:
        """Returns the count of each item, float32 [B, Q]."""
        del state
        return tf.gather(self._counts, query["query_item"])
