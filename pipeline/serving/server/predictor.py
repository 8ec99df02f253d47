"""What gRPC and REST share: from a model and its inputs to the outputs."""

import asyncio
from collections.abc import Callable, Mapping

import grpc
from tensorflow_serving.apis import model_pb2

from pipeline.serving.server.batcher import Batcher, Outputs
from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.request_error import RequestError
from pipeline.serving.server.servable import DEFAULT_SIGNATURE, Signature
from pipeline.serving.server.tensors import Array

ReadInputs = Callable[[Signature], Mapping[str, Array]]


class Predictor:
    """Answers requests.

    Args:
        catalogue: The models.
        batcher: Runs them.
        deadline_s: Most seconds a request may take.
    """

    def __init__(
        self, catalogue: ModelCatalogue, batcher: Batcher, deadline_s: float
    ) -> None:
        self._catalogue = catalogue
        self._batcher = batcher
        self._deadline_s = deadline_s

    async def predict(
        self,
        spec: model_pb2.ModelSpec,
        read_inputs: ReadInputs,
        answering: model_pb2.ModelSpec,
        remaining_s: float | None = None,
    ) -> Outputs:
        """Answers one request.

        Args:
            spec: Model, version and signature of the request.
            read_inputs: Takes the inputs out of the request as a signature wants them.
            answering: Takes the names that turn out to exist, and at last the version.
            remaining_s: Seconds the client waits; None if it did not say.

        Raises:
            RequestError: If it cannot be answered.
        """
        model = self._catalogue.model(spec)
        answering.name = spec.name
        servable = model.resolve(self._catalogue.version(spec))
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name not in servable.signatures:
            raise RequestError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        answering.signature_name = name
        deadline_s = self._deadline_s
        if remaining_s is not None:
            deadline_s = min(deadline_s, remaining_s)
        try:
            inputs = read_inputs(servable.signatures[name])
            async with asyncio.timeout(deadline_s):
                outputs = await self._batcher.run(servable, name, inputs)
        except RequestError:
            raise
        except TimeoutError:
            raise RequestError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"there was no answer within {deadline_s:g} s.",
            ) from None
        except Exception as error:  # A bug. For the log, and not for the client.
            raise RequestError(
                grpc.StatusCode.INTERNAL, "internal error, see the log of the server."
            ) from error
        answering.version.value = servable.version
        return outputs
