"""NLBA: a network whose biases are shifted by the means of two classes."""

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
class NLBAOptions(LearnedOptions):
    """Hyperparameters of `NLBA`.

    Attributes:
        hidden_dims: Units of the hidden layers that represent a pair.
        representation_dim: F, width of a representation.
        scorer_dims: Units of the hidden layers behind, whose biases adapt.
    """

    hidden_dims: tuple[int, ...] = (64, 64)
    representation_dim: int = 64
    scorer_dims: tuple[int, ...] = (64,)


class NLBA(LearnedBaseline):
    """Scores F(pair) by a network that tasks share but for its biases.

    The bias of each layer, that of the score too, is v + V_0 R_0 + V_1 R_1, where R_0
    and R_1 are the mean representations of the support pairs with low and with high
    labels. A task without support gets the biases v, so that it is scored by a plain
    network.

    Arguments as of `LearnedBaseline`.

    Source:
        Vartak et al., "A Meta-Learning Perspective on Cold-Start Recommendations for
        Items" (NeurIPS 2017), section 4.2, "non-linear classifier with task-dependent
        bias". Deviation: the shared biases v, for tasks without support; trained by
        the objective of the setting, squared error or ranking loss, instead of the
        cross entropy of classes; `ClassRepresentations` names those of F and of the
        classes.
    """

    OPTIONS: ClassVar[type[LearnedOptions]] = NLBAOptions
    CANDIDATES: ClassVar[Sequence[Mapping[str, Any]]] = (
        {},
        {"learning_rate": 3e-4},
        {"learning_rate": 3e-3},
        {"scorer_dims": (64, 64)},
    )

    def _build_parts(self, options: NLBAOptions, seed: int) -> None:
        glorot = tf.keras.initializers.GlorotUniform
        self.classes = ClassRepresentations(
            options.hidden_dims, options.representation_dim, seed=seed
        )
        self.widths = [*options.scorer_dims, 1]
        self.layers_of_scorer = [
            tf.keras.layers.Dense(
                units,
                use_bias=False,
                kernel_initializer=glorot(seed=seed + 100 + number),
                name=f"scorer_{number}",
            )
            for number, units in enumerate(self.widths)
        ]
        # V_0 above V_1 for all layers side by side, and the shared biases v.
        self.biases = tf.keras.layers.Dense(
            sum(self.widths), kernel_initializer=glorot(seed=seed + 200), name="biases"
        )

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the biases of each task by layer, each float32 [B, units]."""
        means = self.classes(
            self.inputs_of_pairs.embed_support(support, training),
            self.objective.signals(support["support_label"], support["support_mask"]),
            support["support_mask"],
        )
        biases = self.biases(tf.concat([means[:, 0], means[:, 1]], axis=-1))
        return tf.split(biases, self.widths, axis=-1)

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        hidden = self.classes.represent(joined(pairs))  # [B, Q, F]
        last = len(self.widths) - 1
        for number, layer in enumerate(self.layers_of_scorer):
            hidden = layer(hidden) + state[number][:, tf.newaxis]  # [B, Q, units]
            hidden = hidden if number == last else tf.nn.relu(hidden)
        return tf.squeeze(hidden, axis=-1)
