"""Mean labels: of all pairs, of a support set, of an item."""

from typing import ClassVar

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


class GlobalMean(tf.Module):
    """Scores every pair with the mean label: what knowing nothing gives."""

    GRID: ClassVar[Grid] = {}

    def __init__(self) -> None:
        super().__init__()
        self.label_mean = tf.Variable(0.0, trainable=False, name="label_mean")

    def fit(self, pairs: LabelledPairs) -> None:
        """Takes the mean label."""
        self.label_mean.assign(pairs.label.mean())

    def adapt(self, support: Episode) -> State:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns the mean label for each pair, float32 [B, Q]."""
        del state
        return tf.fill(tf.shape(query["query_item"]), self.label_mean)


class SupportMean(GlobalMean):
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

    def adapt(self, support: Episode) -> State:
        """Returns the shrunk mean label of each task, float32 [B]."""
        residual = support["support_label"] - self.label_mean
        return self.label_mean + shrunk_support_mean(
            residual, support["support_mask"], self.prior
        )

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns the task's mean for each pair, float32 [B, Q]."""
        return tf.broadcast_to(state[:, tf.newaxis], tf.shape(query["query_item"]))


class ItemMean(tf.Module):
    """Scores a pair with the mean label of its item, whoever the user is.

    The mean is shrunk towards the mean of all labels, which an item without meta-train
    pairs gets, and the unknown item.

    Args:
        damping: Pairs with the mean label that are added to each item, above 0.

    Raises:
        ValueError: If `damping` is not above 0.
    """

    GRID: ClassVar[Grid] = {"damping": (0.3, 1.0, 3.0, 10.0, 30.0)}

    def __init__(self, *, damping: float = 3.0) -> None:
        super().__init__()
        self.damping = check_strength("damping", damping)
        self.item_mean = means_variable()

    def fit(self, pairs: LabelledPairs) -> None:
        """Takes the shrunk mean of each item.

        Raises:
            ValueError: If no pair has a known item.
        """
        label_mean = pairs.label.mean()
        known = pairs.with_known_items()
        deviation = shrunk_means(
            known.item, known.label - label_mean, pairs.num_items + 1, self.damping
        )
        self.item_mean.assign(label_mean + deviation)

    def adapt(self, support: Episode) -> State:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns the mean of each pair's item, float32 [B, Q]."""
        del state
        return tf.gather(self.item_mean, query["query_item"])
