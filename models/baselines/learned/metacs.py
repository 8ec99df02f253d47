"""MetaCS-DNN: a network that adapts to each task together with its embeddings."""

from typing import TypeAlias

from models.baselines.learned.melu import MeLU
from models.baselines.learned.parts.feature_pairs import FeaturePairs
from models.baselines.learned.parts.functional_mlp import for_each_task
from models.baselines.learned.parts.inner_loop import sgd_steps
from models.baselines.learned.parts.overlap import entity_overlaps, spread_steps
from models.legacy_keras import tf
from models.recommender import Episode, State
from transforms.schema import UNKNOWN

# Row of the user of each task, int32 [B, 1], and rows of items, int32 [B, S].
_Rows: TypeAlias = tuple[tf.Tensor, tf.Tensor]
# By feature: of a user with a user, [B, 1, 1], and of items with items, [B, Q, S].
_Overlaps: TypeAlias = tuple[list[tf.Tensor], list[tf.Tensor]]


class MetaCS(MeLU):
    """MeLU that takes its gradient steps on the embeddings as well.

    An embedding that stands in no support set moves nevertheless if it shares a value
    with one that does. Tables are not copied: a task keeps the gradients of its pairs,
    and those of other pairs follow by overlap. Where vectors are frozen it would be
    MeLU, so that it is there in the user-specific setting alone.

    Arguments as of `LearnedBaseline`; `inputs` must be `FeaturePairs`.

    Source:
        MetaCS-DNN (Bharadhwaj, IJCNN 2019), in the form of CMML (arXiv:2108.10511)
        section 4.1.3 and its code: MeLU whose inner loop adapts all parameters.
        Deviation: as of `MeLU`; and with dropout, the steps of training move units as
        they stand after it, the dropped ones of the support set not at all.
    """

    inputs_of_pairs: FeaturePairs

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns what moves the weights and the embeddings of each task.

        Returns:
            The weights, the gradients of the support pairs, float32 [B, S, U + I], and
            the rows of user and items that these belong to.
        """
        pairs = self.inputs_of_pairs.embed_support(support, training)
        rows = _rows_of_support(support)
        overlaps = self._overlaps(rows, rows)
        (_, weights), (slopes, _) = sgd_steps(
            lambda values: self.objective.support_loss(self.mlp(*values), support),
            (pairs, for_each_task(self.mlp.initial, tf.shape(pairs)[0])),
            steps=self.options.inner_steps,
            learning_rate=self.options.inner_learning_rate,
            first_order=self.options.first_order,
            direction=lambda slopes: (self._spread(overlaps, slopes[0]), slopes[1]),
        )
        return weights, slopes, rows

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs as their task sees them, float32 [B, Q]."""
        weights, slopes, rows = state
        pairs = self.inputs_of_pairs.embed_query(query, training)
        rows_of_query = query["query_user"][:, :1], query["query_item"]
        moves = self._spread(self._overlaps(rows_of_query, rows), slopes)
        pairs -= self.options.inner_learning_rate * moves
        return self.mlp(pairs, weights)

    def _overlaps(self, rows: _Rows, others: _Rows) -> _Overlaps:
        """Returns the overlaps of the user and of the items of each task."""
        inputs = self.inputs_of_pairs
        return (
            entity_overlaps(inputs.users, rows[0], others[0]),
            entity_overlaps(inputs.items, rows[1], others[1]),
        )

    def _spread(self, overlaps: _Overlaps, slopes: tf.Tensor) -> tf.Tensor:
        """Spreads slopes [B, S, U + I] over pairs [B, Q, U + I] that overlap."""
        inputs = self.inputs_of_pairs
        of_user, of_items = tf.split(slopes, [inputs.user_dim, inputs.item_dim], -1)
        of_user = tf.reduce_sum(of_user, axis=1, keepdims=True)  # One user, all pairs.
        of_user = spread_steps(overlaps[0], of_user)  # [B, 1, U]
        of_items = spread_steps(overlaps[1], of_items)  # [B, Q, I]
        num_pairs = tf.shape(of_items)[1]
        return tf.concat([tf.repeat(of_user, num_pairs, axis=1), of_items], axis=-1)


def _rows_of_support(support: Episode) -> _Rows:
    """Returns the rows of support pairs, those of padding as unknown."""
    mask = support["support_mask"]
    users = tf.where(mask, support["support_user"], UNKNOWN)
    user = tf.maximum(tf.reduce_max(users, axis=1, keepdims=True), UNKNOWN)
    return user, tf.where(mask, support["support_item"], UNKNOWN)
