"""A running model server that is told of a new configuration, over gRPC."""

import time
from collections.abc import Callable
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from transforms.schema import DataError

_CALL_TIMEOUT_S = 60.0
_POLL_S = 0.1
_STATE = get_model_status_pb2.ModelVersionStatus


class LiveServerError(DataError):
    """A server that is not there, or does not take what it is given."""


class LiveServer:
    """Talks to the ModelService of one server.

    Args:
        address: Host and gRPC port.
        load_timeout_s: How long a version may take to become available.
    """

    def __init__(self, address: str, *, load_timeout_s: float = 300.0) -> None:
        self.address = address
        self._load_timeout_s = load_timeout_s

    def check(self, model_name: str) -> None:
        """Makes sure that somebody answers.

        Raises:
            LiveServerError: If not.
        """
        self._states(model_name, None)

    def reload(self, config: ModelServerConfig) -> None:
        """Gives the server a configuration, in place of the one it has.

        Raises:
            LiveServerError: If it does not take it.
        """
        request = model_management_pb2.ReloadConfigRequest(config=config)
        response = self._call(
            lambda stub, t: stub.HandleReloadConfigRequest(request, t)
        )
        if response.status.error_code:
            raise LiveServerError(
                f"{self.address} does not take the new models.config: "
                f"{response.status.error_message}"
            )

    def wait_available(self, model_name: str, version: int) -> None:
        """Returns when a version has been loaded.

        Raises:
            LiveServerError: If it cannot be, or not in time.
        """
        give_up = time.monotonic() + self._load_timeout_s
        while True:
            for status in self._states(model_name, version):
                if status.state == _STATE.AVAILABLE:
                    return
                if status.state == _STATE.END and status.status.error_code:
                    raise LiveServerError(
                        f"{self.address} cannot load version {version} of "
                        f"{model_name!r}: {status.status.error_message}"
                    )
            if time.monotonic() >= give_up:
                raise LiveServerError(
                    f"{self.address} must have version {version} of {model_name!r} "
                    f"available within {self._load_timeout_s:g} s, it has not."
                )
            time.sleep(_POLL_S)

    def _states(
        self, model_name: str, version: int | None
    ) -> list[get_model_status_pb2.ModelVersionStatus]:
        """Returns the states of a version or all; none if it is not known yet."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model_name
        if version is not None:
            request.model_spec.version.value = version
        try:
            response = self._call(lambda stub, t: stub.GetModelStatus(request, t))
        except _NotFoundError:
            return []
        return list(response.model_version_status)

    def _call(
        self, call: Callable[[model_service_pb2_grpc.ModelServiceStub, float], Any]
    ) -> Any:
        options = [("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(self.address, options) as channel:
            try:
                return call(
                    model_service_pb2_grpc.ModelServiceStub(channel), _CALL_TIMEOUT_S
                )
            except grpc.RpcError as error:
                is_unknown = error.code() == grpc.StatusCode.NOT_FOUND
                kind = _NotFoundError if is_unknown else LiveServerError
                raise kind(
                    f"{self.address} answers {error.code().name}: {error.details()}"
                ) from None


class _NotFoundError(LiveServerError):
    """The server does not know the model or the version."""
