"""What is learned in the user-specific setting: ratings."""

from models.legacy_keras import tf
from models.objectives.rating_losses import (
    LOSSES,
    masked_squared_error,
    task_absolute_error,
)
from models.recommender import Episode


class RatingObjective:
    """Ratings by their error; a network sees them standardised.

    A label is positive if it is not below the mean.

    Args:
        label_mean: Mean of the meta-train labels.
        label_std: Their standard deviation.
        loss: Of the query set, "squared" or "absolute".

    Source:
        CMML (arXiv:2108.10511) Eq. 5.
    """

    def __init__(
        self, label_mean: float, label_std: float, *, loss: str = "squared"
    ) -> None:
        self.label_mean = self.neutral_label = label_mean
        self.label_std = label_std
        self._loss = LOSSES[loss]
        self._mae = tf.keras.metrics.Mean(name="mae")
        self._mse = tf.keras.metrics.Mean(name="mse")
        # Mean over tasks of the mean absolute error, and mean squared error.
        self.metrics = (self._mae, self._mse)

    def is_positive(self, labels: tf.Tensor) -> tf.Tensor:
        """Returns which labels [B, S] are not below the mean."""
        return labels >= self.neutral_label

    def surprise(self, labels: tf.Tensor, expected: tf.Tensor) -> tf.Tensor:
        """Returns the standard deviations between labels and those expected."""
        return (labels - expected) / self.label_std

    def signals(self, support: Episode) -> tf.Tensor:
        """Returns standardised labels, float32 [B, S]; 0 for padding."""
        labels = tf.where(
            support["support_mask"], support["support_label"], self.label_mean
        )
        return self.surprise(labels, self.label_mean)

    def support_loss(self, raw_scores: tf.Tensor, support: Episode) -> tf.Tensor:
        """Returns the mean squared error of each support set, float32 [B]."""
        weights = tf.cast(support["support_mask"], raw_scores.dtype)
        squared = tf.square(raw_scores - self.signals(support)) * weights
        return tf.math.divide_no_nan(
            tf.reduce_sum(squared, axis=1), tf.reduce_sum(weights, axis=1)
        )

    def scores(self, raw_scores: tf.Tensor) -> tf.Tensor:
        """Returns scores in the unit of the labels."""
        return self.label_mean + self.label_std * raw_scores

    def error(
        self, labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
    ) -> tf.Tensor:
        """Returns the mean error over all query pairs, of standardised labels."""
        unit = self.label_std
        return self._loss(labels / unit, scores / unit, query_mask)

    def query_loss(self, episode: Episode, scores: tf.Tensor) -> tf.Tensor:
        """Returns the mean error over all query pairs, and updates the metrics."""
        labels, mask = episode["query_label"], episode["query_mask"]
        self._mae.update_state(
            task_absolute_error(labels, scores, mask), tf.reduce_any(mask, axis=-1)
        )
        num_pairs = tf.reduce_sum(tf.cast(mask, scores.dtype))
        self._mse.update_state(masked_squared_error(labels, scores, mask), num_pairs)
        return self._loss(labels, scores, mask)
