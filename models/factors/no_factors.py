"""What stands in for factors where none are made."""

from collections.abc import Mapping

from models.factors.folded_user import FoldedUser, nothing_known
from models.legacy_keras import tf


class NoFactors(tf.Module):
    """Stands in for `ItemFactors` where nothing is made beforehand: factors of width 0.

    It has no `expect` and no `fit`: there is no prior to ask, and nothing to fit.
    """

    width = 0
    num_factors = 0
    num_facts = num_levels = 0
    level_width = 0

    def __init__(self) -> None:
        super().__init__(name="no_factors")

    def of_items(self, items: tf.Tensor) -> tf.Tensor:
        """Returns float32 [..., 0]."""
        return tf.zeros(tf.concat([tf.shape(items), [0]], axis=0))

    def look_up(
        self, users: tf.Tensor, items: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Returns float32 [..., 0]."""
        return self.of_items(items)

    def level_of_users(self, users: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns float32 [B, 0]."""
        return tf.zeros([tf.size(users), 0])

    def level_of_features(
        self, encoded: Mapping[str, tf.Tensor], num_users: tf.Tensor
    ) -> tf.Tensor:
        """Returns float32 [B, 0]."""
        del encoded
        return tf.zeros([num_users, 0])

    def solve(
        self,
        units: tf.Tensor,
        level: tf.Tensor,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> FoldedUser:
        """Returns nothing, three times float32 [B, 0]."""
        del units, level, support_mask
        return nothing_known(tf.shape(labels)[0])
