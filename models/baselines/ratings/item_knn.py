"""Items like those of the support set."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.bias_ridge import Biases, fit_biases
from models.baselines.ratings.item_matrix import (
    check_num_items,
    entries,
    matrix_variable,
    means_variable,
    pair_matrix,
)
from models.baselines.ratings.shrinkage import check_strength, shrunk_support_mean
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State

_BIAS_L2 = 3.0  # Of item and user biases, in pairs.


class ItemKNN(tf.Module):
    """Scores a pair with its biases + the residuals of the nearest support items.

    Residuals are what biases leave of labels. They are weighted by the likeness of
    their item to that of the query: the correlation of the residuals of the two over
    the meta-train users who rated both, pulled towards 0 where these are few. Unlike
    items take no part. A task without support has user bias 0 and no neighbours.

    Args:
        num_neighbours: Support items that count, at least 1.
        shrinkage: Users without likeness that are added to those of two items, above 0.
        damping: Likeness of a residual 0 that is added to that of the neighbours, so
            that distant ones say little; above 0.

    Raises:
        ValueError: If an argument is too small.

    Source:
        Koren, "Factor in the Neighbors" (TKDD 2010), section 3.2 for the likeness.
        Deviation: the weighted mean is damped.
    """

    GRID: ClassVar[Grid] = {
        "num_neighbours": (10, 20, 40),
        "shrinkage": (30.0, 100.0, 300.0),
    }

    def __init__(
        self,
        *,
        num_neighbours: int = 20,
        shrinkage: float = 100.0,
        damping: float = 0.3,
    ) -> None:
        super().__init__()
        if num_neighbours < 1:
            raise ValueError(
                f"num_neighbours must be at least 1, got {num_neighbours}."
            )
        self.num_neighbours = num_neighbours
        self.shrinkage = check_strength("shrinkage", shrinkage)
        self.damping = check_strength("damping", damping)
        self.item_mean = means_variable()  # Mean + item bias.
        self.likeness = matrix_variable("likeness")

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits biases and the likeness of items.

        Raises:
            DataError: If there are too many items for a square matrix.
            ValueError: If no pair has a known item.
        """
        check_num_items("item_knn", pairs.num_items)
        known = pairs.with_known_items()
        biases = fit_biases(known, item_l2=_BIAS_L2, user_l2=_BIAS_L2)
        self.item_mean.assign(biases.mean + biases.item)
        self.likeness.assign(_likeness(known, biases, self.shrinkage))

    def adapt(self, support: Episode) -> State:
        """Returns user bias [B], support items [B, S] and their residuals [B, S]."""
        item, mask = support["support_item"], support["support_mask"]
        residual = support["support_label"] - tf.gather(self.item_mean, item)
        bias = shrunk_support_mean(residual, mask, _BIAS_L2)
        # Row 0, unknown, is like no item.
        return (
            bias,
            tf.where(mask, item, 0),
            tf.where(mask, residual - bias[:, tf.newaxis], 0.0),
        )

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns biases + damped mean residual of the neighbours, float32 [B, Q]."""
        bias, support_item, residual = state
        item = query["query_item"]
        likeness = entries(self.likeness, item, support_item)  # [B, Q, S]
        num_neighbours = tf.minimum(self.num_neighbours, tf.shape(likeness)[-1])
        weights, places = tf.math.top_k(tf.nn.relu(likeness), num_neighbours)
        neighbours = tf.gather(residual, places, batch_dims=1)  # [B, Q, neighbours]
        taste = tf.reduce_sum(weights * neighbours, axis=-1)
        taste /= tf.reduce_sum(weights, axis=-1) + self.damping
        return tf.gather(self.item_mean, item) + bias[:, tf.newaxis] + taste


def _likeness(
    pairs: LabelledPairs, biases: Biases, shrinkage: float
) -> NDArray[np.float32]:
    """Correlates the residuals of each two items, [num_items + 1, num_items + 1]."""
    expected = biases.mean + biases.item[pairs.item] + biases.user[pairs.user]
    residual = pair_matrix(pairs, (pairs.label - expected).astype(np.float32))
    rated = pair_matrix(pairs, np.ones(pairs.label.shape, np.float32))
    products = (residual.T @ residual).toarray()
    squares = (residual.power(2).T @ rated).toarray()  # Of the row, over both.
    norms = np.sqrt(squares * squares.T)
    correlation = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
    counts = (rated.T @ rated).toarray()
    likeness: NDArray[np.float32] = correlation * counts / (counts + shrinkage)
    return likeness
