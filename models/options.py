"""The hyperparameters of CMML.

Standard library only, so that reading a configuration does not wait for TensorFlow.
"""

import dataclasses
import math
import typing
from typing import Literal, TypeAlias

from transforms.table_spec import Strict

# To be raised whenever the same options and data come to give other weights or scores,
# or checkpoints another form: earlier runs then count as out of date.
MODEL_VERSION = 9

# The same for clicks and the vectors of users and items that are fitted to them.
VECTORS_VERSION = 9

# The members of the family, one of each: `models.parts.family` builds them.
EncoderName: TypeAlias = Literal["gru", "mean", "max", "shrunk_mean", "moments"]
HybridName: TypeAlias = Literal["none", "dot", "mlp"]
ModulationName: TypeAlias = Literal["film", "sigmoid", "weight", "soft"]

# How members can be set.
Pooling: TypeAlias = Literal["mean", "max", "shrunk_mean"]
Position: TypeAlias = Literal["before_activation", "after_activation"]
RouteAxis: TypeAlias = Literal["source", "target"]
Activation: TypeAlias = Literal["relu", "leaky_relu"]

MAX_ORDERS = 8  # Of a support set, that can be averaged.

# What sizes must be at least, by the key.
_LEAST = {
    **dict.fromkeys(("num_orders", "label_dim", "encoder_dim", "hybrid_dim"), 1),
    **dict.fromkeys(("modulation_dim", "hidden_dims", "module_layers"), 1),
    **dict.fromkeys(("num_modules", "module_dim", "embedding_dim"), 1),
    **dict.fromkeys(("prior_rank", "prior_full_rank_items", "prior_passes"), 0),
}

# Switches that some members alone have: the switch, the key of the member, its names.
_ONLY_WITH = (
    ("num_orders", "encoder", ("gru",)),
    ("modulation_position", "modulation", ("film", "sigmoid")),
    ("film_scale_offset", "modulation", ("film",)),
    ("route_axis", "modulation", ("soft",)),
)


@dataclasses.dataclass(frozen=True)
class MemberOptions(Strict):
    """Members, sizes and switches that a model has in either setting.

    Sizes that a member has no use for are ignored, so that members can be exchanged by
    one key; a switch of a member that is not there is refused.

    Attributes:
        encoder: Context encoder: "gru", or the "mean" or "max" of encoded pairs, or
            their "shrunk_mean", which is small where pairs are few; or "moments", the
            sums of pairs, plain and weighted by their labels.
        negatives: Whether the encoder sees negative pairs: those with a label below
            the mean label, or without a click. Factors, if there are any,
            count them anyway.
        num_orders: Orders of the support set whose contexts "gru" averages outside of
            training; 1 is the order that the pairs came in.
        hybrid: Hybrid context generator: "dot", "mlp", or "none".
        modulation: How it changes the backbone: "film" or "sigmoid" on each layer, the
            "weight" of the last layer, or "soft" modularization.
        modulation_position: Whether "film" and "sigmoid" change a layer before its
            activation or after it.
        film_scale_offset: Added to each scale of "film".
        route_axis: What route weights of "soft" sum to 1 over: the "target" modules
            that one is dealt out to, as in the paper, or the "source" modules that are
            mixed into one, as in the authors' code.
        activation: Of the backbone, "relu" or "leaky_relu".
        label_dim: Width of the embedding of a support label.
        encoder_dim: H, units of the GRU and of the hidden layers of encoders.
        hybrid_dim: Units of both layers of the "mlp" hybrid.
        modulation_dim: Units of each layer of the modulation network's trunk.
        hidden_dims: Units of each hidden layer of the backbone, input side first; not
            of "soft", which has the next three.
        module_layers: k, layers of modules.
        num_modules: R, modules of each layer.
        module_dim: d, units of each module.
        dropout: Share of units dropped in training: of the learned embeddings of users
            and items, or their vectors with clicks, and of the sums of "moments". With
            ratings it does nothing where neither is there, as by default.

    Raises:
        ValueError: If a name is unknown, a size out of range, or a switch goes with
            another member.
    """

    encoder: EncoderName = "gru"
    negatives: bool = True
    num_orders: int = 1
    hybrid: HybridName = "dot"
    modulation: ModulationName = "film"
    modulation_position: Position = "before_activation"
    film_scale_offset: float = 1.0
    route_axis: RouteAxis = "target"
    activation: Activation = "relu"
    label_dim: int = 64
    encoder_dim: int = 128
    hybrid_dim: int = 128
    modulation_dim: int = 64
    hidden_dims: tuple[int, ...] = (64, 64, 64)
    module_layers: int = 3
    num_modules: int = 4
    module_dim: int = 32
    dropout: float = 0.2

    @property
    def uses_dropout(self) -> bool:
        """Whether there is anything that `dropout` drops."""
        return True

    def __post_init__(self) -> None:
        """Checks names and sizes, and that every switch has a member to work on."""
        self._check_names()
        self._check_sizes()
        for key, member_key, names in _ONLY_WITH:
            value, member = getattr(self, key), getattr(self, member_key)
            # A default of the dataclass is an attribute of the class.
            if value != getattr(MemberOptions, key) and member not in names:
                allowed = " or ".join(repr(name) for name in names)
                raise ValueError(
                    f"{key} = {value!r} goes with {member_key} {allowed} only, "
                    f"got {member_key} {member!r}."
                )

    def _check_names(self) -> None:
        for key, hint in typing.get_type_hints(type(self)).items():
            names, value = typing.get_args(hint), getattr(self, key)
            if typing.get_origin(hint) is Literal and value not in names:
                raise ValueError(f"{key} must be one of {names}, got {value!r}.")

    def _check_sizes(self) -> None:
        for name, value in vars(self).items():
            for size in value if isinstance(value, tuple) else [value]:
                if name in _LEAST and size < _LEAST[name]:
                    raise ValueError(
                        f"{name} must be at least {_LEAST[name]}, got {size}."
                    )
        if self.num_orders > MAX_ORDERS:
            raise ValueError(
                f"num_orders must be at most {MAX_ORDERS}, got {self.num_orders}."
            )
        if not self.hidden_dims:
            raise ValueError("hidden_dims must name at least one layer, got none.")
        if not math.isfinite(self.film_scale_offset):
            raise ValueError(
                f"film_scale_offset must be finite, got {self.film_scale_offset}."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}.")


@dataclasses.dataclass(frozen=True)
class CMMLOptions(MemberOptions):
    """Options of the user-specific setting, beside those of `MemberOptions`.

    Attributes:
        detach_support: Whether the context teaches the embeddings nothing, as in the
            authors' code.
        embeddings: What a pair is embedded by: "learned" embeddings of features and
            ids, vectors "fixed" beforehand by collaborative filtering (a new user's
            is folded in), or "both".
        embedding_dim: Width of the learned embedding of each feature.
        item_id: Whether items have a learned id embedding beside their features.
        prior: What label is expected of a pair before the backbone adds to it:
            "factors" of collaborative filtering, solved in closed form from the
            support set; "learned", factors of embedded pairs and of users, trained
            with everything else; or "constant", the mean label, as in the paper.
        prior_rank: Latent factors of the "factors" or "learned" prior and of "fixed"
            embeddings; 0 leaves biases alone.
        prior_full_rank_items: At most so many items have "factors" of full rank, which
            is a covariance of the labels of all items, whatever `prior_rank`; 0 for
            never. A context and the time of adapting grow with its square.
        prior_passes: How often the "learned" prior reads the support set again, each
            time to learn from what labels it has not expected.
        prior_user_features: Whether the mean of user factors depends on the features
            of the user.
        prior_item_features: Whether the mean of item factors depends on the features
            of the item.
        prior_item_set: Whether the mean of user factors depends on which items are in
            the support set, whatever their labels, on their number, and on the item
            that is asked about.
        prior_item_noise: Whether labels of each item scatter by a noise of its own.
        prior_context: Whether the context moves the mean of user factors.
        max_surprise: Most standard deviations that a label of a support set may lie
            from what its other pairs say; what is beyond is cut, so that no single
            label moves scores far. None cuts nothing. Needs factors: `prior` "factors",
            or `embeddings` that are not "learned".
        head: What is predicted of a pair: the "distribution" of its label, or a
            "value", as in the paper.
    """

    encoder: EncoderName = "shrunk_mean"
    detach_support: bool = False
    embeddings: Literal["learned", "fixed", "both"] = "fixed"
    embedding_dim: int = 32
    item_id: bool = True
    prior: Literal["factors", "learned", "constant"] = "factors"
    prior_rank: int = 24
    prior_full_rank_items: int = 128
    prior_passes: int = 3
    prior_user_features: bool = True
    prior_item_features: bool = True
    prior_item_set: bool = True
    prior_item_noise: bool = True
    prior_context: bool = True
    max_surprise: float | None = None
    head: Literal["distribution", "value"] = "distribution"

    @property
    def uses_dropout(self) -> bool:
        """Whether embeddings are learned, or sums taken: nothing else is dropped."""
        return self.embeddings != "fixed" or self.encoder == "moments"

    def __post_init__(self) -> None:
        """Checks these too."""
        super().__post_init__()
        if self.detach_support and self.embeddings == "fixed":
            raise ValueError(
                "detach_support = True has nothing to detach where embeddings are "
                "'fixed'."
            )
        if self.prior == "learned" and self.embeddings != "learned":
            raise ValueError(
                "prior = 'learned' goes with embeddings 'learned' only, "
                f"got embeddings {self.embeddings!r}."
            )
        if self.prior == "learned" and self.prior_rank < 1:
            raise ValueError(
                "prior = 'learned' needs prior_rank of at least 1, "
                f"got {self.prior_rank}."
            )
        if self.max_surprise is not None:
            self._check_max_surprise(self.max_surprise)

    def _check_max_surprise(self, max_surprise: float) -> None:
        if not 0.0 < max_surprise < math.inf:
            raise ValueError(
                f"max_surprise must be above 0 and finite, got {max_surprise}."
            )
        if self.prior != "factors" and self.embeddings == "learned":
            raise ValueError(
                "max_surprise needs factors to say what surprises, got prior "
                f"{self.prior!r} and embeddings 'learned'."
            )


@dataclasses.dataclass(frozen=True)
class ScenarioOptions(MemberOptions):
    """Options of the scenario-specific setting, beside those of `MemberOptions`.

    Users and items are embedded by vectors made beforehand, which stay as they are.

    Attributes:
        product: Whether the pair embedding holds the product of the two vectors, unit
            by unit, beside the vectors, which alone are what the paper has.
        prior: What the backbone adds to: the "dot" product of the two vectors, or a
            "constant", as in the paper.
        prior_closeness: Weight in the "dot" prior of how close an item is to the clicks
            of the task, where no pool is given; where it is 1, closeness to the clicks
            of one user spreads as the dot product does. 0 leaves it out; None is 0.1,
            or 100 where users are tasks. Training moves it where some batches have no
            pool.
        prior_repeat: Worth in the "dot" prior of an item that was itself clicked in the
            scenario, where no pool is given, however often; where it is 1, that is
            worth what the dot product of a known click is. 0 leaves it out. Training
            moves it where some batches have no pool.
    """

    product: bool = True
    prior: Literal["dot", "constant"] = "dot"
    prior_closeness: float | None = None
    prior_repeat: float = 0.5

    def __post_init__(self) -> None:
        """Checks these too."""
        super().__post_init__()
        for name in ("prior_closeness", "prior_repeat"):
            if not 0.0 <= (getattr(self, name) or 0.0) < math.inf:
                raise ValueError(
                    f"{name} must be at least 0 and finite, got {getattr(self, name)}."
                )
