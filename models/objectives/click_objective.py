"""What is learned in the scenario-specific setting: the order of items."""

from models.legacy_keras import tf
from models.objectives.ranking_losses import RankingLoss, pair_accuracy
from models.recommender import Episode
from models.replicas import share_of_batch


class ClickObjective:
    """Clicks above the negatives of their user; labels are 1 and -1 to a network.

    Args:
        loss: Of the query set.
        margin: By how much a click of a support set should score higher.
        query_negatives: R, negatives behind each click of a training query.

    Source:
        CMML (arXiv:2108.10511) Eq. 4; s2Meta (Du et al., KDD 2019) section 3.1 for
        support sets. Deviation: there each click is held against every negative of its
        user in the set, not against a random one.
    """

    def __init__(
        self, loss: RankingLoss, *, margin: float = 1.0, query_negatives: int = 1
    ) -> None:
        self._loss = loss
        self._margin = margin
        self._group_size = 1 + query_negatives
        self._accuracy = tf.keras.metrics.Mean(name="pair_accuracy")
        # Mean over batches of the share of negatives that score below their click.
        self.metrics = (self._accuracy,)

    def signals(self, labels: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns 1 for a click, -1 for none, 0 for padding, float32 [B, S]."""
        return tf.where(mask, 2.0 * labels - 1.0, 0.0)

    def support_loss(self, raw_scores: tf.Tensor, support: Episode) -> tf.Tensor:
        """Returns the mean hinge over click and negative of one user, float32 [B]."""
        user = support["support_user"]
        signals = self.signals(support["support_label"], support["support_mask"])
        is_pair = (
            (signals[:, :, tf.newaxis] > 0.0)
            & (signals[:, tf.newaxis, :] < 0.0)
            & (user[:, :, tf.newaxis] == user[:, tf.newaxis, :])
        )  # [B, S, S], click by negative.
        gap = raw_scores[:, :, tf.newaxis] - raw_scores[:, tf.newaxis, :]
        weights = tf.cast(is_pair, raw_scores.dtype)
        hinge = tf.nn.relu(self._margin - gap) * weights
        return tf.math.divide_no_nan(
            tf.reduce_sum(hinge, axis=[1, 2]), tf.reduce_sum(weights, axis=[1, 2])
        )

    def scores(self, raw_scores: tf.Tensor) -> tf.Tensor:
        """Returns the raw scores: only their order means something."""
        return raw_scores

    def query_loss(self, episode: Episode, raw_scores: tf.Tensor) -> tf.Tensor:
        """Returns the loss over groups of a click and its negatives."""
        shape = [tf.shape(raw_scores)[0], -1, self._group_size]
        scores = tf.reshape(raw_scores, shape)
        mask = tf.reshape(episode["query_mask"], shape)[..., 0]
        self._accuracy.update_state(pair_accuracy(scores, mask), share_of_batch(mask))
        return self._loss(scores, mask)
