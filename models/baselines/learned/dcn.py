"""DCN: a deep and cross network, trained on all tasks alike, or fine-tuned on each."""

import dataclasses
from collections.abc import Sequence

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import (
    EveryPair,
    Layer,
    for_each_task,
    joined,
    linear,
)
from models.baselines.learned.parts.inner_loop import adam_steps, check_inner_options
from models.legacy_keras import tf, tfrs
from models.recommender import Episode, State


@dataclasses.dataclass(frozen=True)
class DCNOptions(LearnedOptions):
    """Hyperparameters of `DCN`.

    Attributes:
        num_cross: Cross layers.
    """

    hidden_dims: tuple[int, ...] = (64, 64)
    num_cross: int = 3


class DCN(LearnedBaseline):
    """Scores a pair by crosses of its units beside a deep network; it does not adapt.

    Arguments as of `LearnedBaseline`.

    Source:
        Wang et al., "DCN V2" (WWW 2021), as `tensorflow_recommenders` has it, whose
        cross layers have a full matrix; CMML (arXiv:2108.10511) section 4.1.3 for its
        place among the baselines.
    """

    OPTIONS = DCNOptions
    CANDIDATES = (
        {},
        {"learning_rate": 3e-4},
        {"learning_rate": 3e-3},
        {"num_cross": 1},
    )

    def _build_parts(self, options: DCNOptions, seed: int) -> None:
        glorot = tf.keras.initializers.GlorotUniform
        self.crosses = [
            tfrs.layers.dcn.Cross(kernel_initializer=glorot(seed=seed + number))
            for number in range(options.num_cross)
        ]
        self.deep = [
            tf.keras.layers.Dense(
                width,
                activation="relu",
                kernel_initializer=glorot(seed=seed + 100 + number),
            )
            for number, width in enumerate(options.hidden_dims)
        ]
        self.head = tf.keras.layers.Dense(1, kernel_initializer=glorot(seed=seed + 200))
        self._create_weights(self.pair_dim)

    def _create_weights(self, width: int) -> None:
        """Calls each layer once, on pairs of that width."""
        crossed = deep = tf.zeros([1, width])
        for cross in self.crosses:
            cross(crossed)
        for layer in self.deep:
            deep = layer(deep)
        self.head(tf.concat([crossed, deep], axis=-1))

    @property
    def layer_weights(self) -> list[Layer]:
        """Kernel and bias of each layer: cross layers, deep ones, and the head."""
        layers = [*self.crosses, *self.deep, self.head]
        return [tuple(layer.trainable_variables) for layer in layers]

    def through_layers(
        self, pairs: tf.Tensor | EveryPair, weights: Sequence[Layer]
    ) -> tf.Tensor:
        """Scores pairs as the layers do, with weights that may differ from theirs.

        Args:
            pairs: float32 [B, Q, D], or every pair.
            weights: As of `layer_weights`, or the same for each task.

        Returns:
            float32 [B, Q].
        """
        *hidden, head = weights
        crossed = deep = pairs
        pairs = joined(pairs)
        for weight in hidden[: len(self.crosses)]:
            crossed = pairs * linear(crossed, weight) + joined(crossed)
        for weight in hidden[len(self.crosses) :]:
            deep = tf.nn.relu(linear(deep, weight))
        last = tf.concat([joined(crossed), joined(deep)], axis=-1)
        return tf.squeeze(linear(last, head), axis=-1)

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns an empty state: the support set is of no use here."""
        del support, training
        return ()

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, with the weights of their task if it has any, [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        return self.through_layers(pairs, state or self.layer_weights)


@dataclasses.dataclass(frozen=True)
class FineTunedDCNOptions(DCNOptions):
    """Hyperparameters of `FineTunedDCN`.

    Attributes:
        inner_steps: Steps of Adam on a support set.
        inner_learning_rate: Their size.

    Raises:
        ValueError: If `inner_steps` is negative or `inner_learning_rate` not positive.
    """

    inner_steps: int = 5
    inner_learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        check_inner_options(self.inner_steps, self.inner_learning_rate)


class FineTunedDCN(DCN):
    """A DCN that takes a few steps of Adam on the support set before it scores.

    It has the weights of a DCN and is trained as one; only later does it adapt. Its
    layers do, the embeddings do not. A task without support keeps the weights.

    Arguments as of `LearnedBaseline`.

    Source:
        CMML (arXiv:2108.10511) section 4.1.3 and its code: 5 steps of Adam on the whole
        support set. Deviation: only dense layers are tuned, so that one table of
        embeddings serves all tasks.
    """

    OPTIONS = FineTunedDCNOptions
    CANDIDATES = (
        {},
        {"inner_learning_rate": 1e-3},
        {"inner_learning_rate": 3e-3},
        {"inner_learning_rate": 1e-2},
    )
    TRAINS_AS = "dcn"

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the weights of each task, or an empty state in training."""
        if training:
            return ()
        pairs = self.inputs_of_pairs.embed_support(support, training)
        return adam_steps(
            lambda weights: self.objective.support_loss(
                self.through_layers(pairs, weights), support
            ),
            for_each_task(self.layer_weights, tf.shape(pairs)[0]),
            steps=self.options.inner_steps,
            learning_rate=self.options.inner_learning_rate,
        )
