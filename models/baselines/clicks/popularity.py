"""Popularity of items among all users, or inside the support set."""

from typing import ClassVar

import numpy as np

from models.baselines.clicks.baseline import Grid, WithoutSupport, is_clicked
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode


class Popularity(WithoutSupport):
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

    def score(self, state: tuple[()], query: Episode) -> tf.Tensor:
        """Returns the count of each item, float32 [B, Q]."""
        del state
        return tf.gather(self._counts, query["query_item"])


class ItemPop:
    """Scores an item by its clicks in the support set; negatives are no clicks.

    Args:
        known: All known clicks, which are of no use here.
        vectors: Of users and items, which are of no use here.

    Source:
        The baseline of that name in CMML (arXiv:2108.10511) section 4.1.
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, known: KnownClicks, vectors: Vectors) -> None:
        del known, vectors

    def adapt(self, support: Episode) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the items of the support set, and which of them were clicked."""
        return support["support_item"], is_clicked(support)

    def score(self, state: tuple[tf.Tensor, tf.Tensor], query: Episode) -> tf.Tensor:
        """Returns the number of clicks on each item, float32 [B, Q]."""
        items, is_click = state
        is_same = query["query_item"][:, :, tf.newaxis] == items[:, tf.newaxis, :]
        found = is_same & is_click[:, tf.newaxis, :]  # [B, Q, S]
        return tf.reduce_sum(tf.cast(found, tf.float32), axis=2)
