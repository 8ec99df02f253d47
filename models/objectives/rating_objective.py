"""What is learned in the user-specific setting: ratings."""

from models.legacy_keras import tf
from models.masked_mean import masked_mean
from models.parts.label_unit import LabelUnit
from models.recommender import Episode


class RatingObjective:
    """Ratings by their error; a network sees them standardised.

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
        self.unit = LabelUnit(label_mean, label_std)
        self._loss = LOSSES[loss]
        self._mae = tf.keras.metrics.Mean(name="mae")
        self._mse = tf.keras.metrics.Mean(name="mse")
        # Mean over tasks of the mean absolute error, and mean squared error.
        self.metrics = (self._mae, self._mse)

    def signals(self, labels: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns standardised labels, float32 [B, S]; 0 for padding."""
        standard = self.unit.standardised(labels)
        return tf.where(mask, standard, tf.zeros_like(standard))

    def support_loss(self, raw_scores: tf.Tensor, support: Episode) -> tf.Tensor:
        """Returns the mean squared error of each support set, float32 [B]."""
        mask = support["support_mask"]
        signals = self.signals(support["support_label"], mask)
        return masked_mean(tf.square(raw_scores - signals), mask, axis=1)

    def scores(self, raw_scores: tf.Tensor) -> tf.Tensor:
        """Returns scores in the unit of the labels."""
        return self.unit.restored(raw_scores)

    def query_loss(self, episode: Episode, raw_scores: tf.Tensor) -> tf.Tensor:
        """Returns the mean error of all query pairs, and updates the metrics."""
        mask = episode["query_mask"]
        signals = self.signals(episode["query_label"], mask)
        std = self.unit.std
        self._mae.update_state(
            std * task_absolute_error(signals, raw_scores, mask),
            tf.reduce_any(mask, axis=-1),
        )
        num_pairs = tf.reduce_sum(tf.cast(mask, raw_scores.dtype))
        squared = std**2 * masked_squared_error(signals, raw_scores, mask)
        self._mse.update_state(squared, num_pairs)
        return self._loss(signals, raw_scores, mask)


def masked_squared_error(
    labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
) -> tf.Tensor:
    """Mean squared error over the real query pairs of a batch.

    Args:
        labels: float32 [B, Q].
        scores: float32 [B, Q].
        query_mask: bool [B, Q], False for padding.

    Returns:
        float32 scalar; 0 if there is no real pair.

    Source:
        CMML (arXiv:2108.10511) Eq. 5.
    """
    return masked_mean(tf.square(scores - labels), query_mask)


def masked_absolute_error(
    labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
) -> tf.Tensor:
    """Mean absolute error over the real query pairs, arguments as above.

    Its best score is the median of the labels to be expected, not the mean: better by
    MAE, worse by RMSE.
    """
    return masked_mean(tf.abs(scores - labels), query_mask)


LOSSES = {"squared": masked_squared_error, "absolute": masked_absolute_error}


def task_absolute_error(
    labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
) -> tf.Tensor:
    """Mean absolute error of each task, float32 [B], arguments as above."""
    return masked_mean(tf.abs(scores - labels), query_mask, axis=-1)
