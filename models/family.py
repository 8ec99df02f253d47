"""The members of the CMML family by name: what each key of the options builds."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from models.backbone import Backbone, HeadlessBackbone
from models.context_encoder import PoolingEncoder, SequentialEncoder
from models.hybrid_context import DotHybrid, MLPHybrid, NoHybrid
from models.legacy_keras import tf
from models.modular_backbone import ModularBackbone
from models.modulation import (
    FiLMModulation,
    RouteModulation,
    SigmoidModulation,
    WeightModulation,
)
from models.options import CMMLOptions, Pooling

Layer: TypeAlias = tf.keras.layers.Layer


def _pooling(pooling: Pooling) -> Callable[[CMMLOptions, int], Layer]:
    return lambda options, pair_dim: PoolingEncoder(
        pair_dim,
        encoder_dim=options.encoder_dim,
        label_dim=options.label_dim,
        pooling=pooling,
    )


def _gru(options: CMMLOptions, pair_dim: int) -> Layer:
    return SequentialEncoder(
        pair_dim,
        encoder_dim=options.encoder_dim,
        label_dim=options.label_dim,
        num_orders=options.num_orders,
    )


def _film(options: CMMLOptions) -> Layer:
    return FiLMModulation(
        options.hidden_dims,
        modulation_dim=options.modulation_dim,
        scale_offset=options.film_scale_offset,
    )


def _sigmoid(options: CMMLOptions) -> Layer:
    return SigmoidModulation(options.hidden_dims, modulation_dim=options.modulation_dim)


def _weight(options: CMMLOptions) -> Layer:
    return WeightModulation(
        options.hidden_dims[-1], modulation_dim=options.modulation_dim
    )


def _soft(options: CMMLOptions) -> Layer:
    return RouteModulation(
        options.module_layers,
        options.num_modules,
        modulation_dim=options.modulation_dim,
        axis=options.route_axis,
    )


def _bent_layers(options: CMMLOptions, pair_dim: int, seed: int) -> tf.Module:
    return Backbone(
        pair_dim,
        options.hidden_dims,
        activation=options.activation,
        position=options.modulation_position,
        seed=seed,
    )


def _generated_last_layer(options: CMMLOptions, pair_dim: int, seed: int) -> tf.Module:
    return HeadlessBackbone(
        pair_dim, options.hidden_dims, activation=options.activation, seed=seed
    )


def _modules(options: CMMLOptions, pair_dim: int, seed: int) -> tf.Module:
    return ModularBackbone(
        pair_dim,
        num_layers=options.module_layers,
        num_modules=options.num_modules,
        module_dim=options.module_dim,
        activation=options.activation,
        seed=seed,
    )


# Contexts are as wide as a pair, D, which the dot hybrid needs: (options, D) -> layer.
ENCODERS: dict[str, Callable[[CMMLOptions, int], Layer]] = {
    "gru": _gru,
    "mean": _pooling("mean"),
    "max": _pooling("max"),
}

HYBRIDS: dict[str, Callable[[CMMLOptions], Layer]] = {
    "none": lambda options: NoHybrid(),
    "dot": lambda options: DotHybrid(),
    "mlp": lambda options: MLPHybrid(options.hybrid_dim),
}

# A modulation network, and the backbone that its values bend: (options, D, seed) -> it.
MODULATIONS: dict[
    str,
    tuple[Callable[[CMMLOptions], Layer], Callable[[CMMLOptions, int, int], tf.Module]],
] = {
    "film": (_film, _bent_layers),
    "sigmoid": (_sigmoid, _bent_layers),
    "weight": (_weight, _generated_last_layer),
    "soft": (_soft, _modules),
}


def combinations() -> Iterator[dict[str, str]]:
    """Yields one member of each kind, as options, in every combination."""
    kinds: dict[str, dict[str, Any]] = {
        "encoder": ENCODERS,
        "hybrid": HYBRIDS,
        "modulation": MODULATIONS,
    }
    for names in itertools.product(*kinds.values()):
        yield dict(zip(kinds, names, strict=True))
