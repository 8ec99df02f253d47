"""LWA: a linear scorer whose weights are made from the means of two classes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from models.baselines.learned.learned_baseline import (
    LearnedBaseline,
    LearnedOptions,
)
from models.baselines.learned.parts.class_representations import ClassRepresentations
from models.baselines.learned.parts.every_pair import joined
from models.legacy_keras import tf
from models.recommender import Episode, State


@dataclasses.dataclass(frozen=True)
class LWAOptions(LearnedOptions):
    """Hyperparameters of `LWA`.

    Attributes:
        hidden_dims: Units of the hidden layers that represent a pair.
        representation_dim: F, width of a representation.
    """

    hidden_dims: tuple[int, ...] = (64, 64)
    representation_dim: int = 64


class LWA(LearnedBaseline):
    """Scores a pair by b + F(pair) . (W_0 R_0 + W_1 R_1).

    R_0 and R_1 are the mean representations of the support pairs with low and with high
    labels. A task without support gets the score b for every pair: there is no term
    that does not depend on the task.

    Arguments as of `LearnedBaseline`.

    Source:
        Vartak et al., "A Meta-Learning Perspective on Cold-Start Recommendations for
        Items" (NeurIPS 2017), section 4.1, "linear classifier with task-dependent
        weights". Deviation: W_0 and W_1 are matrices; trained by the objective of the
        setting, squared error or ranking loss, instead of the cross entropy of classes;
        `ClassRepresentations` names those of F and of the classes.
    """

    OPTIONS: ClassVar[type[LearnedOptions]] = LWAOptions
    CANDIDATES: ClassVar[Sequence[Mapping[str, Any]]] = (
        {},
        {"learning_rate": 3e-4},
        {"learning_rate": 3e-3},
        {"representation_dim": 16},
    )

    def _build_parts(self, options: LWAOptions, seed: int) -> None:
        width = options.representation_dim
        self.classes = ClassRepresentations(options.hidden_dims, width, seed=seed)
        # W_0 above W_1, so that one product sums both.
        self.mixing = tf.keras.layers.Dense(
            width,
            use_bias=False,
            kernel_initializer=tf.keras.initializers.GlorotUniform(seed=seed + 100),
            name="mixing",
        )
        self.bias = tf.Variable(0.0, name="bias")

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the weights of each task's linear scorer, float32 [B, F]."""
        means = self.classes(
            self.inputs_of_pairs.embed_support(support, training),
            self.objective.signals(support["support_label"], support["support_mask"]),
            support["support_mask"],
        )
        return self.mixing(tf.concat([means[:, 0], means[:, 1]], axis=-1))

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        represented = self.classes.represent(joined(pairs))  # [B, Q, F]
        return self.bias + tf.linalg.matvec(represented, state)  # [B, Q]
