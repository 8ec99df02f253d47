"""The mean label of the task's own support set."""

from __future__ import annotations

from typing import ClassVar

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.shrinkage import check_strength, shrunk_support_mean
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State


class SupportMean(tf.Module):
    """Scores every pair of a task with the mean label of its support set.

    The mean is shrunk towards the mean label, which a task without support
    gets.

    Args:
        prior: Pairs with the mean label that are added to each support
            set, above 0.

    Raises:
        ValueError: If `prior` is not above 0.
    """

    GRID: ClassVar[Grid] = {"prior": (0.01, 0.3, 1.0, 3.0, 10.0)}

    def __init__(self, *, prior: float = 1.0) -> None:
        super().__init__()
        self.prior = check_strength("prior", prior)
        self.label_mean = tf.Variable(0.0, trainable=False, name="label_mean")

    def fit(self, pairs: LabelledPairs) -> None:
        """Takes the mean label."""
        self.label_mean.assign(pairs.label.mean())

    def adapt(self, support: Episode) -> State:
        """Returns the shrunk mean label of each task, float32 [B]."""
        residual = support["support_label"] - self.label_mean
        return self.label_mean + shrunk_support_mean(
            residual, support["support_mask"], self.prior
        )

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns the task's mean for each pair, float32 [B, Q]."""
        return tf.broadcast_to(state[:, tf.newaxis], tf.shape(query["query_item"]))
