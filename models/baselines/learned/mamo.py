"""MAMO: gradient steps from a start that memories make for each user."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import (
    Layer,
    for_each_task,
    joined,
    linear,
)
from models.baselines.learned.parts.inner_loop import sgd_steps
from models.legacy_keras import tf
from models.masked_mean import masked_mean
from models.parts.backbone import glorot
from models.recommender import Episode, State, split_episode

_EPSILON = 1e-5  # In the norms of a cosine.
_GRADIENT_STD = 0.05  # Of the first gradients in memory, as in the released code.


@dataclasses.dataclass(frozen=True)
class MAMOOptions(LearnedOptions):
    """Hyperparameters of `MAMO`.

    Attributes:
        hidden_dims: Units of the hidden layers above the matrix from memory.
        embedding_dim: d, width of the profile and of an embedded user or item.
        num_slots: K, slots of each memory.
        inner_steps: Gradient steps on a support set.
        inner_learning_rate: Size of these steps.
        first_order: Whether training takes their gradients for constants.
        start_weight: Weight tau of the gradients in memory in the start.
        profile_rate: Rate alpha at which profiles are written.
        gradient_rate: Rate beta at which gradients are written.
        matrix_rate: Rate gamma at which matrices are written.
        forgets: Whether memories fade without attention too, as in the paper.

    Raises:
        ValueError: If `inner_steps` is negative.
    """

    hidden_dims: tuple[int, ...] = (64,)
    embedding_dim: int = 32
    num_slots: int = 3
    inner_steps: int = 3
    inner_learning_rate: float = 0.01
    first_order: bool = True
    start_weight: float = 0.01
    profile_rate: float = 0.5
    gradient_rate: float = 0.05
    matrix_rate: float = 0.1
    forgets: bool = False

    def __post_init__(self) -> None:
        if self.inner_steps < 0:
            raise ValueError(
                f"inner_steps must not be negative, got {self.inner_steps}."
            )


class FastWeights(NamedTuple):
    """The weights of each task, or what was added to them.

    Attributes:
        user: Kernel [B, U, d] and bias [B, 1, d] that embed the user.
        item: Kernel [B, I, d] and bias [B, 1, d] that embed an item.
        matrix: float32 [B, 2 d, 2 d], of the first layer over both.
        others: Layers above it.
    """

    user: Layer
    item: Layer
    matrix: tf.Tensor
    others: list[Layer]


class Start(NamedTuple):
    """Where the steps of each task begin.

    Attributes:
        profile: float32 [B, d].
        attention: float32 [B, K], to the slots of the memories.
        weights: The weights before the first step.
    """

    profile: tf.Tensor
    attention: tf.Tensor
    weights: FastWeights


class MAMO(LearnedBaseline):
    """Starts each user from memories of similar profiles, then takes gradient steps.

    The profile attends to slots by its cosine with profiles in memory. The start of the
    layer that embeds the user moves against the gradients in memory, and the first
    layer over user and item is a matrix from memory. Memories are written in training
    only, after the scores of a batch.

    The state holds the steps alone: the start is made from the user of the query, so
    that a user without support, too, starts from their profile.

    Arguments as of `LearnedBaseline`. Only for tasks that are users.

    Source:
        Dong et al., "MAMO: Memory-Augmented Meta-Optimization for Cold-start
        Recommendation" (KDD 2020), algorithm 1. Deviation: ratings by squared error
        instead of classes of them; full-batch steps; embeddings of features do not
        adapt; Adam for the shared weights; the gradient that is written is the mean of
        the inner steps; memories of matrices begin as Glorot-uniform;
        `AttendedMemory` names those of writing.
    """

    OPTIONS = MAMOOptions
    CANDIDATES = (
        {},
        {"inner_learning_rate": 0.05},
        {"inner_learning_rate": 0.2},
        {"inner_learning_rate": 0.05, "learning_rate": 3e-3},
    )

    def _build_parts(self, options: MAMOOptions, seed: int) -> None:
        d, both = options.embedding_dim, 2 * options.embedding_dim
        self.profile = tf.keras.layers.Dense(
            d, kernel_initializer=tf.keras.initializers.GlorotUniform(seed)
        )
        self.sharpness = tf.keras.layers.Dense(
            options.num_slots,
            kernel_initializer=tf.keras.initializers.GlorotUniform(seed + 1),
        )
        self.user_layer = _layer(self.inputs_of_pairs.user_dim, d, seed + 2, "user")
        self.item_layer = _layer(self.inputs_of_pairs.item_dim, d, seed + 3, "item")
        widths = [both, *options.hidden_dims, 1]
        self.other_layers = [
            _layer(*shape, seed + 4 + number, f"layer_{number}")
            for number, shape in enumerate(itertools.pairwise(widths))
        ]
        self._make_memories(both)

    def _make_memories(self, both: int) -> None:
        """Makes memories of profiles, of gradients of the user layer, of matrices."""
        options, seed = self.options, self.seed + 100
        slots, d = options.num_slots, options.embedding_dim
        kernel, bias = [slots, self.inputs_of_pairs.user_dim, d], [slots, 1, d]
        matrices = [glorot([both, both], seed + number) for number in range(slots)]
        self.profiles = self._memory(
            _normal([slots, d], 1.0, seed), options.profile_rate, "profiles"
        )
        self.gradients = [
            self._memory(
                _normal(shape, _GRADIENT_STD, seed), options.gradient_rate, name
            )
            for shape, name in ((kernel, "kernel_gradients"), (bias, "bias_gradients"))
        ]
        self.matrices = self._memory(
            tf.stack(matrices), options.matrix_rate, "matrices"
        )

    def _memory(self, initial: tf.Tensor, rate: float, name: str) -> AttendedMemory:
        return AttendedMemory(
            initial, rate=rate, forgets=self.options.forgets, name=name
        )

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns what the steps on the support set add, as `FastWeights`."""
        _, steps, _ = self._take_steps(support, training)
        return steps

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        pairs = joined(self.inputs_of_pairs.embed_query(query, training))
        start = self._start(pairs[:, 0, : self.inputs_of_pairs.user_dim])
        weights = tf.nest.map_structure(tf.add, start.weights, state)
        return self._through_layers(pairs, weights)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set; in training, memories are written afterwards."""
        if not training:
            return super().compute_loss(inputs, training)
        support, query = split_episode(inputs)
        start, steps, gradient = self._take_steps(support, training)
        raw = self.raw_score(steps, query, training)
        loss = self.objective.query_loss(inputs, raw)
        learned = tf.reduce_any(support["support_mask"], axis=1, keepdims=True)
        attention = start.attention * tf.cast(learned, raw.dtype)
        self._write(attention, start, steps, gradient)
        return loss

    def _take_steps(
        self, support: Episode, training: bool
    ) -> tuple[Start, FastWeights, FastWeights]:
        """Returns the start, the sum of all steps, and their mean gradient."""
        options = self.options
        pairs = self.inputs_of_pairs.embed_support(support, training)
        user = masked_mean(
            pairs[..., : self.inputs_of_pairs.user_dim],
            support["support_mask"][..., tf.newaxis],
            axis=1,
        )
        start = self._start(user)
        final, gradient = sgd_steps(
            lambda weights: self.objective.support_loss(
                self._through_layers(pairs, weights), support
            ),
            start.weights,
            steps=options.inner_steps,
            learning_rate=options.inner_learning_rate,
            first_order=options.first_order,
        )
        num_steps = max(options.inner_steps, 1)
        return (
            start,
            tf.nest.map_structure(tf.subtract, final, start.weights),
            tf.nest.map_structure(lambda total: total / num_steps, gradient),
        )

    def _start(self, user: tf.Tensor) -> Start:
        """Reads the memories for users, float32 [B, U]."""
        profile = self.profile(user)
        similarity = tf.matmul(
            _unit(profile), _unit(self.profiles.slots), transpose_b=True
        )
        attention = tf.nn.softmax(self.sharpness(similarity))  # [B, K]
        shared = [self.user_layer, self.item_layer, *self.other_layers]
        (kernel, bias), item, *others = for_each_task(shared, tf.shape(user)[0])
        of_kernel, of_bias = (memory.read(attention) for memory in self.gradients)
        tau = self.options.start_weight
        weights = FastWeights(
            user=(kernel - tau * of_kernel, bias - tau * of_bias),
            item=item,
            matrix=self.matrices.read(attention),
            others=others,
        )
        return Start(profile, attention, weights)

    def _through_layers(self, pairs: tf.Tensor, weights: FastWeights) -> tf.Tensor:
        """Scores pairs by the weights of their task, float32 [B, Q]."""
        user, item = tf.split(
            pairs, [self.inputs_of_pairs.user_dim, self.inputs_of_pairs.item_dim], -1
        )
        embedded = [
            tf.nn.relu(linear(user, weights.user)),
            tf.nn.relu(linear(item, weights.item)),
        ]
        hidden = tf.concat(embedded, axis=-1) @ weights.matrix  # [B, Q, 2 d]
        for layer in weights.others:
            hidden = linear(tf.nn.relu(hidden), layer)
        return tf.squeeze(hidden, axis=-1)

    def _write(
        self,
        attention: tf.Tensor,
        start: Start,
        steps: FastWeights,
        gradient: FastWeights,
    ) -> None:
        """Writes to all memories what the tasks of a batch have learned."""
        self.profiles.write(attention, start.profile)
        for memory, value in zip(self.gradients, gradient.user, strict=True):
            memory.write(attention, value)
        self.matrices.write(attention, start.weights.matrix + steps.matrix)


def _layer(input_dim: int, units: int, seed: int, name: str) -> Layer:
    return (
        tf.Variable(glorot([input_dim, units], seed), name=f"{name}_kernel"),
        tf.Variable(tf.zeros([units]), name=f"{name}_bias"),
    )


def _normal(shape: Sequence[int], std: float, seed: int) -> tf.Tensor:
    return tf.keras.initializers.RandomNormal(stddev=std, seed=seed)(shape)


def _unit(vectors: tf.Tensor) -> tf.Tensor:
    """Brings vectors to length 1, or to 0 if there is nothing to them."""
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=_EPSILON)


class AttendedMemory(tf.Module):
    """K slots of one shape, each a moving average of what tasks wrote to it.

    Args:
        initial: float32 [K, ...], the slots at the start.
        rate: Share of a slot that is replaced by a task with full attention, in [0, 1].
        forgets: Whether slots fade as much without attention as with it.
        name: Module name.

    Source:
        Dong et al., MAMO (KDD 2020), section 4.2: slot k becomes rate * a_k * value +
        (1 - rate) * slot k. That is what `forgets` does; without attention a slot
        shrinks to nothing. Deviation: by default slot k becomes rate * a_k * value +
        (1 - rate * a_k) * slot k, which keeps its size; what the tasks of a batch write
        is averaged.
    """

    def __init__(
        self, initial: tf.Tensor, *, rate: float, forgets: bool, name: str
    ) -> None:
        super().__init__(name=name)
        self.rate = rate
        self.forgets = forgets
        self.slots = tf.Variable(initial, trainable=False, name=f"{name}_slots")

    def read(self, attention: tf.Tensor) -> tf.Tensor:
        """Returns the slots weighted by attention [B, K], float32 [B, ...]."""
        return tf.tensordot(attention, self.slots, axes=1)

    def write(self, attention: tf.Tensor, values: tf.Tensor) -> None:
        """Moves slots towards values.

        Args:
            attention: float32 [B, K], of each task; 0 for one that writes nothing.
            values: float32 [B, ...].
        """
        num_tasks = tf.cast(tf.shape(attention)[0], attention.dtype)
        shares = self.rate * tf.transpose(attention) / num_tasks  # [K, B]
        faded = tf.reduce_sum(shares, axis=1)  # [K]
        if self.forgets:
            faded = tf.fill(tf.shape(faded), self.rate)
        kept = tf.reshape(1.0 - faded, _one_per_slot(self.slots.shape))
        self.slots.assign(kept * self.slots + tf.tensordot(shares, values, axes=1))


def _one_per_slot(shape: Sequence[int]) -> list[int]:
    return [-1] + [1] * (len(shape) - 1)
