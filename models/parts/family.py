"""The members of the CMML family by name: what each key of the options builds."""

import itertools
import typing
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from models.legacy_keras import tf
from models.options import EncoderName, HybridName, MemberOptions, ModulationName
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


def _encoder(options: MemberOptions, pair_dim: int) -> Layer:
    """Returns what makes contexts as wide as a pair, which the dot hybrid needs."""
    if options.encoder == "moments":
        return MomentEncoder(pair_dim, dropout=options.dropout)
    sizes = {"encoder_dim": options.encoder_dim, "label_dim": options.label_dim}
    if options.encoder == "gru":
        return SequentialEncoder(pair_dim, num_orders=options.num_orders, **sizes)
    return PoolingEncoder(pair_dim, pooling=options.encoder, **sizes)


def _hybrid(options: MemberOptions) -> Layer:
    if options.hybrid == "mlp":
        return MLPHybrid(options.hybrid_dim)
    return DotHybrid() if options.hybrid == "dot" else NoHybrid()


def _modulation(options: MemberOptions, num_outputs: int) -> Layer:
    units, dim = options.hidden_dims, options.modulation_dim
    if options.modulation == "film":
        offset = options.film_scale_offset
        return FiLMModulation(units, modulation_dim=dim, scale_offset=offset)
    if options.modulation == "sigmoid":
        return SigmoidModulation(units, modulation_dim=dim)
    if options.modulation == "weight":
        return WeightModulation(units[-1], num_outputs=num_outputs, modulation_dim=dim)
    sizes = options.module_layers, options.num_modules
    return RouteModulation(*sizes, modulation_dim=dim, axis=options.route_axis)


def _backbone(
    options: MemberOptions, pair_dim: int, num_outputs: int, seed: int
) -> tf.Module:
    """Returns the backbone that the values of the modulation network change."""
    if options.modulation == "weight":  # Which brings the last layer.
        return HeadlessBackbone(
            pair_dim, options.hidden_dims, activation=options.activation, seed=seed
        )
    if options.modulation == "soft":
        return ModularBackbone(
            pair_dim,
            num_layers=options.module_layers,
            num_modules=options.num_modules,
            module_dim=options.module_dim,
            activation=options.activation,
            num_outputs=num_outputs,
            seed=seed,
        )
    return Backbone(
        pair_dim,
        options.hidden_dims,
        activation=options.activation,
        position=options.modulation_position,
        num_outputs=num_outputs,
        seed=seed,
    )


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
    return Members(
        _encoder(options, pair_dim),
        _hybrid(options),
        _modulation(options, num_outputs),
        _backbone(options, pair_dim, num_outputs, seed),
    )


def combinations() -> Iterator[dict[str, str]]:
    """Yields one member of each kind, as options, in every combination."""
    kinds = {
        "encoder": EncoderName,
        "hybrid": HybridName,
        "modulation": ModulationName,
    }
    for names in itertools.product(*map(typing.get_args, kinds.values())):
        yield dict(zip(kinds, names, strict=True))
