"""Contexts as means over orders of the support set, for encoders that read in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from models.options import MemberOptions

Support = Mapping[str, NDArray]

_MASK = "support_mask"


def orders_of(options: MemberOptions, num_orders: int) -> int:
    """Returns how many orders are needed: one, if the encoder heeds no order."""
    return num_orders if options.encoder == "gru" else 1


def mean_context(
    adapt: Callable[[dict[str, tf.Tensor]], tf.Tensor],
    support: Support,
    *,
    num_orders: int,
) -> NDArray[np.float32]:
    """Encodes each support set in several orders.

    A recurrent encoder remembers the last pairs best, so that one order places a task
    half by chance; the mean over orders places it by its pairs.

    Args:
        adapt: From the `support_*` tensors of a batch to contexts float32 [B, D].
        support: The `support_*` tensors, [B, S], padding last.
        num_orders: Orders; the first is that of `support`.

    Returns:
        float32 [B, D].
    """
    rng = np.random.default_rng(0)
    ordered, total = support, np.float32(0.0)
    for number in range(num_orders):
        if number:
            ordered = shuffled(support, rng)
        tensors = {name: tf.constant(value) for name, value in ordered.items()}
        total = total + adapt(tensors).numpy()
    return np.asarray(total / num_orders, np.float32)


def shuffled(support: Support, rng: np.random.Generator) -> dict[str, NDArray]:
    """Shuffles the pairs of each support set, the padding staying last.

    Args:
        support: The `support_*` tensors, [B, S].
        rng: Of the shuffle.
    """
    keys = np.where(support[_MASK], rng.random(support[_MASK].shape), 1.0)
    order = np.argsort(keys, axis=1, kind="stable")
    return {
        # The user of a task is in no order.
        name: value
        if value.shape != order.shape
        else np.take_along_axis(value, order, axis=1)
        for name, value in support.items()
    }
