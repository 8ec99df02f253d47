"""The mean label, for every pair."""

from __future__ import annotations

from typing import ClassVar

from models.baselines.ratings.baseline import Grid
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State


class GlobalMean(tf.Module):
    """Scores every pair with the mean label: what knowing nothing gives."""

    GRID: ClassVar[Grid] = {}

    def __init__(self) -> None:
        super().__init__()
        self.label_mean = tf.Variable(0.0, trainable=False, name="label_mean")

    def fit(self, pairs: LabelledPairs) -> None:
        """Takes the mean label."""
        self.label_mean.assign(pairs.label.mean())

    def adapt(self, support: Episode) -> State:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns the mean label for each pair, float32 [B, Q]."""
        del state
        return tf.fill(tf.shape(query["query_item"]), self.label_mean)
