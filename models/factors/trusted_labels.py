"""Labels of a support set, as far as the other pairs of it bear them out."""

from models.factors.item_factors import ItemFactors
from models.legacy_keras import tf

_PASSES = 4
_FARTHEST = 4.0  # Deviations of all labels that the first pass begins with.


def trusted_labels(
    factors: ItemFactors,
    units: tf.Tensor,
    level: tf.Tensor,
    labels: tf.Tensor,
    support_mask: tf.Tensor,
    max_surprise: float,
) -> tf.Tensor:
    """Cuts labels that lie too far from what all other pairs of their set say.

    What the others say is solved from labels that are cut already, a few times, so that
    no single label draws it far: Huber's estimate, by residuals that are left out.

    Args:
        factors: What is solved for.
        units: float32 [B, S, width], of the support pairs.
        level: float32 [B, level_width], of the users.
        labels: float32 [B, S], standardised.
        support_mask: bool [B, S], False for padding.
        max_surprise: Most standard deviations, noise and doubt about the user included.

    Returns:
        float32 [B, S].
    """
    trusted = tf.clip_by_value(labels, -_FARTHEST, _FARTHEST)
    for _ in range(_PASSES):
        user = factors.solve(units, level, trusted, support_mask)
        expected, variance = factors.left_out(user, units, trusted)
        reach = max_surprise * tf.sqrt(variance)
        trusted = tf.clip_by_value(labels, expected - reach, expected + reach)
    return tf.where(support_mask, trusted, labels)
