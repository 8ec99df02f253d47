"""The mean label of each item."""

from __future__ import annotations

from typing import ClassVar

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.shrinkage import check_strength, shrunk_means
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State


class ItemMean(tf.Module):
    """Scores a pair with the mean label of its item, whoever the user is.

    The mean is shrunk towards the mean of all labels, which an item without meta-train
    pairs gets, and the unknown item.

    Args:
        damping: Pairs with the mean label that are added to each item, above 0.

    Raises:
        ValueError: If `damping` is not above 0.
    """

    GRID: ClassVar[Grid] = {"damping": (0.3, 1.0, 3.0, 10.0, 30.0)}

    def __init__(self, *, damping: float = 3.0) -> None:
        super().__init__()
        self.damping = check_strength("damping", damping)
        self.item_mean = tf.Variable(
            tf.zeros([1]), shape=[None], trainable=False, name="item_mean"
        )

    def fit(self, pairs: LabelledPairs) -> None:
        """Takes the shrunk mean of each item.

        Raises:
            ValueError: If no pair has a known item.
        """
        label_mean = pairs.label.mean()
        known = pairs.with_known_items()
        deviation = shrunk_means(
            known.item, known.label - label_mean, pairs.num_items + 1, self.damping
        )
        self.item_mean.assign(label_mean + deviation)

    def adapt(self, support: Episode) -> State:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns the mean of each pair's item, float32 [B, Q]."""
        del state
        return tf.gather(self.item_mean, query["query_item"])
