"""LWA and NLBA: scorers that the means of two classes of pairs adapt."""

import dataclasses
from collections.abc import Sequence

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import joined
from models.legacy_keras import tf
from models.recommender import Episode, State


class ClassRepresentations(tf.keras.layers.Layer):
    """Represents pairs by a network F, and each class of a support set by its mean.

    A pair whose signal is at least 0 is of the positive class, any other one of the
    negative class.

    Args:
        hidden_dims: Units of the hidden layers of F, input side first.
        representation_dim: F, width of a representation.
        seed: Seed of the initial weights.

    Call arguments:
        pairs: float32 [B, S, D].
        signals: float32 [B, S], labels in units of a network.
        mask: bool [B, S], True for a real pair, False for padding.

    Returns:
        float32 [B, 2, F], R_0 of the negative class and R_1 of the positive one. That
        of a class without pairs is the zero vector.

    Source:
        Vartak et al. (NeurIPS 2017) section 4. Deviation: F sees the pair of user and
        item, not the item alone, since the users of a task may differ; the class of a
        pair is the sign of its signal, since ratings are no classes. F is left open by
        the paper: its layers are tanh, since ReLU units that die take the context and
        the query with them.
    """

    def __init__(
        self, hidden_dims: Sequence[int], representation_dim: int, *, seed: int
    ) -> None:
        super().__init__(name="class_representations")
        glorot = tf.keras.initializers.GlorotUniform
        self.hidden = [
            tf.keras.layers.Dense(
                units, activation="tanh", kernel_initializer=glorot(seed=seed + number)
            )
            for number, units in enumerate(hidden_dims)
        ]
        self.projection = tf.keras.layers.Dense(
            representation_dim,
            kernel_initializer=glorot(seed=seed + len(hidden_dims)),
            name="projection",
        )

    def represent(self, pairs: tf.Tensor) -> tf.Tensor:
        """Represents pairs [B, S, D] as float32 [B, S, F]."""
        for layer in self.hidden:
            pairs = layer(pairs)
        return self.projection(pairs)

    def call(self, pairs: tf.Tensor, signals: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns the mean representation of either class."""
        positive = signals >= 0.0
        classes = tf.stack([~positive & mask, positive & mask], axis=1)  # [B, 2, S]
        weights = tf.cast(classes, pairs.dtype)
        return tf.math.divide_no_nan(
            weights @ self.represent(pairs),  # [B, 2, F]
            tf.reduce_sum(weights, axis=-1, keepdims=True),
        )


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

    OPTIONS = LWAOptions
    CANDIDATES = (
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
        return self.mixing(_means_of_classes(self, support, training))

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        represented = self.classes.represent(joined(pairs))  # [B, Q, F]
        return self.bias + tf.linalg.matvec(represented, state)  # [B, Q]


@dataclasses.dataclass(frozen=True)
class NLBAOptions(LWAOptions):
    """Hyperparameters of `NLBA`, beside those of `LWA`.

    Attributes:
        scorer_dims: Units of the hidden layers behind, whose biases adapt.
    """

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

    OPTIONS = NLBAOptions
    CANDIDATES = (
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
        biases = self.biases(_means_of_classes(self, support, training))
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


def _means_of_classes(
    method: LWA | NLBA, support: Episode, training: bool
) -> tf.Tensor:
    """Returns R_0 and R_1 of each task side by side, float32 [B, 2 * F]."""
    mask = support["support_mask"]
    means = method.classes(
        method.inputs_of_pairs.embed_support(support, training),
        method.objective.signals(support["support_label"], mask),
        mask,
    )
    return tf.concat([means[:, 0], means[:, 1]], axis=-1)
