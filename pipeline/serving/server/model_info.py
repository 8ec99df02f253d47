"""GetModelStatus and GetModelMetadata, for gRPC and REST alike."""

import grpc
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.model_versions import VersionStatus
from pipeline.serving.server.request_error import RequestError, invalid

SIGNATURE_DEF = "signature_def"


def status(
    catalogue: ModelCatalogue, request: get_model_status_pb2.GetModelStatusRequest
) -> get_model_status_pb2.GetModelStatusResponse:
    """Tells the state of one version of a model or of all, newest first.

    Raises:
        RequestError: If there is no such model or version.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    name = request.model_spec.name
    model = catalogue.models.get(name)
    if model is None or not model.versions:
        raise RequestError(
            grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}"
        )
    version = catalogue.version(request.model_spec)
    if version is not None and version not in model.versions:
        raise RequestError(
            grpc.StatusCode.NOT_FOUND,
            f"Could not find version {version} of model {name}",
        )
    response = get_model_status_pb2.GetModelStatusResponse()
    for number in sorted(model.versions, reverse=True):
        if version in (None, number):
            _add(response, number, model.versions[number])
    return response


def _add(
    response: get_model_status_pb2.GetModelStatusResponse,
    number: int,
    version: VersionStatus,
) -> None:
    added = response.model_version_status.add(version=number, state=version.state)
    added.status.SetInParent()
    if version.error is not None:
        added.status.error_code = version.error.code.value[0]
        added.status.error_message = version.error.message


def metadata(
    catalogue: ModelCatalogue, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Describes the signatures of a loaded version.

    Raises:
        RequestError: If there is none, or other metadata is requested.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    if not request.metadata_field:
        raise invalid(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in request.metadata_field:
        if field != SIGNATURE_DEF:
            raise invalid(f"Metadata field {field} is not supported")
    servable = catalogue.resolve(request.model_spec)
    definitions = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.definitions.items():
        definitions.signature_def[name].CopyFrom(definition)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = request.model_spec.name
    response.model_spec.version.value = servable.version
    response.metadata[SIGNATURE_DEF].Pack(definitions)
    return response
