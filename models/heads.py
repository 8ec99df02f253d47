"""Heads: what the backbone puts out to a score, or to the odds of each label level."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from models.legacy_keras import tf
from models.masked_mean import masked_mean
from models.objectives.objective import Objective
from models.pairs.pair_embedding import Expected
from models.parts.label_levels import LabelLevels
from models.parts.label_unit import LabelUnit
from models.parts.softmax_fit import fit_softmax
from models.recommender import Episode

Error: TypeAlias = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

_PRIOR_WEIGHT = 0.5  # Of the error of what is expected, beside the prediction.
_MIN_PRECISION = 0.05  # Of what is expected, in units of its own.


class ValueHead(tf.keras.layers.Layer):
    """Adds the backbone's number to what is expected.

    Call arguments:
        expected: What is expected of pairs.
        outputs: float32 [B, Q, 1], of the backbone.

    Returns:
        float32 [B, Q], without a unit.

    Source:
        CMML (arXiv:2108.10511) Eq. 5, section 3.1.
    """

    num_outputs = 1
    levels = None

    def __init__(self) -> None:
        super().__init__(name="head")

    def call(self, expected: Expected, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the scores."""
        return expected.mean + expected.backbone_scale * outputs[..., 0]

    def mean(self, prediction: tf.Tensor) -> tf.Tensor:
        """Returns the scores as they are."""
        return prediction

    def loss(
        self,
        objective: Objective,
        episode: Episode,
        prediction: tf.Tensor,
        expected: Expected,
    ) -> tf.Tensor:
        """Returns the error of the query set, and updates the metrics."""
        del expected
        return objective.query_loss(episode, prediction)


class DistributionHead(tf.keras.layers.Layer):
    """Turns what is expected and what the backbone puts out into a distribution.

    Without the backbone it is a normal distribution about the expected label, cut into
    levels, times how much more often each level is than in a normal distribution, times
    a power of how much more often than others the item has it. The backbone adds to the
    logits of the levels.

    Args:
        levels: The L label levels.
        unit: What standardises them; inside they have no other unit.
        error: Mean error over real pairs, of labels, scores and mask [B, Q].
        has_shares: Whether `Expected.log_shares` are known.

    Call arguments:
        expected: What is expected of pairs.
        outputs: float32 [B, Q, L], of the backbone.

    Returns:
        Logits, float32 [B, Q, L].
    """

    def __init__(
        self, levels: LabelLevels, unit: LabelUnit, error: Error, *, has_shares: bool
    ) -> None:
        super().__init__(name="head")
        self.levels = levels
        self._standard = LabelLevels(unit.standardised_array(levels.values).tolist())
        self._error = error
        self.num_outputs = levels.size
        self.bias = self.add_weight("bias", [levels.size], initializer="zeros")
        self.log_spread = self.add_weight("log_spread", [], initializer="zeros")
        self.share_weight = None
        if has_shares:
            half = tf.keras.initializers.Constant(0.5)
            self.share_weight = self.add_weight("share_weight", [], initializer=half)

    def call(self, expected: Expected, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the logits."""
        deviation = self._standard.values - tf.expand_dims(expected.mean, -1)
        variance = tf.exp(self.log_spread) * tf.expand_dims(expected.variance, -1)
        logits = self.bias + outputs - tf.square(deviation) / (2.0 * variance)
        if self.share_weight is not None:
            logits += expected.level_bias + self.share_weight * expected.log_shares
        return logits

    def start_from(self, expected: Expected, labels: tf.Tensor) -> None:
        """Starts as what is most likely without the backbone.

        Args:
            expected: What is expected of N pairs [N], which was fitted without them.
            labels: float32 [N], standardised.
        """
        deviation = self._standard.values - expected.mean.numpy()[:, np.newaxis]
        variance = expected.variance.numpy()[:, np.newaxis]
        columns = [-np.square(deviation) / (2.0 * variance)]
        start = [float(tf.exp(-self.log_spread))]
        offset = 0.0
        if self.share_weight is not None:
            columns.append(expected.log_shares.numpy())
            start.append(float(self.share_weight))
            offset = expected.level_bias.numpy().astype(np.float64)
        target = self._standard.shares_of(labels).numpy()
        bias, weights = fit_softmax(
            np.stack(columns, axis=-1).astype(np.float64),
            target.astype(np.float64),
            (self.bias.numpy().astype(np.float64), np.asarray(start)),
            offset=offset,
        )
        self.bias.assign(bias)
        self.log_spread.assign(-np.log(max(weights[0], _MIN_PRECISION)))
        if self.share_weight is not None:
            self.share_weight.assign(weights[1])

    def mean(self, prediction: tf.Tensor) -> tf.Tensor:
        """Returns the standardised mean, float32 [B, Q], of logits [B, Q, L]."""
        return self._standard.mean(tf.nn.softmax(prediction))

    def loss(
        self,
        objective: Objective,
        episode: Episode,
        prediction: tf.Tensor,
        expected: Expected,
    ) -> tf.Tensor:
        """Returns the cross-entropy of the query set and the errors of means.

        The errors are that of the mean of the distribution, and half of that of what
        was expected: the cross-entropy alone leaves both less exact than they can be.
        """
        mask = episode["query_mask"]
        signals = objective.signals(episode["query_label"], mask)
        error = objective.query_loss(episode, self.mean(prediction))
        entropy = tf.nn.softmax_cross_entropy_with_logits(
            self._standard.shares_of(signals), prediction
        )
        return (
            masked_mean(entropy, mask)
            + error
            + _PRIOR_WEIGHT * self._error(signals, expected.mean, mask)
        )
