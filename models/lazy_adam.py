"""Adam that leaves the rows of a large table alone that a batch has not looked up."""

from typing import Any

from models.legacy_keras import tf

LAZY_ROWS = 1 << 14  # Of a table, from which on it pays.


@tf.keras.utils.register_keras_serializable(package="cmml")
class LazyAdam(tf.keras.optimizers.Adam):
    """Adam whose step costs what a batch touches, not what a table holds.

    Rows of a large table without a gradient keep their value and their moments, which
    Adam would let decay, and move the row on, at every step. All other weights are
    updated as by Adam.

    Args:
        learning_rate: A number or a schedule.
        lazy_rows: Rows from which on a table is large.
        jit_compile: Whether XLA compiles updates, on a GPU alone: anew for every number
            of rows that a batch touches.
        **kwargs: Of Adam; large tables have no `amsgrad`.

    Source:
        Kingma and Ba, "Adam" (ICLR 2015). Deviation: in large tables the decay waits
        until a row is looked up again, and is then that of one step.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        *,
        lazy_rows: int = LAZY_ROWS,
        jit_compile: bool = False,
        name: str = "LazyAdam",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, jit_compile=jit_compile, name=name, **kwargs)
        self.lazy_rows = lazy_rows

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Updates one weight.

        Args:
            gradient: A tensor, or `tf.IndexedSlices` whose indices are distinct.
            variable: The weight.
        """
        is_sparse = isinstance(gradient, tf.IndexedSlices)
        if not is_sparse or variable.shape[0] < self.lazy_rows:
            super().update_step(gradient, variable)
            return
        place = self._index_dict[self._var_key(variable)]
        rows, values = gradient.indices, gradient.values
        mean = self._decayed(self._momentums[place], rows, values, self.beta_1)
        square = self._decayed(
            self._velocities[place], rows, tf.square(values), self.beta_2
        )
        step = tf.cast(self.iterations + 1, variable.dtype)
        unbiased = tf.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        change = self.learning_rate * unbiased * mean / (tf.sqrt(square) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(change, rows))

    def _decayed(
        self, moment: tf.Variable, rows: tf.Tensor, values: tf.Tensor, decay: float
    ) -> tf.Tensor:
        """Moves a moment of some rows towards new values, and returns it."""
        moved = decay * tf.gather(moment, rows) + (1.0 - decay) * values
        moment.scatter_update(tf.IndexedSlices(moved, rows))
        return moved

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments."""
        return {**super().get_config(), "lazy_rows": self.lazy_rows}
