"""Values side by side in one tensor; those of no width take no part in the graph.

Where there is nothing to be known of something, its width is 0. Other runtimes have no
such tensors, or compute with them what is wrong, so that no op may take one.
"""

from collections.abc import Sequence

from models.legacy_keras import tf


def join(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """Concatenates parts by their last axis, float32 [..., sum of their widths].

    Args:
        parts: At least one, [..., width]; those of width 0 are left out.
    """
    wide = [part for part in parts if part.shape[-1] != 0]
    if len(wide) > 1:
        return tf.concat(wide, axis=-1)
    return (wide or parts)[0]


def take_apart(values: tf.Tensor, widths: Sequence[int]) -> list[tf.Tensor]:
    """Returns the parts that were joined.

    Args:
        values: float32 [..., sum of the widths].
        widths: Of each part; one of width 0 is an empty slice.
    """
    wide = [width for width in widths if width]
    split = iter(tf.split(values, wide, axis=-1) if len(wide) > 1 else [values])
    return [next(split) if width else values[..., :0] for width in widths]
