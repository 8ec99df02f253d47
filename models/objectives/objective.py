"""What a model learns from episodes."""

from collections.abc import Sequence
from typing import Protocol

from models.legacy_keras import tf
from models.recommender import Episode


class Objective(Protocol):
    """What is learned: labels as numbers of unit size, and errors of scores.

    Raw scores are what a network puts out; `scores` brings them to the unit of the
    labels.

    Attributes:
        neutral_label: Stands in for the label of padding, in the unit of the labels.
    """

    neutral_label: float

    @property
    def metrics(self) -> Sequence[tf.keras.metrics.Metric]:
        """What is reported of a training beside its loss."""
        ...

    def is_positive(self, labels: tf.Tensor) -> tf.Tensor:
        """Returns which labels [B, S] speak for their item, bool [B, S]."""
        ...

    def surprise(self, labels: tf.Tensor, expected: tf.Tensor) -> tf.Tensor:
        """Returns how labels [B, S] differ from those expected, about 1 in size."""
        ...

    def signals(self, support: Episode) -> tf.Tensor:
        """Returns the support labels in units of a network, float32 [B, S].

        About 0 in the middle and 1 in size; 0 for padding.
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

    def query_loss(self, episode: Episode, scores: tf.Tensor) -> tf.Tensor:
        """Returns the mean error on the query sets, a scalar, and updates metrics."""
        ...
