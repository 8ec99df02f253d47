"""The backbone: a plain network from pairs to scores that a modulation acts on."""

import itertools
from collections.abc import Callable, Sequence

from models.legacy_keras import tf
from models.options import Activation, Position
from models.parts.dense_parts import Parts, project
from models.parts.modulation import LayerChange

_SLOPE = 0.01  # Of leaky ReLU below 0, as in the authors' code.


class HiddenLayers(tf.Module):
    """The hidden layers of a network, each open to a change.

    Args:
        widths: Width of the input, then units of each layer.
        activation: "relu" as in the paper, or "leaky_relu".
        position: Whether a layer is changed before its activation or after it.
        seed: Seed of the Glorot-uniform kernels.

    Raises:
        ValueError: If activation or position is unknown.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        activation: Activation = "relu",
        position: Position = "before_activation",
        seed: int,
    ) -> None:
        super().__init__(name="hidden_layers")
        self.activate = activation_function(activation)
        if position not in ("before_activation", "after_activation"):
            raise ValueError(
                "position must be 'before_activation' or 'after_activation', "
                f"got {position!r}."
            )
        self.position = position
        self.kernels = [
            tf.Variable(glorot(shape, seed + i), name=f"kernel_{i}")
            for i, shape in enumerate(itertools.pairwise(widths))
        ]
        self.biases = [
            tf.Variable(tf.zeros([units]), name=f"bias_{i}")
            for i, units in enumerate(widths[1:])
        ]

    def __call__(
        self, pairs: Parts, changes: Sequence[LayerChange] | None = None
    ) -> tf.Tensor:
        """Returns the last hidden layer, float32 [B, Q, units].

        Args:
            pairs: float32 [B, Q, D], or parts of it as `PartwiseDense` takes them.
            changes: One change a layer; none if None.

        Raises:
            ValueError: If the number of changes is not that of the layers.
        """
        num_layers = len(self.kernels)
        if changes is None:
            changes = [()] * num_layers
        if len(changes) != num_layers:
            raise ValueError(
                f"a modulation needs one change for each of the {num_layers} hidden "
                f"layers, got {len(changes)}."
            )
        hidden = pairs
        for kernel, bias, change in zip(
            self.kernels, self.biases, changes, strict=True
        ):
            hidden = project(hidden, kernel, bias)
            if self.position == "before_activation":
                hidden = self.activate(_bend(hidden, *change))
            else:
                hidden = _bend(self.activate(hidden), *change)
        return hidden


class Backbone(tf.Module):
    """Maps pair embeddings to scores; each hidden layer can be scaled and shifted.

    A plain `tf.Module`: weights and a forward pass, no fit and no config, so that it
    can be modulated, exported and tested on its own.

    Args:
        input_dim: D, width of one pair embedding.
        hidden_dims: Units of each hidden layer, input side first.
        activation: "relu" as in the paper, or "leaky_relu".
        position: Whether a layer is changed before its activation or after it.
        num_outputs: O, numbers that come out for each pair.
        seed: Seed of the kernels: Glorot-uniform, the last one a tenth of that, so that
            scores start near 0.

    Source:
        CMML (arXiv:2108.10511) section 4.1: three ReLU layers of 64 units and a
        linear one.
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: Sequence[int],
        *,
        activation: Activation = "relu",
        position: Position = "before_activation",
        num_outputs: int = 1,
        seed: int,
    ) -> None:
        super().__init__(name="backbone")
        self.input_dim = input_dim
        self.hidden = HiddenLayers(
            [input_dim, *hidden_dims],
            activation=activation,
            position=position,
            seed=seed,
        )
        last = 0.1 * glorot([hidden_dims[-1], num_outputs], seed + len(hidden_dims))
        self.last_kernel = tf.Variable(last, name="last_kernel")
        self.last_bias = tf.Variable(tf.zeros([num_outputs]), name="last_bias")

    def __call__(self, pairs: Parts, modulation: Sequence[LayerChange]) -> tf.Tensor:
        """Scores each pair.

        Args:
            pairs: float32 [B, Q, D], or parts of it as `PartwiseDense` takes them.
            modulation: One change per hidden layer, from `FiLMModulation` or
                `SigmoidModulation`.

        Returns:
            float32 [B, Q, O].

        Raises:
            ValueError: If the number of changes is not that of the hidden layers.
        """
        hidden = self.hidden(pairs, modulation)
        return project(hidden, self.last_kernel, self.last_bias)


class HeadlessBackbone(tf.Module):
    """Maps pair embeddings to scores with a last layer that the modulation brings.

    Args:
        input_dim: D, width of one pair embedding.
        hidden_dims: Units of each hidden layer, input side first.
        activation: "relu" as in the paper, or "leaky_relu".
        seed: Seed of the Glorot-uniform kernels.

    Source:
        CMML (arXiv:2108.10511) Eq. 9, section 3.4.1.
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: Sequence[int],
        *,
        activation: Activation = "relu",
        seed: int,
    ) -> None:
        super().__init__(name="backbone")
        self.input_dim = input_dim
        self.hidden = HiddenLayers(
            [input_dim, *hidden_dims], activation=activation, seed=seed
        )

    def __call__(
        self, pairs: Parts, modulation: tuple[tf.Tensor, tf.Tensor]
    ) -> tf.Tensor:
        """Scores each pair.

        Args:
            pairs: float32 [B, Q, D], or parts of it as `PartwiseDense` takes them.
            modulation: Weights and bias of the last layer, from `WeightModulation`.

        Returns:
            float32 [B, Q, O].
        """
        weights, bias = modulation
        hidden = self.hidden(pairs)
        return tf.reduce_sum(weights * tf.expand_dims(hidden, -2), axis=-1) + bias


def activation_function(name: Activation) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the activation of that name.

    Raises:
        ValueError: If it is unknown.
    """
    if name == "relu":
        return tf.nn.relu
    if name == "leaky_relu":
        return lambda x: tf.nn.leaky_relu(x, _SLOPE)
    raise ValueError(f"activation must be 'relu' or 'leaky_relu', got {name!r}.")


def glorot(shape: Sequence[int], seed: int) -> tf.Tensor:
    """Draws a Glorot-uniform kernel."""
    return tf.keras.initializers.GlorotUniform(seed=seed)(shape)


def _bend(
    layer: tf.Tensor, scale: tf.Tensor | None = None, shift: tf.Tensor | None = None
) -> tf.Tensor:
    """Scales and shifts a layer by what is given."""
    if scale is not None:
        layer = scale * layer
    return layer if shift is None else layer + shift


class ModularBackbone(tf.Module):
    """Maps pair embeddings to scores by layers of small networks, softly wired.

    All modules of the first layer read the pair. A module of a later layer reads a mix
    of the modules before it, weighted by the routes; the modules of the last layer are
    mixed into one and read by a linear layer.

    Args:
        input_dim: D, width of one pair embedding.
        num_layers: k, layers of modules.
        num_modules: R, modules of each layer.
        module_dim: d, units of each module.
        activation: "relu" as in the paper, or "leaky_relu".
        num_outputs: O, numbers that come out for each pair.
        seed: Seed of the kernels: Glorot-uniform for each module, the last one a tenth
            of that, so that scores start near 0.

    Source:
        CMML (arXiv:2108.10511) Eq. 13, section 3.4.3.
    """

    def __init__(
        self,
        input_dim: int,
        *,
        num_layers: int = 3,
        num_modules: int = 4,
        module_dim: int = 32,
        activation: Activation = "relu",
        num_outputs: int = 1,
        seed: int,
    ) -> None:
        super().__init__(name="backbone")
        self.input_dim = input_dim
        self.num_modules = num_modules
        self.activate = activation_function(activation)
        self.kernels, self.biases = [], []
        for layer, width in enumerate([input_dim] + [module_dim] * (num_layers - 1)):
            seeds = [seed + layer * num_modules + i for i in range(num_modules)]
            kernel = tf.stack([glorot([width, module_dim], s) for s in seeds])
            self.kernels.append(tf.Variable(kernel, name=f"kernel_{layer}"))
            bias = tf.zeros([num_modules, module_dim])
            self.biases.append(tf.Variable(bias, name=f"bias_{layer}"))
        last = 0.1 * glorot([module_dim, num_outputs], seed + num_layers * num_modules)
        self.last_kernel = tf.Variable(last, name="last_kernel")
        self.last_bias = tf.Variable(tf.zeros([num_outputs]), name="last_bias")

    def __call__(self, pairs: Parts, modulation: Sequence[tf.Tensor]) -> tf.Tensor:
        """Scores each pair.

        Args:
            pairs: float32 [B, Q, D], or parts of it as `PartwiseDense` takes them.
            modulation: Route weights, from `RouteModulation`.

        Returns:
            float32 [B, Q, O].

        Raises:
            ValueError: If the number of route weights is not that of the layers.
        """
        num_layers = len(self.kernels)
        if len(modulation) != num_layers:
            raise ValueError(
                "a modulation needs route weights out of each of the "
                f"{num_layers} layers, got {len(modulation)}."
            )
        *between, last = modulation
        inputs = [pairs] * self.num_modules  # Of each module, [B, Q, D].
        outputs = self._layer(0, inputs)
        for layer, routes in enumerate(between, start=1):
            outputs = self._layer(layer, _mix_into_each(outputs, routes))
        mixed = _mix(outputs, last)  # [B, Q, d]
        return mixed @ self.last_kernel + self.last_bias

    def _layer(self, layer: int, inputs: Sequence[Parts]) -> list[tf.Tensor]:
        """Runs the modules of a layer, each on its own input, [B, Q, d] each."""
        kernels = tf.unstack(self.kernels[layer])
        biases = tf.unstack(self.biases[layer])
        return [
            self.activate(project(x, kernel, bias))
            for x, kernel, bias in zip(inputs, kernels, biases, strict=True)
        ]


def _mix_into_each(outputs: Sequence[tf.Tensor], routes: tf.Tensor) -> list[tf.Tensor]:
    """Mixes modules by routes float32 [B, Q, R, R], source first, for each target."""
    return [_mix(outputs, to_one) for to_one in tf.unstack(routes, axis=-1)]


def _mix(outputs: Sequence[tf.Tensor], weights: tf.Tensor) -> tf.Tensor:
    """Sums modules [B, Q, d] weighted by float32 [B, Q, R]."""
    by_module = tf.split(weights, len(outputs), axis=-1)  # [B, Q, 1] each.
    return tf.add_n([w * o for w, o in zip(by_module, outputs, strict=True)])
