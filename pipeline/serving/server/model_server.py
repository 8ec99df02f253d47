"""A model server in this process: one event loop in a thread of its own."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Self, TypeVar

import aiohttp.web
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from pipeline.experiment import quiet
from pipeline.serving.server import problem_log
from pipeline.serving.server.access import TlsFiles
from pipeline.serving.server.batcher import Batcher
from pipeline.serving.server.grpc_services import (
    GuardCalls,
    ModelService,
    PredictionService,
)
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.options import (
    ServedModelDirectory,
    ServerError,
    ServerOptions,
)
from pipeline.serving.server.predictor import Predictor
from pipeline.serving.server.request_error import RequestError
from pipeline.serving.server.rest_api import RestApi
from pipeline.serving.server.rest_listener import RestListener

__all__ = ["ModelServer", "ServedModelDirectory", "ServerError", "ServerOptions"]

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")
_MAX_HEADER_BYTES = 16 * 2**10
_HANDSHAKE_MS = 10_000
_PATIENCE = 10  # Times the silence of REST.
_SERVICES = ("", "tensorflow.serving.PredictionService")
_SERVING = health_pb2.HealthCheckResponse.SERVING


class ModelServer:
    """Serves exported models over gRPC and REST.

    A context manager: entering returns when the first versions answer, leaving when the
    requests in flight are answered.

    Args:
        models: The models.
        options: Where it listens, and its limits.

    Attributes:
        grpc_address: Host and port, once it runs.
        rest_url: Where REST, the metrics and the page are, once it runs.
    """

    def __init__(
        self,
        models: Sequence[ServedModelDirectory],
        options: ServerOptions | None = None,
    ) -> None:
        self.grpc_address = ""
        self.rest_url = ""
        self._models = list(models)
        self._options = options or ServerOptions()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(
            lambda _, context: problem_log.report_failure(context.get("exception"))
        )
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="model-server", daemon=True
        )
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        """Starts the server.

        Raises:
            ServerError: If a port is taken or a model cannot be loaded.
        """
        self._thread.start()
        try:
            self._running = self._wait(_start(self._models, self._options))
        except (RequestError, OSError, RuntimeError) as error:
            self._end()
            message = error.message if isinstance(error, RequestError) else str(error)
            raise ServerError(f"the server cannot start: {message}") from error
        except BaseException:
            self._end()
            raise
        host = self._options.url_host
        self.grpc_address = f"{host}:{self._running.grpc_port}"
        scheme = "http" if self._options.tls is None else "https"
        self.rest_url = f"{scheme}://{host}:{self._running.rest_port}"
        return self

    def __exit__(self, *_: object) -> None:
        """Stops taking requests, answers those in flight, and ends."""
        if self._running is not None:
            self._wait(self._running.stop(self._options.drain_s))
            self._running = None
        self._end()

    def reload(self, models: Sequence[ServedModelDirectory]) -> None:
        """Exchanges the models for others; those that stay answer all the while.

        Versions are loaded first, then labels moved, then other versions unloaded.

        Raises:
            ServerError: If a label names a version that is not loaded, or a model has
                no version that can be loaded.
        """
        if self._running is None:
            raise ServerError("the server must be running to reload its models.")
        try:
            self._wait(self._running.catalogue.apply(models))
        except RequestError as error:
            raise ServerError(error.message) from None

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class _Running:
    """The parts of a server that runs."""

    def __init__(self, options: ServerOptions) -> None:
        self.metrics = ServerMetrics()
        self.catalogue = ModelCatalogue(options, self.metrics)
        self.batcher = Batcher(options, self.metrics)
        predictor = Predictor(self.catalogue, self.batcher, options.deadline_s)
        self.rest = RestApi(predictor, self.catalogue, self.metrics, options)
        self.runner = aiohttp.web.AppRunner(
            self.rest.app, access_log=None, shutdown_timeout=options.drain_s
        )
        self.listener = RestListener(
            self.runner,
            max_connections=options.max_connections,
            idle_timeout_s=options.idle_timeout_s,
        )
        self.grpc = grpc.aio.server(
            interceptors=[GuardCalls(options.token, options.deadline_s)],
            options=_grpc_options(options),
            maximum_concurrent_rpcs=options.max_connections,
        )
        self.health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.grpc)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(
                predictor, self.catalogue, self.metrics, options.max_request_bytes
            ),
            self.grpc,
        )
        may_reload = options.is_loopback or options.allow_reload
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(self.catalogue, may_reload=may_reload), self.grpc
        )
        self.grpc_port = 0
        self.rest_port = 0

    async def listen(self, options: ServerOptions) -> None:
        """Opens both ports."""
        host = options.url_host
        tls = None if options.tls is None else options.tls.context()
        try:
            address = f"{host}:{options.grpc_port}"
            with quiet.without_chatter():  # gRPC writes itself that a port is taken.
                self.grpc_port = _add_port(self.grpc, address, options.tls)
        except RuntimeError:
            raise ServerError(_taken("port", host, options.grpc_port)) from None
        await self.runner.setup()
        try:
            self.rest_port = await self.listener.listen(
                options.host, options.rest_port, tls
            )
        except OSError:
            raise ServerError(_taken("rest_port", host, options.rest_port)) from None
        await self.grpc.start()
        for service in _SERVICES:
            await self.health.set(service, _SERVING)

    async def stop(self, drain_s: float) -> None:
        """Answers what is in flight and ends everything."""
        self.rest.drain()
        self.listener.close()
        await self.health.enter_graceful_shutdown()
        await asyncio.gather(self.grpc.stop(drain_s), self.runner.cleanup())
        await self.batcher.close()
        await self.catalogue.close()


async def _start(
    models: Sequence[ServedModelDirectory], options: ServerOptions
) -> _Running:
    running = _Running(options)
    async with contextlib.AsyncExitStack() as on_failure:
        on_failure.push_async_callback(running.stop, 0.0)
        await running.catalogue.apply(models)
        await running.listen(options)
        on_failure.pop_all()
    return running


def _add_port(server: grpc.aio.Server, address: str, tls: TlsFiles | None) -> int:
    """Opens the port of gRPC.

    Raises:
        RuntimeError: If it is taken or not allowed.
    """
    if tls is None:
        return int(server.add_insecure_port(address))
    pair = tls.key.read_bytes(), tls.certificate.read_bytes()
    return int(server.add_secure_port(address, grpc.ssl_server_credentials([pair])))


def _grpc_options(options: ServerOptions) -> list[tuple[str, int]]:
    """Returns the limits of gRPC.

    Clients keep a connection for long and are told when it is closed, so that one that
    has had a call may rest for longer.
    """
    idle_ms = round(options.idle_timeout_s * 1000)
    return [
        ("grpc.max_receive_message_length", options.max_request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),  # A taken port is an error.
        ("grpc.max_allowed_incoming_connections", options.max_connections),
        ("grpc.max_concurrent_streams", options.max_connections),
        ("grpc.max_metadata_size", _MAX_HEADER_BYTES),
        ("grpc.absolute_max_metadata_size", _MAX_HEADER_BYTES),
        ("grpc.server_handshake_timeout_ms", min(idle_ms, _HANDSHAKE_MS)),
        ("grpc.max_connection_idle_ms", _PATIENCE * idle_ms),
        ("grpc.keepalive_time_ms", idle_ms),  # Asks whether the client is still there.
        ("grpc.keepalive_timeout_ms", _HANDSHAKE_MS),
    ]


def _taken(flag: str, host: str, port: int) -> str:
    return (
        f"the server cannot start: --{flag} {port} of {host} is taken or not allowed; "
        "name another one, or 0 for a free one."
    )
