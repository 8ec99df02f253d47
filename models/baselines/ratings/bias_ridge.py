"""Item biases and a user bias, by ridge regression."""

from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.item_matrix import means_variable
from models.baselines.ratings.shrinkage import (
    check_strength,
    shrunk_means,
    shrunk_support_mean,
)
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State

_TOLERANCE = 1e-5  # In deviations of labels; no metric shows a hundred times that.
_MAX_SWEEPS = 500


class BiasRidge(tf.Module):
    """Scores a pair with mean + item bias + user bias.

    Mean and item biases come from the training pairs, the user bias from the support
    set in closed form. A task without support has user bias 0, an item without
    training pairs item bias 0.

    Args:
        item_l2: Penalty of squared item biases, above 0.
        user_l2: Penalty of squared user biases, above 0.

    Raises:
        ValueError: If a penalty is not above 0.
    """

    GRID: ClassVar[Grid] = {
        "item_l2": (0.3, 1.0, 3.0, 10.0),
        "user_l2": (0.3, 1.0, 3.0, 10.0),
    }

    def __init__(self, *, item_l2: float = 3.0, user_l2: float = 1.0) -> None:
        super().__init__()
        self.item_l2 = check_strength("item_l2", item_l2)
        self.user_l2 = check_strength("user_l2", user_l2)
        self.item_mean = means_variable()  # Mean + item bias.

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits mean and biases.

        Raises:
            ValueError: If no pair has a known item.
        """
        biases = fit_biases(pairs, item_l2=self.item_l2, user_l2=self.user_l2)
        self.item_mean.assign(biases.mean + biases.item)

    def adapt(self, support: Episode) -> State:
        """Returns the user bias of each task, float32 [B]."""
        expected = tf.gather(self.item_mean, support["support_item"])  # [B, S]
        return shrunk_support_mean(
            support["support_label"] - expected, support["support_mask"], self.user_l2
        )

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns mean + item bias + user bias, float32 [B, Q]."""
        return tf.gather(self.item_mean, query["query_item"]) + state[:, tf.newaxis]


class Biases(NamedTuple):
    """A mean and biases: float64 [num_users + 1] and [num_items + 1], by row."""

    mean: float
    user: NDArray[np.float64]
    item: NDArray[np.float64]


def fit_biases(pairs: LabelledPairs, *, item_l2: float, user_l2: float) -> Biases:
    """Minimises the squared error plus item_l2 * item ** 2 + user_l2 * user ** 2.

    Alternates the closed forms of the user and of the item biases. At the minimum the
    biases of either side add up to 0, since the mean takes their common part at no
    cost; moving it there after each sweep saves most of the sweeps.

    Args:
        pairs: The training pairs. Pairs of the unknown item are left out.
        item_l2: Penalty of squared item biases, above 0.
        user_l2: Penalty of squared user biases, above 0.

    Returns:
        Mean and biases; 0 for a row without pairs.

    Raises:
        ValueError: If no pair has a known item.
    """
    known = pairs.with_known_items()
    user_seen = np.bincount(known.user, minlength=pairs.num_users + 1) > 0
    item_seen = np.bincount(known.item, minlength=pairs.num_items + 1) > 0
    mean = float(known.label.mean())
    item = np.zeros(pairs.num_items + 1)
    for _ in range(_MAX_SWEEPS):
        before = mean + item
        residual = known.label - before[known.item]
        user = shrunk_means(known.user, residual, user_seen.size, user_l2)
        residual = known.label - mean - user[known.user]
        item = shrunk_means(known.item, residual, item_seen.size, item_l2)
        user_shift, item_shift = user[user_seen].mean(), item[item_seen].mean()
        mean += float(user_shift + item_shift)
        user = np.where(user_seen, user - user_shift, 0.0)
        item = np.where(item_seen, item - item_shift, 0.0)
        if np.abs(mean + item - before).max() < _TOLERANCE:
            break
    return Biases(mean, user, item)
