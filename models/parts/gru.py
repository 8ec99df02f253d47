"""A GRU over padded sets, built from stock ops only."""

from collections.abc import Callable
from typing import Any, NamedTuple

from models.legacy_keras import tf
from models.parts.dense_parts import PartwiseDense

_UNROLL = 8  # Steps of `advance_gru` in one turn of its loop.

_OPEN = 1e4  # The sigmoid of it is 1.


class MaskedGRU(tf.keras.layers.Layer):
    """Gated recurrent unit whose state stands still at padding.

    The inputs of all positions are projected before the loop, and the graph holds no
    cuDNN op, so it is small and loads in any server.

    Args:
        units: H, width of the state.

    Call arguments:
        inputs: float32 [B, S, D], or parts of it as `PartwiseDense` takes them.
        support_mask: bool [B, S], False for padding.
        state: float32 [B, H], from which to go on if not in training; None for zeros.
        training: If true, with a gradient made for training; else the faster way.

    Returns:
        float32 [B, H], the state after the last real position; zeros if there is none.

    Source:
        Cho et al., 2014, in the variant that resets the state after its projection
        (`reset_after=True` of Keras).
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        # Gates are in the order update, reset, candidate.
        self.input_gates = PartwiseDense(3 * units, name="input_gates")

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        self.input_gates.build(input_shape)
        width = 3 * self.units
        self.recurrent = self.add_weight(
            "recurrent", [self.units, width], initializer="orthogonal"
        )
        self.recurrent_bias = self.add_weight(
            "recurrent_bias", [width], initializer="zeros"
        )
        super().build(input_shape)

    def call(
        self,
        inputs: tf.Tensor | list[tf.Tensor],
        support_mask: tf.Tensor,
        state: tf.Tensor | None = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Folds the positions into one state, first to last."""
        projected, present = self._project(inputs, support_mask)
        weights = map(tf.convert_to_tensor, (self.recurrent, self.recurrent_bias))
        if training:
            if state is not None:
                raise ValueError("training starts from zeros, got a state.")
            return fold_gru(projected, tf.cast(present, projected.dtype), *weights)
        if state is None:
            state = tf.zeros([tf.shape(projected)[1], self.units])
        return advance_gru(state, projected, present, *weights)

    def _project(
        self, inputs: tf.Tensor | list[tf.Tensor], support_mask: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns inputs of the gates [S, B, 3H], and which are real [S, B, 1]."""
        projected = tf.transpose(self.input_gates(inputs), [1, 0, 2])
        return projected, tf.expand_dims(tf.transpose(support_mask), -1)


def advance_gru(
    state: tf.Tensor,
    projected: tf.Tensor,
    present: tf.Tensor,
    recurrent: tf.Tensor,
    recurrent_bias: tf.Tensor,
) -> tf.Tensor:
    """Runs the recurrence where no gradient is wanted, with few ops a step.

    All that does not depend on the state is done before the loop, which takes several
    steps at a time. At padding the gate that keeps the state is wide open.

    Args:
        state: float32 [B, H].
        projected: float32 [S, B, 3H], inputs times kernel plus bias, first step first.
        present: bool [S, B, 1], False for padding.
        recurrent: float32 [H, 3H].
        recurrent_bias: float32 [3H].

    Returns:
        The last state, float32 [B, H].
    """
    units = recurrent.shape[0]
    kept = tf.constant([_OPEN] * units + [0.0] * (2 * units), projected.dtype)
    projected += kept * tf.cast(~present, projected.dtype)
    num_steps, batch_size = tf.unstack(tf.shape(projected)[:2])
    # Of no negative number, whose remainder is another one in ONNX.
    missing = _UNROLL - 1 - tf.math.floormod(num_steps + _UNROLL - 1, _UNROLL)
    padding = tf.broadcast_to(kept, [missing, batch_size, 3 * units])
    blocks = tf.reshape(
        tf.concat([projected, padding], axis=0), [-1, _UNROLL, batch_size, 3 * units]
    )
    gates, candidates = tf.split(blocks, [2 * units, units], axis=-1)

    def step(state: tf.Tensor, gates_x: tf.Tensor, candidate_x: tf.Tensor) -> tf.Tensor:
        from_state = tf.nn.bias_add(tf.matmul(state, recurrent), recurrent_bias)
        gates_h, candidate_h = tf.split(from_state, [2 * units, units], axis=-1)
        update, reset = tf.split(tf.sigmoid(gates_x + gates_h), 2, axis=-1)
        candidate = tf.tanh(candidate_x + reset * candidate_h)
        return state + (1.0 - update) * (candidate - state)

    def block(number: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        steps = tf.unstack(gates[number]), tf.unstack(candidates[number])
        for gates_x, candidate_x in zip(*steps, strict=True):
            state = step(state, gates_x, candidate_x)
        return number + 1, state

    num_blocks = tf.shape(gates)[0]
    _, state = tf.while_loop(
        lambda number, _: number < num_blocks,
        block,
        (0, state),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, units])),
    )
    return state


@tf.custom_gradient
def fold_gru(
    projected: tf.Tensor,
    present: tf.Tensor,
    recurrent: tf.Tensor,
    recurrent_bias: tf.Tensor,
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
    """Runs the recurrence, and knows its own gradient.

    The gradient prepares all that does not depend on the order of steps for all steps
    at once, and gathers the weight gradients in one matrix product, so that its loop
    holds one product a step where automatic differentiation needs two.

    Args:
        projected: float32 [S, B, 3H], inputs times kernel plus bias, first step first.
        present: float32 [S, B, 1], 1 for a real position and 0 for padding.
        recurrent: float32 [H, 3H].
        recurrent_bias: float32 [3H].

    Returns:
        The last state, float32 [B, H]; the gradient function.
    """
    last, steps = _forward(projected, present, recurrent, recurrent_bias)

    def gradient(last_gradient: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return _gradient(last_gradient, steps, present, recurrent)

    return last, gradient


class _Steps(NamedTuple):
    """What the gradient needs of each step, one more than there are, so never empty."""

    state: tf.TensorArray  # [B, H], before the step.
    gates: tf.TensorArray  # [B, 2H], update and reset.
    candidate: tf.TensorArray  # [B, H]
    candidate_h: tf.TensorArray  # [B, H], what the state gives the candidate.


def _forward(
    projected: tf.Tensor,
    present: tf.Tensor,
    recurrent: tf.Tensor,
    recurrent_bias: tf.Tensor,
) -> tuple[tf.Tensor, _Steps]:
    """Returns the last state and all steps; arguments are those of `fold_gru`."""
    units = recurrent.shape[0]
    num_steps, batch_size = tf.shape(projected)[0], tf.shape(projected)[1]
    start = tf.zeros([batch_size, units], projected.dtype)

    def step(t: tf.Tensor, state: tf.Tensor, steps: _Steps) -> tuple[Any, ...]:
        gates_x, candidate_x = tf.split(projected[t], [2 * units, units], axis=-1)
        from_state = tf.matmul(state, recurrent) + recurrent_bias
        gates_h, candidate_h = tf.split(from_state, [2 * units, units], axis=-1)
        gates = tf.sigmoid(gates_x + gates_h)
        update, reset = tf.split(gates, 2, axis=-1)
        candidate = tf.tanh(candidate_x + reset * candidate_h)
        following = state + present[t] * (1.0 - update) * (candidate - state)
        values = (state, gates, candidate, candidate_h)
        written = (a.write(t, v) for a, v in zip(steps, values, strict=True))
        return t + 1, following, _Steps(*written)

    def array(width: int) -> tf.TensorArray:
        zeros = tf.zeros([batch_size, width], projected.dtype)
        return tf.TensorArray(projected.dtype, num_steps + 1).write(num_steps, zeros)

    steps = _Steps(array(units), array(2 * units), array(units), array(units))
    _, last, steps = tf.while_loop(lambda t, *_: t < num_steps, step, (0, start, steps))
    return last, steps


def _gradient(
    last_gradient: tf.Tensor, steps: _Steps, present: tf.Tensor, recurrent: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Returns the gradients by all arguments of `fold_gru`."""
    before, gates, candidate, candidate_h = (a.stack()[:-1] for a in steps)
    num_steps, batch_size = tf.unstack(tf.shape(before)[:2])
    units = recurrent.shape[0]
    update, reset = tf.split(gates, 2, axis=-1)  # [S, B, H]
    moved = present * (1.0 - update)
    # Derivatives of a step's state by what goes into each gate, unit by unit.
    by_candidate = moved * (1.0 - tf.square(candidate))
    by_update = moved * (before - candidate) * update
    by_reset = by_candidate * candidate_h * reset * (1.0 - reset)
    local = tf.stack([by_update, by_reset, by_candidate * reset], axis=2)
    upstream = _upstream(last_gradient, local, 1.0 - moved, recurrent)
    by_recurrent = local * upstream[:, :, tf.newaxis, :]  # [S, B, 3, H]
    by_input = tf.concat(
        [
            tf.reshape(by_recurrent[:, :, :2], [num_steps, batch_size, 2 * units]),
            by_candidate * upstream,
        ],
        axis=-1,
    )
    flat = tf.reshape(by_recurrent, [-1, 3 * units])
    rows = tf.reshape(before, [-1, units])
    return (
        by_input,
        tf.zeros_like(present),
        tf.matmul(rows, flat, transpose_a=True),
        tf.reduce_sum(flat, axis=0),
    )


def _upstream(
    last_gradient: tf.Tensor, local: tf.Tensor, kept: tf.Tensor, recurrent: tf.Tensor
) -> tf.Tensor:
    """Returns the gradient by the state that each step left, [S, B, H]."""
    num_steps, width = tf.shape(local)[0], recurrent.shape[1]

    def step_back(
        t: tf.Tensor, upstream: tf.Tensor, upstreams: tf.TensorArray
    ) -> tuple[Any, ...]:
        by_recurrent = tf.reshape(local[t] * upstream[:, tf.newaxis, :], [-1, width])
        following = upstream * kept[t] + tf.matmul(
            by_recurrent, recurrent, transpose_b=True
        )
        return t - 1, following, upstreams.write(t, following)

    upstreams = tf.TensorArray(last_gradient.dtype, num_steps + 1)
    upstreams = upstreams.write(num_steps, last_gradient)
    _, _, upstreams = tf.while_loop(
        lambda t, *_: t >= 0, step_back, (num_steps - 1, last_gradient, upstreams)
    )
    return upstreams.stack()[1:]
