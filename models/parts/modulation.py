"""Modulation networks: a hybrid context to changes of the backbone, as values."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from models.legacy_keras import tf
from models.options import RouteAxis
from models.parts.dense_parts import Parts, PartwiseDense

# The change of one hidden layer: (scale, shift) or (scale,), each [B, Q, units].
LayerChange: TypeAlias = tuple[tf.Tensor, ...]

# What a modulation network returns: a nested structure of tensors.
ModulationValues: TypeAlias = Any


class LayerModulation(tf.keras.layers.Layer):
    """What changes a backbone layer by layer has in common.

    A trunk of ReLU layers reads the hybrid context; the head of backbone layer l
    reads the trunk at depth l.

    Args:
        widths: Units of each head.
        modulation_dim: Units of each layer of the trunk.
        value_names: Names of the values that a subclass makes of the heads.

    Call arguments:
        hybrid: float32 [B, Q, width], or parts of it as `PartwiseDense` takes them;
            with Q = 1 all pairs are changed alike.
    """

    def __init__(
        self,
        widths: Sequence[int],
        modulation_dim: int,
        value_names: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.value_names = list(value_names)
        self.trunk = _trunk(len(widths), modulation_dim)
        self.heads = [
            PartwiseDense(width, name=f"head_{i}") for i, width in enumerate(widths)
        ]

    def read(self, hybrid: Parts) -> list[tf.Tensor]:
        """Returns what each head puts out, float32 [B, Q, units]."""
        outputs = []
        hidden = hybrid
        for trunk, head in zip(self.trunk, self.heads, strict=True):
            hidden = trunk(hidden)
            outputs.append(head(hidden))
        return outputs


class FiLMModulation(LayerModulation):
    """Scales and shifts every hidden unit of the backbone.

    Args:
        layer_dims: Units of each hidden layer of the backbone.
        modulation_dim: Units of each layer of the trunk.
        scale_offset: Added to every scale, so that 1 starts near no modulation.

    Returns:
        One (scale, shift) per hidden layer, each float32 [B, Q, units].

    Source:
        CMML (arXiv:2108.10511) Eq. 11, section 3.4.2. Deviation: the offset, without
        which three layers with scales near 0 drive the signal towards 0.
    """

    def __init__(
        self,
        layer_dims: Sequence[int],
        *,
        modulation_dim: int = 64,
        scale_offset: float = 1.0,
        **kwargs: Any,
    ) -> None:
        names = [
            f"{value}_{layer}"
            for layer in range(len(layer_dims))
            for value in ("scale", "shift")
        ]
        widths = [2 * units for units in layer_dims]
        super().__init__(widths, modulation_dim, names, **kwargs)
        self.scale_offset = scale_offset

    def call(self, hybrid: Parts) -> list[LayerChange]:
        """Returns the change of each layer."""
        halves = [tf.split(output, 2, axis=-1) for output in self.read(hybrid)]
        return [(scale + self.scale_offset, shift) for scale, shift in halves]


class SigmoidModulation(LayerModulation):
    """Scales every hidden unit of the backbone by a number between 0 and 1.

    Args:
        layer_dims: Units of each hidden layer of the backbone.
        modulation_dim: Units of each layer of the trunk.

    Returns:
        One (scale,) per hidden layer, float32 [B, Q, units].

    Source:
        CMML (arXiv:2108.10511) Eq. 10, section 3.4.2.
    """

    def __init__(
        self, layer_dims: Sequence[int], *, modulation_dim: int = 64, **kwargs: Any
    ) -> None:
        names = [f"scale_{layer}" for layer in range(len(layer_dims))]
        super().__init__(layer_dims, modulation_dim, names, **kwargs)

    def call(self, hybrid: Parts) -> list[LayerChange]:
        """Returns the change of each layer."""
        return [(tf.sigmoid(output),) for output in self.read(hybrid)]


class WeightModulation(tf.keras.layers.Layer):
    """Makes the weights of the last, linear layer of the backbone.

    Args:
        last_dim: Units of the last hidden layer of the backbone.
        num_outputs: O, numbers that come out of the backbone for each pair.
        modulation_dim: Units of each of the two layers of the trunk.

    Call arguments:
        hybrid: float32 [B, Q, width], or parts of it as `PartwiseDense` takes them;
            with Q = 1 all pairs share the weights.

    Returns:
        The weights float32 [B, Q, O, last_dim] and the bias float32 [B, Q, O].

    Source:
        CMML (arXiv:2108.10511) Eq. 9, section 3.4.1.
    """

    def __init__(
        self,
        last_dim: int,
        *,
        num_outputs: int = 1,
        modulation_dim: int = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.last_dim = last_dim
        self.num_outputs = num_outputs
        self.value_names = ["weights", "bias"]
        self.trunk = _trunk(2, modulation_dim)
        # Starts near a small last layer that does not depend on the context.
        limit = 0.1 * (6.0 / (last_dim + 1)) ** 0.5
        self.head = tf.keras.layers.Dense(
            num_outputs * (last_dim + 1),
            kernel_initializer=tf.keras.initializers.VarianceScaling(
                0.01, "fan_avg", "uniform"
            ),
            bias_initializer=tf.keras.initializers.RandomUniform(-limit, limit),
            name="head",
        )

    def call(self, hybrid: Parts) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns weights and bias."""
        hidden = hybrid
        for trunk in self.trunk:
            hidden = trunk(hidden)
        sizes = [self.num_outputs * self.last_dim, self.num_outputs]
        weights, bias = tf.split(self.head(hidden), sizes, axis=-1)
        shape = [self.num_outputs, self.last_dim]
        shape = tf.concat([tf.shape(weights)[:-1], shape], axis=0)
        return tf.reshape(weights, shape), bias


class RouteModulation(LayerModulation):
    """Weights the routes from each module of a layer to each module of the next.

    The routes out of module layer l are those of head l.

    Args:
        num_layers: k, layers of modules.
        num_modules: R, modules of each layer.
        modulation_dim: Units of each layer of the trunk.
        axis: What the weights sum to 1 over: "target", the modules that one is dealt
            out to, or "source", the modules that are mixed into one. Out of the last
            layer it is always the source.

    Returns:
        Route weights: of each layer but the last float32 [B, Q, R, R], source module
        first; of the last float32 [B, Q, R].

    Raises:
        ValueError: If `axis` is neither "source" nor "target".

    Source:
        CMML (arXiv:2108.10511) Eq. 12, section 3.4.3.
    """

    def __init__(
        self,
        num_layers: int,
        num_modules: int,
        *,
        modulation_dim: int = 64,
        axis: RouteAxis = "target",
        **kwargs: Any,
    ) -> None:
        if axis not in ("source", "target"):
            raise ValueError(f"axis must be 'source' or 'target', got {axis!r}.")
        names = [f"routes_{layer}" for layer in range(num_layers)]
        widths = [*[num_modules**2] * (num_layers - 1), num_modules]
        super().__init__(widths, modulation_dim, names, **kwargs)
        self.num_modules = num_modules
        self.axis = axis

    def call(self, hybrid: Parts) -> list[tf.Tensor]:
        """Returns the route weights of each layer."""
        *between, last = self.read(hybrid)
        routes = []
        for output in between:
            shape = [self.num_modules, self.num_modules]
            shape = tf.concat([tf.shape(output)[:2], shape], axis=0)
            logits = tf.reshape(output, shape)  # [B, Q, source, target]
            axis = -2 if self.axis == "source" else -1
            routes.append(tf.nn.softmax(logits, axis=axis))
        return [*routes, tf.nn.softmax(last)]


def _trunk(num_layers: int, units: int) -> list[tf.keras.layers.Layer]:
    return [
        PartwiseDense(units, activation="relu", name=f"trunk_{i}")
        for i in range(num_layers)
    ]
