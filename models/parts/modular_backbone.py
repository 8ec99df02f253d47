"""The backbone of soft modularization: layers of modules, mixed by route weights."""

from collections.abc import Sequence

from models.legacy_keras import tf
from models.options import Activation
from models.parts.backbone import activation_function, glorot
from models.parts.dense_parts import Parts, project


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
