"""Whether a network can still learn: gradient, dead units and contexts of one batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from models.legacy_keras import tf
from models.recommender import Episode, split_episode

GRADIENT_NORM, DEAD_UNITS = "gradient_norm", "dead_units"
CONTEXT_NORM = "context_norm"


def training_health(model: Any, episode: Episode) -> dict[str, float]:
    """Looks at a model by one batch, which it does not learn from.

    No dropout is drawn, so that a training goes on as if nobody had looked.

    Args:
        model: CMML of either setting, compiled.
        episode: A batch of episodes, with the labels of the query.

    Returns:
        "gradient_norm", the L2 norm of the gradient by all trained weights together;
        "dead_units", the share in [0, 1] of hidden units of the backbone that are above
        0 for no query pair; "context_norm", the mean L2 norm of the contexts.
    """
    with recorded_activations(model.backbone) as layers, tf.GradientTape() as tape:
        loss = model.compute_loss(episode, training=False)
    gradients = tape.gradient(loss, model.trainable_variables)
    support, _ = split_episode(episode)
    contexts = model.adapt(support).context
    return {
        GRADIENT_NORM: float(tf.linalg.global_norm(gradients)),
        DEAD_UNITS: dead_share(layers, episode["query_mask"]),
        CONTEXT_NORM: float(tf.reduce_mean(tf.norm(contexts, axis=1))),
    }


@contextlib.contextmanager
def recorded_activations(backbone: tf.Module) -> Iterator[list[tf.Tensor]]:
    """Keeps what the hidden layers of a backbone put out meanwhile.

    Args:
        backbone: Any backbone of the family.

    Yields:
        A list that each activated layer, or module of a layer, is added to: float32
        [B, Q, units].
    """
    holder: Any = getattr(backbone, "hidden", backbone)
    activate = holder.activate
    layers: list[tf.Tensor] = []

    def record(layer: tf.Tensor) -> tf.Tensor:
        layers.append(activate(layer))
        return layers[-1]

    holder.activate = record
    try:
        yield layers
    finally:
        holder.activate = activate


def dead_share(layers: list[tf.Tensor], mask: tf.Tensor) -> float:
    """Returns the share of units that are above 0 nowhere.

    Args:
        layers: float32 [B, Q, units] each.
        mask: bool [B, Q], False for padding, which does not count.
    """
    present = mask.numpy()
    dead = [~(layer.numpy()[present] > 0.0).any(axis=0) for layer in layers]
    return float(np.concatenate(dead).mean())
