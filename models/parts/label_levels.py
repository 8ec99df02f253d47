"""Label levels: what distributions of labels are over, and what is read from one."""

from collections.abc import Sequence

import numpy as np

from models.evaluation.label_gain import LabelGain
from models.legacy_keras import tf
from transforms.schema import MAX_LABEL_LEVELS

_ROUNDING = 1e-6


class LabelLevels:
    """L label levels in ascending order, and statistics of distributions over them.

    Where labels have few values, these are the levels. Where they have many, levels are
    points among them: a label between two levels counts for both, by its distance, and
    quantiles are interpolated.

    Args:
        levels: At least one, ascending.
        gain: What a label is worth in NDCG; by default that of the range of levels.

    Attributes:
        values: float32 [L].
        size: L.
    """

    def __init__(self, levels: Sequence[float], gain: LabelGain | None = None) -> None:
        self.values = np.asarray(levels, np.float32)
        self.size = len(self.values)
        self.are_all = self.size < MAX_LABEL_LEVELS
        # Sums over these stay exact however far the levels are from zero.
        self._offsets = self.values - self.values[0]
        gain = gain or LabelGain(float(self.values[0]), float(self.values[-1]))
        # Of a gain only the order is asked for: a factor and a constant change nothing.
        exponents = self.values - self.values[-1]
        is_exponential = gain.is_exponential
        self._gains = np.exp2(exponents) if is_exponential else self._offsets

    def shares_of(self, labels: tf.Tensor) -> tf.Tensor:
        """Returns what a label counts for, float32 [..., L], of labels [...]."""
        if self.size == 1:
            return tf.expand_dims(tf.ones_like(labels), -1)
        gaps = tf.constant(np.diff(self.values))
        # How far a label has come from each level to the next.
        passed = tf.clip_by_value(
            (tf.expand_dims(labels, -1) - self.values[:-1]) / gaps, 0.0, 1.0
        )
        one = tf.expand_dims(tf.ones_like(labels), -1)
        reached = tf.concat([one, passed], axis=-1)
        return reached - tf.concat([passed, 0.0 * one], axis=-1)

    def mean(self, probabilities: tf.Tensor) -> tf.Tensor:
        """Returns the mean, float32 [...], of distributions [..., L]."""
        return self.values[0] + tf.linalg.matvec(probabilities, self._offsets)

    def spread(self, probabilities: tf.Tensor) -> tf.Tensor:
        """Returns the standard deviation, float32 [...], of distributions [..., L]."""
        mean = tf.linalg.matvec(probabilities, self._offsets)
        deviations = self._offsets - tf.expand_dims(mean, -1)
        variance = tf.reduce_sum(probabilities * tf.square(deviations), axis=-1)
        return tf.sqrt(tf.maximum(variance, 0.0))

    def gain(self, probabilities: tf.Tensor) -> tf.Tensor:
        """Returns what orders by expected gain, float32 [...], of [..., L]."""
        return tf.linalg.matvec(probabilities, self._gains)

    def quantile(self, probabilities: tf.Tensor, share: float) -> tf.Tensor:
        """Returns a quantile, float32 [...], of distributions [..., L].

        Args:
            probabilities: float32 [..., L].
            share: Of the labels that are not above it, within 0 and 1.
        """
        reached = tf.cumsum(probabilities, axis=-1)
        if self.are_all or self.size == 1:
            below = tf.cast(reached[..., :-1] < share - _ROUNDING, tf.float32)
            return self.values[0] + tf.linalg.matvec(below, np.diff(self.values))
        middle = reached - 0.5 * probabilities
        step = tf.maximum(middle[..., 1:] - middle[..., :-1], 1e-9)
        passed = tf.clip_by_value((share - middle[..., :-1]) / step, 0.0, 1.0)
        return self.values[0] + tf.linalg.matvec(passed, np.diff(self.values))

    def coverage(
        self, probabilities: tf.Tensor, labels: tf.Tensor, share: float
    ) -> tf.Tensor:
        """Returns how much of a label lies in the middle of its distribution.

        A level takes up as much of the distribution as it is likely; the mean over
        labels is `share` if the distributions are true, however few levels there are.

        Args:
            probabilities: float32 [..., L].
            labels: float32 [...].
            share: Size of the middle part, within 0 and 1.

        Returns:
            float32 [...], within 0 and 1.
        """
        above = tf.cumsum(probabilities, axis=-1)
        low, high = 0.5 - share / 2.0, 0.5 + share / 2.0
        inside = tf.minimum(above, high) - tf.maximum(above - probabilities, low)
        inside = tf.maximum(inside, 0.0) / tf.maximum(probabilities, 1e-12)
        return tf.reduce_sum(self.shares_of(labels) * inside, axis=-1)

    def log_likelihood(self, probabilities: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Returns the log of how likely labels are, float32 [...].

        Args:
            probabilities: float32 [..., L].
            labels: float32 [...].
        """
        logs = tf.math.log(tf.maximum(probabilities, 1e-12))
        return tf.reduce_sum(self.shares_of(labels) * logs, axis=-1)
