"""The services of gRPC: PredictionService and ModelService as TensorFlow Serving's.

What they raise as a `RequestError` is answered by `GuardCalls`, around them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pipeline.serving.server import model_info, problem_log, tensors
from pipeline.serving.server.access import Token
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.model_config_list import served_directories
from pipeline.serving.server.predictor import Predictor
from pipeline.serving.server.request_error import (
    RequestError,
    invalid,
    shorten,
    unauthenticated,
)
from pipeline.serving.server.servable import Signature

_Context: TypeAlias = "grpc.aio.ServicerContext"

_Metadata: TypeAlias = Iterable[tuple[str, str | bytes]] | None
_Refusal: TypeAlias = tuple[grpc.StatusCode, str, tuple[tuple[str, str], ...]]
_Answer: TypeAlias = Callable[[AsyncIterator[bytes], _Context], Awaitable[Message]]

# Whoever watches over the process has no token; the answer tells nothing else.
_OPEN_TO_ALL = "/grpc.health.v1.Health/Check"


class GuardCalls(grpc.aio.ServerInterceptor):
    """Gives every call its id, its limits and its errors.

    A message that cannot be parsed is INVALID_ARGUMENT; left to itself gRPC calls it an
    error of the server and writes a traceback. Unary calls are taken as streams of one
    message, as which they come, so that the wait for a slow client can end.

    Args:
        token: What callers must have.
        deadline_s: Most seconds for the message of a call to come.
    """

    def __init__(self, token: Token, deadline_s: float) -> None:
        self._token = token
        self._deadline_s = deadline_s
        self._handlers: dict[str, grpc.RpcMethodHandler] = {}

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Returns the handler of a method, guarded."""
        method = handler_call_details.method
        authorization = _value(
            handler_call_details.invocation_metadata, "authorization"
        )
        if method != _OPEN_TO_ALL and not self._token.admits(authorization):
            return grpc.stream_unary_rpc_method_handler(_refuse)
        if method in self._handlers:
            return self._handlers[method]
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler  # Unknown to us, or a stream of health updates.
        self._handlers[method] = grpc.stream_unary_rpc_method_handler(
            self._guarded(method, handler),
            response_serializer=handler.response_serializer,
        )
        return self._handlers[method]

    def _guarded(self, method: str, handler: grpc.RpcMethodHandler) -> _Answer:
        async def answer(messages: AsyncIterator[bytes], context: _Context) -> Message:
            try:
                return await self._answered(messages, handler, context)
            except RequestError as error:
                refusal = _reported(error, method, context)
            # gRPC keeps what this raises, with this frame, until garbage is collected.
            # Nothing here has the request by now.
            raise await context.abort(*refusal)

        return answer

    async def _answered(
        self,
        messages: AsyncIterator[bytes],
        handler: grpc.RpcMethodHandler,
        context: _Context,
    ) -> Message:
        body = await self._message(messages)
        answer: Message = await handler.unary_unary(_parsed(body, handler), context)
        return answer

    async def _message(self, messages: AsyncIterator[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await anext(aiter(messages))
        except StopAsyncIteration:
            raise invalid("a call must have a message, it has none.") from None
        except TimeoutError:
            raise RequestError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"the message must come within {self._deadline_s:g} s, it has not.",
            ) from None


def _parsed(body: bytes, handler: grpc.RpcMethodHandler) -> Message:
    try:
        return handler.request_deserializer(body)
    except DecodeError as error:
        raise invalid(f"{error}.") from None


async def _refuse(messages: AsyncIterator[bytes], context: _Context) -> NoReturn:
    """Answers a call without the token, before its message is read."""
    raise await context.abort(*_reported(unauthenticated(), "", context))


def _reported(error: RequestError, method: str, context: _Context) -> _Refusal:
    """Writes of a call that is not answered; returns what its sender is told."""
    given = _value(context.invocation_metadata(), problem_log.REQUEST_ID.lower())
    request = problem_log.request_id(given)
    problem_log.report(error, entrypoint="GRPC", method=method, request=request)
    named = ((problem_log.REQUEST_ID.lower(), request),)
    return error.code, shorten(error.message), named


def _value(metadata: _Metadata, name: str) -> str:
    """Returns the value of a header; "" unless there is just one, of text."""
    values = [value for key, value in metadata or () if key == name]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""


def _not_served(method: str) -> Callable[..., Awaitable[NoReturn]]:
    """Returns a method that refuses: models here have no signature for it."""

    async def refuse(_: object, request: Message, context: _Context) -> NoReturn:
        message = f"{method} is not served, use Predict."
        raise RequestError(grpc.StatusCode.UNIMPLEMENTED, message)

    return refuse


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict and GetModelMetadata.

    Args:
        predictor: Answers.
        catalogue: The models.
        metrics: Counts every Predict.
        max_request_bytes: Bound of the values of one input.
    """

    def __init__(
        self,
        predictor: Predictor,
        catalogue: ModelCatalogue,
        metrics: ServerMetrics,
        max_request_bytes: int,
    ) -> None:
        self._predictor = predictor
        self._catalogue = catalogue
        self._metrics = metrics
        self._max_values = max_request_bytes

    async def Predict(  # noqa: N802  The name of the method in the proto.
        self, request: predict_pb2.PredictRequest, context: _Context
    ) -> predict_pb2.PredictResponse:
        """Runs a signature."""
        names = list(request.output_filter)

        def read_inputs(signature: Signature) -> dict[str, tensors.Array]:
            tensors.check_names(request.inputs, signature.inputs)
            signature.check_outputs(names)
            return {
                name: tensors.from_proto(request.inputs[name], spec, self._max_values)
                for name, spec in signature.inputs.items()
            }

        with self._metrics.watch("GRPC") as answering:
            outputs = await self._predictor.predict(
                request.model_spec, read_inputs, answering, context.time_remaining()
            )
        response = predict_pb2.PredictResponse(model_spec=answering)
        for name in names or outputs:
            response.outputs[name].CopyFrom(tensors.to_proto(outputs[name]))
        return response

    async def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: _Context
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures of a model."""
        return model_info.metadata(self._catalogue, request)

    Classify = _not_served("Classify")
    Regress = _not_served("Regress")
    MultiInference = _not_served("MultiInference")


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers GetModelStatus and HandleReloadConfigRequest.

    Args:
        catalogue: The models.
        may_reload: Whether clients may exchange the models, for those of any folder
            that the server can read.
    """

    def __init__(self, catalogue: ModelCatalogue, *, may_reload: bool) -> None:
        self._catalogue = catalogue
        self._may_reload = may_reload

    async def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: _Context
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells the state of the versions of a model."""
        return model_info.status(self._catalogue, request)

    async def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: _Context
    ) -> model_management_pb2.ReloadConfigResponse:
        """Exchanges the models; answers when the new ones are available."""
        if not self._may_reload:
            raise RequestError(
                grpc.StatusCode.PERMISSION_DENIED,
                "the models of this server cannot be exchanged by request: start it "
                "with --allow_reload, or at a loopback address.",
            )
        directories = served_directories(request.config)
        await self._catalogue.apply(directories, labels_first=True)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        return response
