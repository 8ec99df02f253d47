"""A client of an exported model over gRPC, with the surface of the REST client.

Imports TensorFlow, which the messages of TensorFlow Serving need: a service that would
rather not takes `rest_client.py`.
"""

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pipeline.serving.rest_client import (
    Columns,
    ServingClient,
    ServingError,
    Signature,
    TensorSpec,
)

_CHANNEL_OPTIONS = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),  # Explanations are large.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class Client(ServingClient):
    """Asks over gRPC; `predict` takes and gives NumPy arrays.

    Args:
        address: "host:port".
        model_name: As of `ServingClient`, and so are the others.
        credentials: Those of a secure channel; plain text by default.
        **options: As of `ServingClient`.
    """

    def __init__(
        self,
        address: str,
        model_name: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model_name, **options)
        if credentials is None:
            self.channel = grpc.insecure_channel(address, _CHANNEL_OPTIONS)
        else:
            self.channel = grpc.secure_channel(address, credentials, _CHANNEL_OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)

    def request(self, signature: str, inputs: Columns) -> predict_pb2.PredictRequest:
        """Returns the message of a request.

        Raises:
            ValueError: If rows differ in their length, or a value in its type.
            ServingError: If the server cannot say what the signature takes.
        """
        known = self.signatures().get(signature)
        specs = known.inputs if known else {}
        request = predict_pb2.PredictRequest(model_spec=self._model_spec(signature))
        for name, values in inputs.items():
            dtype = specs[name].dtype if name in specs else None
            try:
                request.inputs[name].CopyFrom(_tensor(values, dtype))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name} must be a {dtype} array: {error}") from None
        return request

    def send(self, request: predict_pb2.PredictRequest, timeout_s: float) -> Columns:
        """Sends a message once, and returns arrays; texts are `str`."""
        answer = self._call(self._stub.Predict, request, timeout_s)
        return {name: _array(tensor) for name, tensor in answer.outputs.items()}

    def fetch_signatures(self, timeout_s: float) -> dict[str, Signature]:
        """Gets the signatures."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._model_spec(), metadata_field=["signature_def"]
        )
        answer = self._call(self._stub.GetModelMetadata, request, timeout_s)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        return {
            name: Signature(_specs(value.inputs), _specs(value.outputs))
            for name, value in signatures.signature_def.items()
            if value.inputs  # The initialisation of a SavedModel has none.
        }

    def close(self) -> None:
        """Closes the channel."""
        self.channel.close()

    def _model_spec(self, signature: str = "") -> model_pb2.ModelSpec:
        spec = model_pb2.ModelSpec(name=self.model_name, signature_name=signature)
        if self.version is not None:
            spec.version.value = self.version
        elif self.label is not None:
            spec.version_label = self.label
        return spec

    def _call(self, method: Any, request: Any, timeout_s: float) -> Any:
        metadata = tuple(self._authorization.items())
        try:
            return method(request, timeout=max(timeout_s, 0.001), metadata=metadata)
        except grpc.RpcError as error:
            raise ServingError(error.code().name, error.details()) from None


def _tensor(values: Any, dtype: str | None) -> Any:
    """Returns a message; one without a known type gets that of its values."""
    if dtype == "string":  # As objects: twice as fast as from lists.
        return tf.make_tensor_proto(np.array(values, dtype=object), tf.string)
    return tf.make_tensor_proto(values, dtype and tf.as_dtype(dtype))


def _array(tensor: Any) -> np.ndarray:
    array = tf.make_ndarray(tensor)
    if array.dtype != object:
        return array
    texts = np.array([value.decode() for value in array.flat], dtype=object)
    return texts.reshape(array.shape)


def _specs(tensors: Mapping[str, Any]) -> dict[str, TensorSpec]:
    """Reads what the metadata says of inputs or outputs."""
    return {
        name: TensorSpec(
            tf.as_dtype(tensor.dtype).name,
            tuple(None if d.size < 0 else d.size for d in tensor.tensor_shape.dim),
        )
        for name, tensor in tensors.items()
    }
