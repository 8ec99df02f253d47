"""What is known of a task, as one vector that a client can keep."""

from collections.abc import Mapping

from models.joined_parts import join, take_apart
from models.legacy_keras import tf
from models.serving.options import MARK_BASE, version_mark

_HEADER = {"version": 2, "support_size": 1}


class ContextFormat:
    """Packs named values into one context, marked with the version of the model.

    Args:
        widths: Width of each value.
        model_version: At least 0, below 2 ** 40.

    Attributes:
        width: C, of a context.
    """

    def __init__(self, widths: Mapping[str, int], model_version: int) -> None:
        self._widths = {**_HEADER, **widths}
        self.width = sum(self._widths.values())
        self.model_version = model_version
        self._mark = version_mark(model_version)

    def pack(
        self, support_size: tf.Tensor, values: Mapping[str, tf.Tensor]
    ) -> tf.Tensor:
        """Packs values.

        Args:
            support_size: int32 [B], real support pairs.
            values: By name, float32 [B, width of the value].

        Returns:
            float32 [B, C].
        """
        size = tf.expand_dims(tf.cast(support_size, tf.float32), 1)
        mark = tf.broadcast_to(self._mark, [tf.shape(size)[0], 2])
        all_values = {"version": mark, "support_size": size, **values}
        return join([all_values[name] for name in self._widths])

    def unpack(self, context: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Unpacks a context.

        Args:
            context: float32 [B, C].

        Returns:
            The support sizes int32 [B], and the values by name.
        """
        values = self._split(context)
        del values["version"]
        size = tf.cast(values.pop("support_size")[:, 0], tf.int32)
        return size, values

    def checked(self, context: tf.Tensor) -> tf.Tensor:
        """Refuses a context of another model version, or one with NaN.

        Returns:
            The context, to be read once it is found in order.
        """
        # Padded, so that one of no width has a mark to be refused by.
        mark = tf.ensure_shape(tf.pad(context, [[0, 0], [0, 2]])[:, :2], [None, 2])
        version = tf.cast(mark[:, 0], tf.int64) * MARK_BASE + tf.cast(
            mark[:, 1], tf.int64
        )
        is_other = tf.reduce_any(mark != self._mark, axis=1)
        of_version = tf.debugging.Assert(
            ~tf.reduce_any(is_other),
            [
                f"this is model version {self.model_version}, which cannot read a "
                "context of another; encode the support again; got contexts of",
                tf.boolean_mask(version, is_other),
            ],
        )
        # One after the other: a context of another version may have another width.
        with tf.control_dependencies([of_version]):
            width = tf.shape(context)[1]
            of_width = tf.debugging.Assert(
                width == self.width,
                [f"a context must hold {self.width} values, got", width],
            )
        with tf.control_dependencies([of_width]):
            finite = tf.debugging.assert_all_finite(
                context, "every value of a context must be finite."
            )
        return tf.ensure_shape(finite, [None, self.width])

    def _split(self, context: tf.Tensor) -> dict[str, tf.Tensor]:
        parts = take_apart(context, list(self._widths.values()))
        return dict(zip(self._widths, parts, strict=True))
