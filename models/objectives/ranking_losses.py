"""Ranking losses over groups of one click and its negatives."""

from collections.abc import Callable

from models.legacy_keras import tf

# From scores and mask to a scalar.
RankingLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


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
