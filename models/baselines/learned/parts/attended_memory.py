"""Memory slots that are read and written by attention, not by gradients."""

from collections.abc import Sequence

from models.legacy_keras import tf


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
