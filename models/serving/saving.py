"""Signatures to a SavedModel."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from models.legacy_keras import tf

# Shape and type of an input.
InputSpec: TypeAlias = tuple[Sequence[int | None], tf.DType]

Signature: TypeAlias = Any  # A concrete function; TensorFlow has no name to import.

IDS: InputSpec = ([None, None], tf.string)  # One row a task, padded with "".
LABELS: InputSpec = ([None, None], tf.float32)


def trace(function: object, inputs: Mapping[str, InputSpec]) -> Signature:
    """Traces a signature.

    Args:
        function: Takes the inputs by keyword.
        inputs: Shape and type of each.
    """
    specs = {
        name: tf.TensorSpec(shape, dtype, name=name)
        for name, (shape, dtype) in inputs.items()
    }
    # Control flow is by ops; there is nothing for autograph to convert.
    traced = tf.function(function, autograph=False)
    return traced.get_concrete_function(**specs)


def of_one_argument(signature: Signature) -> tf.types.experimental.PolymorphicFunction:
    """Returns a signature as a function of one dict of its inputs, as layers take them.

    It calls what has been traced, so that the graph is there once.
    """
    _, specs = signature.structured_input_signature

    def call(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        answer: dict[str, tf.Tensor] = signature(**inputs)
        return answer

    return tf.function(call, input_signature=[specs], autograph=False)


def save_with_signatures(
    module: tf.Module,
    signatures: Mapping[str, Signature],
    directory: str | pathlib.Path,
) -> None:
    """Writes a SavedModel that holds the weights its signatures use, and no others.

    Args:
        module: Owns the tables; gets the weights as an attribute.
        signatures: By name.
        directory: Where it goes.
    """
    used = [v for function in signatures.values() for v in function.variables]
    module.weights = list({id(variable): variable for variable in used}.values())
    # The gradient of the encoder is of no use in a server.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(directory), signatures=signatures, options=options)
