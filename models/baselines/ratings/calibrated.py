"""A distribution of labels on top of the scores of any method."""

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from models.parts.label_levels import LabelLevels
from models.parts.softmax_fit import fit_softmax
from models.recommender import Episode, Recommender, State

_INITIAL_VARIANCE = 0.7  # Of labels about a score, in variances of labels.


class Calibrated(tf.Module):
    """Gives a method that scores pairs a distribution of their labels.

    The logit of a level is a number of its own plus the level times the score times a
    slope, the same for all: with evenly spread numbers a normal distribution about the
    score. Scores stay as they are.

    Args:
        method: A fitted method.
        levels: The label levels.
        label_mean: Mean of the labels that are learnt from.
        label_std: Their standard deviation.

    Attributes:
        levels: As given.
    """

    def __init__(
        self,
        method: Recommender,
        levels: LabelLevels,
        *,
        label_mean: float,
        label_std: float,
    ) -> None:
        super().__init__(name="calibrated")
        self.method = method
        self.levels = levels
        self._center, self._unit = label_mean, label_std
        places = (levels.values - label_mean) / label_std
        self._places = places.astype(np.float64)
        # The bias of each level, then the slope.
        start = [*(-(self._places**2) / 2.0 / _INITIAL_VARIANCE), 1 / _INITIAL_VARIANCE]
        self.weights = tf.Variable(start, dtype=tf.float32, name="weights")

    def fit(self, scores: NDArray[np.floating], labels: NDArray[np.floating]) -> None:
        """Fits the distribution to pairs that the method was not fitted to.

        Args:
            scores: float [N], of the method.
            labels: float [N].
        """
        start = self.weights.numpy().astype(np.float64)
        position = (scores.astype(np.float64) - self._center) / self._unit
        target = self.levels.shares_of(tf.constant(labels, tf.float32)).numpy()
        slopes = position[:, np.newaxis] * self._places
        fitted = fit_softmax(
            slopes[..., np.newaxis], target.astype(np.float64), (start[:-1], start[-1:])
        )
        self.weights.assign(np.concatenate(fitted))

    def adapt(self, support: Episode) -> State:
        """Does as the method."""
        return self.method.adapt(support)

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Does as the method."""
        return self.method.score(state, query)

    def score_and_distribution(
        self, state: State, query: Episode
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Predicts the label of query pairs, float32 [B, Q] and [B, Q, L]."""
        scores = self.method.score(state, query)
        position = (scores - self._center) / self._unit
        bias, slope = self.weights[:-1], self.weights[-1]
        places = self._places.astype(np.float32)
        logits = bias + slope * position[..., tf.newaxis] * places
        return scores, tf.nn.softmax(logits)
