"""Requests that an export has recorded, some with the answers they must have."""

import pathlib

from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from models.legacy_keras import tf
from models.serving.recorded_request import RecordedRequest
from transforms.schema import DataError


def read_requests(path: pathlib.Path) -> list[RecordedRequest]:
    """Reads a TFRecord file of `PredictionLog`.

    Args:
        path: The file.

    Raises:
        DataError: If it is not there, is damaged, or holds anything but predict
            requests; the message names the file and the record.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: export again.")
    requests = []
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(path)), 1):
            log = _parsed(record.numpy(), f"{path}, record {number}")
            if log.WhichOneof("log_type") != "predict_log":
                kind = log.WhichOneof("log_type")
                raise DataError(
                    f"{path}, record {number}: must be a predict_log, got {kind!r}."
                )
            requests.append(_request(log))
    except tf.errors.DataLossError:
        raise DataError(
            f"{path}, record {len(requests) + 1}: is damaged: export again."
        ) from None
    if not requests:
        raise DataError(f"{path} holds no record: export again.")
    return requests


def _parsed(record: bytes, where: str) -> PredictionLog:
    try:
        return PredictionLog.FromString(record)
    except DecodeError as error:
        raise DataError(f"{where}: is no PredictionLog: {error}.") from None


def _request(log: PredictionLog) -> RecordedRequest:
    request, response = log.predict_log.request, log.predict_log.response
    return RecordedRequest(
        signature=request.model_spec.signature_name or "serving_default",
        inputs={name: tf.make_ndarray(p) for name, p in request.inputs.items()},
        outputs={name: tf.make_ndarray(p) for name, p in response.outputs.items()},
    )
