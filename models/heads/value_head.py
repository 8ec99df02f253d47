"""A head that takes what the backbone puts out for a score."""

from models.legacy_keras import tf
from models.objectives.objective import Objective
from models.pairs.pair_embedding import Expected
from models.recommender import Episode


class ValueHead(tf.keras.layers.Layer):
    """Adds the backbone's number to what is expected.

    Call arguments:
        expected: What is expected of pairs.
        outputs: float32 [B, Q, 1], of the backbone.

    Returns:
        float32 [B, Q], without a unit.

    Source:
        CMML (arXiv:2108.10511) Eq. 5, section 3.1.
    """

    num_outputs = 1
    levels = None

    def __init__(self) -> None:
        super().__init__(name="head")

    def call(self, expected: Expected, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the scores."""
        return expected.mean + expected.backbone_scale * outputs[..., 0]

    def mean(self, prediction: tf.Tensor) -> tf.Tensor:
        """Returns the scores as they are."""
        return prediction

    def loss(
        self,
        objective: Objective,
        episode: Episode,
        prediction: tf.Tensor,
        expected: Expected,
    ) -> tf.Tensor:
        """Returns the error of the query set, and updates the metrics."""
        del expected
        return objective.query_loss(episode, prediction)
