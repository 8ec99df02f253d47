"""Requests to a version that a server on this machine has loaded."""

import http
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from models.legacy_keras import tf
from models.serving.recorded_request import RecordedRequest, Tensors
from pipeline.export.saved_graph import Signature
from pipeline.serving.rest_client import RestClient

_TIMEOUT_S = 60.0
_NO_LIMIT = -1  # Of the size of a message.

# Asks for the outputs of a request, by name.
Send: TypeAlias = Callable[[RecordedRequest], Tensors]


class RefusedError(RuntimeError):
    """A request that was not answered; the message is that of the server."""


class GrpcTransport:
    """Asks over gRPC.

    Args:
        address: Host and port.
        model_name: Name of the model.
        version: Of the model.
    """

    def __init__(self, address: str, model_name: str, version: int) -> None:
        self._channel = grpc.insecure_channel(
            address,
            [
                ("grpc.enable_http_proxy", 0),
                ("grpc.max_receive_message_length", _NO_LIMIT),
                ("grpc.max_send_message_length", _NO_LIMIT),
            ],
        )
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._model_name = model_name
        self._version = version

    def __call__(self, request: RecordedRequest) -> Tensors:
        """Returns the outputs.

        Raises:
            RefusedError: If the server gives none.
        """
        message = predict_pb2.PredictRequest()
        message.model_spec.name = self._model_name
        message.model_spec.version.value = self._version
        message.model_spec.signature_name = request.signature
        for name, values in request.inputs.items():
            message.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        try:
            response = self._stub.Predict(message, _TIMEOUT_S)
        except grpc.RpcError as error:
            raise RefusedError(f"{error.code().name}: {error.details()}") from None
        return {name: tf.make_ndarray(p) for name, p in response.outputs.items()}

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


class RestTransport:
    """Asks over REST.

    Args:
        url: Of the server.
        model_name: Name of the model.
        version: Of the model.
        signatures: Its signatures, for the types of outputs.
    """

    def __init__(
        self,
        url: str,
        model_name: str,
        version: int,
        signatures: Mapping[str, Signature],
    ) -> None:
        self._client = RestClient(url, model_name, version=version)
        self._signatures = signatures

    def __call__(self, request: RecordedRequest) -> Tensors:
        """Returns the outputs.

        Raises:
            RefusedError: If the server gives none.
        """
        body = self._client.request(request.signature, dict(request.inputs))
        answer = self.post(body)["outputs"]
        types = self._signatures[request.signature]["outputs"]
        if len(types) == 1:  # Then it comes without its name.
            answer = dict.fromkeys(types, answer)
        return {
            name: _array(answer[name], dtype)
            for name, (dtype, _) in types.items()
            if name in answer
        }

    def post(self, body: bytes) -> dict[str, Any]:
        """Posts a body as it is and returns the answer.

        Raises:
            RefusedError: If the status is not 200.
        """
        path = f"{self._client.path}:predict"
        status, text = self._client.exchange("POST", path, body, _TIMEOUT_S)
        if status != http.HTTPStatus.OK:
            raise RefusedError(f"{status}: {text.decode().strip()}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()


def _array(values: Any, dtype: str) -> np.ndarray:
    if dtype == "string":
        texts = np.array(values, dtype=object)
        return np.vectorize(str.encode, otypes=[object])(texts)
    return np.array(values, dtype=dtype)
