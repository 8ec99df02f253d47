"""What carries a request to a model: this process, gRPC or REST."""

import pathlib
from typing import Any

import tensorflow as tf

from pipeline.serving.bench.options import GRPC, IN_PROCESS
from pipeline.serving.client import Client
from pipeline.serving.rest_client import (
    Columns,
    RestClient,
    ServingClient,
    Signature,
    TensorSpec,
)
from pipeline.serving.server.access import read_token


class InProcessClient(ServingClient):
    """Calls the signatures of a version loaded into this process.

    Args:
        version_dir: The version.
        model_name: As of `ServingClient`.
    """

    def __init__(self, version_dir: pathlib.Path, model_name: str) -> None:
        super().__init__(model_name)
        self._loaded = tf.saved_model.load(str(version_dir))

    def fetch_signatures(self, timeout_s: float) -> dict[str, Signature]:
        """Returns the signatures by name."""
        return {
            name: Signature(
                _specs(function.structured_input_signature[1]),
                _specs(function.structured_outputs),
            )
            for name, function in self._loaded.signatures.items()
        }

    def request(self, signature: str, inputs: Columns) -> Any:
        """Returns the function of a signature and its tensors."""
        function = self._loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        tensors = {
            name: tf.constant(values, specs[name].dtype)
            for name, values in inputs.items()
        }
        return function, tensors

    def send(self, request: Any, timeout_s: float) -> Columns:
        """Calls the function; it cannot be cancelled."""
        function, tensors = request
        return {name: tensor.numpy() for name, tensor in function(**tensors).items()}

    def close(self) -> None:
        """Lets the model go."""
        del self._loaded


def open_caller(
    transport: str, version_dir: pathlib.Path, model_name: str, address: str
) -> ServingClient:
    """Opens a caller of a transport, to be closed.

    Args:
        transport: One of `TRANSPORTS`.
        version_dir: What is loaded into this process, where it is that.
        model_name: Name of the model on the server.
        address: Of the server, for this transport; it is given the token of the
            environment.
    """
    if transport == IN_PROCESS:
        return InProcessClient(version_dir, model_name)
    kind = Client if transport == GRPC else RestClient
    return kind(address, model_name, token=read_token(None).secret)


def _specs(specs: dict[str, tf.TensorSpec]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(spec.dtype.name, tuple(spec.shape))
        for name, spec in specs.items()
    }
