"""The services of gRPC: PredictionService and ModelService as TensorFlow Serving's.

What they raise as a `RequestError` is answered by `grpc_guard.py`, around them.
"""

from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeAlias

import grpc
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pipeline.serving.server import model_info, tensors
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.model_config_list import served_directories
from pipeline.serving.server.predictor import Predictor
from pipeline.serving.server.request_error import RequestError
from pipeline.serving.server.servable import Signature

_Context: TypeAlias = "grpc.aio.ServicerContext"


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

        with self._metrics.watch("GRPC") as watched:
            prediction = await self._predictor.predict(
                request.model_spec, read_inputs, watched, context.time_remaining()
            )
        response = predict_pb2.PredictResponse(model_spec=prediction.model_spec)
        for name in names or prediction.outputs:
            proto = tensors.to_proto(prediction.outputs[name])
            response.outputs[name].CopyFrom(proto)
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
