"""A running model server that takes a new configuration over gRPC."""

import contextlib
import time
from collections.abc import Iterator

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from pipeline.serving.server.access import read_token
from transforms.schema import DataError

_CALL_TIMEOUT_S = 60.0
_POLL_S = 0.1
_STATE = get_model_status_pb2.ModelVersionStatus


class LiveServerError(DataError):
    """A server that is not there, or does not take its configuration."""


class LiveServer:
    """Talks to the ModelService of one server, with the token of the environment.

    Args:
        address: Host and gRPC port.
        load_timeout_s: How long a version may take to become available.
    """

    def __init__(self, address: str, *, load_timeout_s: float = 300.0) -> None:
        self.address = address
        self._load_timeout_s = load_timeout_s
        token = read_token(None)
        bearer = (("authorization", f"Bearer {token.secret}"),)
        self._metadata = bearer if token else ()

    def ping(self, model_name: str) -> None:
        """Makes sure that the server answers.

        Raises:
            LiveServerError: If not.
        """
        with self._stub() as stub:
            self._states(stub, model_name, None)

    def reload(self, config: ModelServerConfig) -> None:
        """Gives the server a configuration, in place of the one it has.

        Raises:
            LiveServerError: If it does not take it.
        """
        request = model_management_pb2.ReloadConfigRequest(config=config)
        with self._stub() as stub:
            response = stub.HandleReloadConfigRequest(
                request, _CALL_TIMEOUT_S, metadata=self._metadata
            )
        if response.status.error_code:
            raise LiveServerError(
                f"{self.address} does not take the new models.config: "
                f"{response.status.error_message}"
            )

    def is_available(self, model_name: str, version: int) -> bool:
        """Whether a version has been loaded.

        Raises:
            LiveServerError: If the server does not answer.
        """
        with self._stub() as stub:
            states = self._states(stub, model_name, version)
        return any(status.state == _STATE.AVAILABLE for status in states)

    def wait_available(self, model_name: str, version: int) -> None:
        """Returns when a version has been loaded.

        Raises:
            LiveServerError: If it cannot be, or not in time.
        """
        give_up = time.monotonic() + self._load_timeout_s
        with self._stub() as stub:
            while True:
                for status in self._states(stub, model_name, version):
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
        self,
        stub: model_service_pb2_grpc.ModelServiceStub,
        model_name: str,
        version: int | None,
    ) -> list[get_model_status_pb2.ModelVersionStatus]:
        """Returns the states of a version or all; none if it is not known yet."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model_name
        if version is not None:
            request.model_spec.version.value = version
        try:
            response = stub.GetModelStatus(
                request, _CALL_TIMEOUT_S, metadata=self._metadata
            )
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return []
            raise
        return list(response.model_version_status)

    @contextlib.contextmanager
    def _stub(self) -> Iterator[model_service_pb2_grpc.ModelServiceStub]:
        """Opens one connection, for all calls that are made of it."""
        options = [("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(self.address, options) as channel:
            try:
                yield model_service_pb2_grpc.ModelServiceStub(channel)
            except grpc.RpcError as error:
                raise LiveServerError(
                    f"{self.address} answers {error.code().name}: {error.details()}"
                ) from None
