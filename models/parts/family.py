"""The members of the CMML family by name: what each key of the options builds."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from models.legacy_keras import tf
from models.options import MemberOptions, Pooling
from models.parts.backbone import Backbone, HeadlessBackbone, ModularBackbone
from models.parts.hybrid_context import DotHybrid, MLPHybrid, NoHybrid
from models.parts.modulation import (
    FiLMModulation,
    RouteModulation,
    SigmoidModulation,
    WeightModulation,
)
from models.parts.moment_encoder import MomentEncoder
from models.parts.pooling_encoder import PoolingEncoder
from models.parts.sequential_encoder import SequentialEncoder

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


def _moments(options: MemberOptions, pair_dim: int) -> Layer:
    return MomentEncoder(pair_dim, dropout=options.dropout)


def _film(options: MemberOptions, num_outputs: int) -> Layer:
    del num_outputs
    return FiLMModulation(
        options.hidden_dims,
        modulation_dim=options.modulation_dim,
        scale_offset=options.film_scale_offset,
    )


def _sigmoid(options: MemberOptions, num_outputs: int) -> Layer:
    del num_outputs
    return SigmoidModulation(options.hidden_dims, modulation_dim=options.modulation_dim)


def _weight(options: MemberOptions, num_outputs: int) -> Layer:
    return WeightModulation(
        options.hidden_dims[-1],
        num_outputs=num_outputs,
        modulation_dim=options.modulation_dim,
    )


def _soft(options: MemberOptions, num_outputs: int) -> Layer:
    del num_outputs
    return RouteModulation(
        options.module_layers,
        options.num_modules,
        modulation_dim=options.modulation_dim,
        axis=options.route_axis,
    )


def _changed_layers(
    options: MemberOptions, pair_dim: int, num_outputs: int, seed: int
) -> tf.Module:
    return Backbone(
        pair_dim,
        options.hidden_dims,
        activation=options.activation,
        position=options.modulation_position,
        num_outputs=num_outputs,
        seed=seed,
    )


def _generated_last_layer(
    options: MemberOptions, pair_dim: int, num_outputs: int, seed: int
) -> tf.Module:
    del num_outputs
    return HeadlessBackbone(
        pair_dim, options.hidden_dims, activation=options.activation, seed=seed
    )


def _modules(
    options: MemberOptions, pair_dim: int, num_outputs: int, seed: int
) -> tf.Module:
    return ModularBackbone(
        pair_dim,
        num_layers=options.module_layers,
        num_modules=options.num_modules,
        module_dim=options.module_dim,
        activation=options.activation,
        num_outputs=num_outputs,
        seed=seed,
    )


# Contexts are as wide as a pair, D, which the dot hybrid needs: (options, D) -> layer.
ENCODERS: dict[str, Callable[[MemberOptions, int], Layer]] = {
    "gru": _gru,
    "mean": _pooling("mean"),
    "max": _pooling("max"),
    "shrunk_mean": _pooling("shrunk_mean"),
    "moments": _moments,
}

HYBRIDS: dict[str, Callable[[MemberOptions], Layer]] = {
    "none": lambda options: NoHybrid(),
    "dot": lambda options: DotHybrid(),
    "mlp": lambda options: MLPHybrid(options.hybrid_dim),
}

# A modulation network, and the backbone that its values change, with O outputs a pair:
# (options, O) -> one, (options, D, O, seed) -> the other.
MODULATIONS: dict[
    str,
    tuple[
        Callable[[MemberOptions, int], Layer],
        Callable[[MemberOptions, int, int, int], tf.Module],
    ],
] = {
    "film": (_film, _changed_layers),
    "sigmoid": (_sigmoid, _changed_layers),
    "weight": (_weight, _generated_last_layer),
    "soft": (_soft, _modules),
}


class Members(NamedTuple):
    """The parts of one model; the third one modulates the last one, the backbone."""

    encoder: Layer
    hybrid: Layer
    modulation: Layer
    backbone: tf.Module


def build_members(
    options: MemberOptions, pair_dim: int, num_outputs: int, seed: int
) -> Members:
    """Builds the members that the options name.

    Args:
        options: Members, sizes and switches.
        pair_dim: D, width of a pair embedding.
        num_outputs: O, numbers that the head takes of a pair.
        seed: Seed of the backbone.
    """
    make_modulation, make_backbone = MODULATIONS[options.modulation]
    return Members(
        ENCODERS[options.encoder](options, pair_dim),
        HYBRIDS[options.hybrid](options),
        make_modulation(options, num_outputs),
        make_backbone(options, pair_dim, num_outputs, seed),
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
