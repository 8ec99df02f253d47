"""The members of the CMML family by name: what each key of the options builds."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from models.legacy_keras import tf
from models.options import MemberOptions, Pooling
from models.parts.backbone import Backbone, HeadlessBackbone
from models.parts.context_encoder import PoolingEncoder, SequentialEncoder
from models.parts.hybrid_context import DotHybrid, MLPHybrid, NoHybrid
from models.parts.modular_backbone import ModularBackbone
from models.parts.modulation import (
    FiLMModulation,
    RouteModulation,
    SigmoidModulation,
    WeightModulation,
)

Layer: TypeAlias = tf.keras.layers.Layer


def _pooling(pooling: Pooling) -> Callable[[MemberOptions, int], Layer]:
    return lambda options, pair_dim: PoolingEncoder(
        pair_dim,
        encoder_dim=options.encoder_dim,
        label_dim=options.label_dim,
        pooling=pooling,
    )


def _gru(options: MemberOptions, pair_dim: int) -> Layer:
    return SequentialEncoder(
        pair_dim,
        encoder_dim=options.encoder_dim,
        label_dim=options.label_dim,
        num_orders=options.num_orders,
    )


def _film(options: MemberOptions) -> Layer:
    return FiLMModulation(
        options.hidden_dims,
        modulation_dim=options.modulation_dim,
        scale_offset=options.film_scale_offset,
    )


def _sigmoid(options: MemberOptions) -> Layer:
    return SigmoidModulation(options.hidden_dims, modulation_dim=options.modulation_dim)


def _weight(options: MemberOptions) -> Layer:
    return WeightModulation(
        options.hidden_dims[-1], modulation_dim=options.modulation_dim
    )


def _soft(options: MemberOptions) -> Layer:
    return RouteModulation(
        options.module_layers,
        options.num_modules,
        modulation_dim=options.modulation_dim,
        axis=options.route_axis,
    )


def _bent_layers(options: MemberOptions, pair_dim: int, seed: int) -> tf.Module:
    return Backbone(
        pair_dim,
        options.hidden_dims,
        activation=options.activation,
        position=options.modulation_position,
        seed=seed,
    )


def _generated_last_layer(
    options: MemberOptions, pair_dim: int, seed: int
) -> tf.Module:
    return HeadlessBackbone(
        pair_dim, options.hidden_dims, activation=options.activation, seed=seed
    )


def _modules(options: MemberOptions, pair_dim: int, seed: int) -> tf.Module:
    return ModularBackbone(
        pair_dim,
        num_layers=options.module_layers,
        num_modules=options.num_modules,
        module_dim=options.module_dim,
        activation=options.activation,
        seed=seed,
    )


# Contexts are as wide as a pair, D, which the dot hybrid needs: (options, D) -> layer.
ENCODERS: dict[str, Callable[[MemberOptions, int], Layer]] = {
    "gru": _gru,
    "mean": _pooling("mean"),
    "max": _pooling("max"),
}

HYBRIDS: dict[str, Callable[[MemberOptions], Layer]] = {
    "none": lambda options: NoHybrid(),
    "dot": lambda options: DotHybrid(),
    "mlp": lambda options: MLPHybrid(options.hybrid_dim),
}

# A modulation network, and the backbone that its values bend: (options, D, seed) -> it.
MODULATIONS: dict[
    str,
    tuple[
        Callable[[MemberOptions], Layer], Callable[[MemberOptions, int, int], tf.Module]
    ],
] = {
    "film": (_film, _bent_layers),
    "sigmoid": (_sigmoid, _bent_layers),
    "weight": (_weight, _generated_last_layer),
    "soft": (_soft, _modules),
}


class Members(NamedTuple):
    """The parts of one model; the third one modulates the last one, the backbone."""

    encoder: Layer
    hybrid: Layer
    modulation: Layer
    backbone: tf.Module


def build_members(options: MemberOptions, pair_dim: int, seed: int) -> Members:
    """Builds the members that the options name.

    Args:
        options: Members, sizes and switches.
        pair_dim: D, width of a pair embedding.
        seed: Seed of the backbone.
    """
    make_modulation, make_backbone = MODULATIONS[options.modulation]
    return Members(
        ENCODERS[options.encoder](options, pair_dim),
        HYBRIDS[options.hybrid](options),
        make_modulation(options),
        make_backbone(options, pair_dim, seed),
    )


def combinations() -> Iterator[dict[str, str]]:
    """Yields one member of each kind, as options, in every combination."""
    kinds: dict[str, dict[str, Any]] = {
        "encoder": ENCODERS,
        "hybrid": HYBRIDS,
        "modulation": MODULATIONS,
    }
    for names in itertools.product(*kinds.values()):
        yield dict(zip(kinds, names, strict=True))
