"""What is learned in the scenario-specific setting: the order of items."""

from collections.abc import Callable

from models.legacy_keras import tf
from models.masked_mean import masked_mean
from models.recommender import Episode
from models.replicas import share_of_batch

# From scores and mask to a scalar.
RankingLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


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
        return masked_mean(tf.nn.relu(self._margin - gap), is_pair, axis=[1, 2])

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


def margin_loss(margin: float) -> RankingLoss:
    """Returns the mean of max(0, margin - score of the click + score of the negative).

    Args:
        margin: By how much a click should score higher.

    Source:
        CMML (arXiv:2108.10511) Eq. 4, where the margin is 1.
    """

    def loss(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        gap = scores[..., :1] - scores[..., 1:]
        return _mean(tf.nn.relu(margin - gap), mask)

    return loss


def bpr_loss(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean of -log sigmoid(score of the click - score of the negative).

    Args:
        scores: float32 [B, Q, 1 + R], the click first, then its negatives.
        mask: bool [B, Q], False for padding.

    Returns:
        float32 scalar; 0 if there is no real click.

    Source:
        Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback"
        (UAI 2009).
    """
    gap = scores[..., :1] - scores[..., 1:]
    return _mean(tf.nn.softplus(-gap), mask)


def cross_entropy_loss(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean of -log softmax of the click among itself and its negatives.

    Arguments as of `bpr_loss`, which it equals if there is one negative.
    """
    log_shares = tf.nn.log_softmax(scores, axis=-1)
    return _mean(-log_shares[..., :1], mask)


def ranking_loss(name: str, margin: float) -> RankingLoss:
    """Returns the loss of that name.

    Args:
        name: "margin", "bpr" or "cross_entropy".
        margin: Of "margin".
    """
    losses = {
        "margin": margin_loss(margin),
        "bpr": bpr_loss,
        "cross_entropy": cross_entropy_loss,
    }
    return losses[name]


def pair_accuracy(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Share of negatives that score below their click, arguments as of `bpr_loss`."""
    is_below = tf.cast(scores[..., :1] > scores[..., 1:], scores.dtype)
    return _mean(is_below, mask)


def _mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Averages [B, Q, R] over the real clicks of [B, Q]."""
    by_click = tf.reduce_mean(values, axis=-1)
    weights = tf.cast(mask, values.dtype)
    total = tf.reduce_sum(tf.where(mask, by_click, 0.0))
    return tf.math.divide_no_nan(total, tf.reduce_sum(weights))
