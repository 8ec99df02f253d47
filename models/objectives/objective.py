"""What a model learns from episodes."""

from collections.abc import Sequence
from typing import Protocol

from models.legacy_keras import tf
from models.recommender import Episode


class Objective(Protocol):
    """What is learned: labels as numbers of unit size, and errors of scores.

    Raw scores are what a network puts out; `scores` brings them to the unit of the
    labels.
    """

    @property
    def metrics(self) -> Sequence[tf.keras.metrics.Metric]:
        """What is reported of a training beside its loss."""
        ...

    def signals(self, labels: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns labels [B, S] in units of a network, float32 [B, S].

        About 0 in the middle and 1 in size, not negative where a label speaks for its
        item; 0 for padding, whatever it holds.
        """
        ...

    def support_loss(self, raw_scores: tf.Tensor, support: Episode) -> tf.Tensor:
        """Returns the error of raw scores [B, S] on each support set, float32 [B].

        0 for a task without support.
        """
        ...

    def scores(self, raw_scores: tf.Tensor) -> tf.Tensor:
        """Brings raw scores [B, Q] to the unit of the labels."""
        ...

    def query_loss(self, episode: Episode, raw_scores: tf.Tensor) -> tf.Tensor:
        """Returns the mean error of raw scores [B, Q], a scalar, and updates metrics.

        The error has no unit; metrics have that of the labels.
        """
        ...
