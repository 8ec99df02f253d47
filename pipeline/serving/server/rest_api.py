"""The REST API, as TensorFlow Serving's; beside it health, metrics and the page."""

import asyncio
import re
import urllib.parse

import aiohttp.web
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
)

from pipeline.serving.server import json_outputs, model_info, page
from pipeline.serving.server.json_inputs import PredictBody
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.options import MAX_VERSION, ServerOptions
from pipeline.serving.server.predictor import Predictor
from pipeline.serving.server.request_error import RequestError, invalid
from pipeline.serving.server.rest_guard import RestGuard

METRICS_PATH = "/monitoring/prometheus/metrics"

_MODEL = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_PREDICT_PATH = re.compile(_MODEL + r":(classify|regress|predict)", re.IGNORECASE)
_STATUS_PATH = re.compile(_MODEL + r"(/metadata)?", re.IGNORECASE)


class RestApi:
    """The routes of REST.

    Args:
        predictor: Answers.
        catalogue: The models.
        metrics: Records every predict, and is served.
        options: Of the server.
    """

    def __init__(
        self,
        predictor: Predictor,
        catalogue: ModelCatalogue,
        metrics: ServerMetrics,
        options: ServerOptions,
    ) -> None:
        self._predictor = predictor
        self._catalogue = catalogue
        self._metrics = metrics
        self._guard = RestGuard(options)
        self._deadline_s = options.deadline_s
        self.app = aiohttp.web.Application(
            client_max_size=options.max_request_bytes,
            middlewares=[self._guard.middleware()],
        )
        self.app.router.add_post("/v1/{rest:.*}", self._predict)
        self.app.router.add_get("/v1/{rest:.*}", self._describe)
        self.app.router.add_get(METRICS_PATH, self._show_metrics)
        self.app.router.add_get("/healthz", self._health)
        self.app.router.add_get("/readyz", self._readiness)
        self.app.router.add_get("/page/config.json", self._page_config)
        self.app.router.add_get("/", page.show)
        self.app.router.add_get("/page/{name}", page.show)
        self.app.router.add_get("/{name}", page.show)

    def drain(self) -> None:
        """Says that the server ends: it is not ready, and its connections close."""
        self._guard.is_draining = True

    async def _predict(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        spec, method = _target(_PREDICT_PATH, request)
        if method.lower() != "predict":
            raise aiohttp.web.HTTPNotImplemented(
                text=f"{method} is not served, use predict."
            )
        with self._metrics.watch("REST") as answering:
            body = PredictBody.parse(await _read(request, self._deadline_s))
            spec.signature_name = body.signature_name
            outputs = await self._predictor.predict(
                spec, lambda signature: body.arrays(signature.inputs), answering
            )
            text = json_outputs.answer(outputs, body.form)
        return aiohttp.web.Response(text=text, content_type="application/json")

    async def _describe(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        spec, part = _target(_STATUS_PATH, request)
        if part:
            return self._metadata(spec)
        status = model_info.status(
            self._catalogue, get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
        )
        return aiohttp.web.json_response(_plain(status))

    def _metadata(self, spec: model_pb2.ModelSpec) -> aiohttp.web.Response:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=spec, metadata_field=[model_info.SIGNATURE_DEF]
        )
        response = model_info.metadata(self._catalogue, request)
        definitions = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[model_info.SIGNATURE_DEF].Unpack(definitions)
        plain = {
            "model_spec": _plain(response.model_spec),
            "metadata": {model_info.SIGNATURE_DEF: _plain(definitions)},
        }
        return aiohttp.web.json_response(plain)

    async def _show_metrics(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(
            body=self._metrics.text(), content_type="text/plain", charset="utf-8"
        )

    async def _health(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.Response(text="ok\n")

    async def _readiness(self, _: aiohttp.web.Request) -> aiohttp.web.Response:
        if self._guard.is_draining or not self._catalogue.is_ready:
            return aiohttp.web.Response(text="not ready\n", status=503)
        return aiohttp.web.Response(text="ready\n")

    async def _page_config(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        first = next(iter(self._catalogue.models), "")
        name = request.query.get("model", first)
        servable = self._catalogue.resolve(model_pb2.ModelSpec(name=name))
        return servable.page_config.answer()


def _target(
    path: re.Pattern[str], request: aiohttp.web.Request
) -> tuple[model_pb2.ModelSpec, str]:
    """Takes model, version or label, and what follows out of the path of a request."""
    raw_path = request.rel_url.raw_path
    match = path.fullmatch(raw_path)
    if match is None:
        raise invalid(f"Malformed request: {request.method} {raw_path}")
    name, version, label, rest = match.groups(default="")
    spec = model_pb2.ModelSpec(name=urllib.parse.unquote(name))
    if version:
        # By length first: Python refuses to read a number of thousands of digits.
        if len(version) > len(str(MAX_VERSION)) or int(version) > MAX_VERSION:
            raise invalid(f"Failed to convert version: {version[:40]} to numeric.")
        spec.version.value = int(version)
    elif label:
        spec.version_label = urllib.parse.unquote(label)
    return spec, rest


async def _read(request: aiohttp.web.Request, deadline_s: float) -> bytes:
    try:
        async with asyncio.timeout(deadline_s):
            return await request.read()
    except TimeoutError:
        raise RequestError(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            f"the body must come within {deadline_s:g} s, it has not.",
            http_status=408,
        ) from None
    except aiohttp.web.HTTPRequestEntityTooLarge as error:
        raise RequestError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            error.text or error.reason,
            http_status=error.status,
        ) from None
    except aiohttp.web.RequestPayloadError as error:  # Not what its headers say.
        raise invalid(f"the body cannot be read: {error}.") from None


def _plain(message: Message) -> object:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
