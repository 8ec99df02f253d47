"""Requests that an export has recorded, some with the answers they must have."""

import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from models.legacy_keras import tf
from models.serving.task_request import RecordedRequest, TaskRequest, Tensors
from pipeline.experiment.version_dir import MAKE_AGAIN
from transforms.schema import DataError

# Support sets are padded to these sizes, so that a server sees few shapes.
SUPPORT_SIZES = (0, 1, 2, 4, 8, 16, 32, 64)


def read_requests(path: pathlib.Path) -> list[RecordedRequest]:
    """Reads a TFRecord file of `PredictionLog`.

    Args:
        path: The file.

    Raises:
        DataError: If it is not there, is damaged, or holds anything but predict
            requests; the message names the file and the record.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: {MAKE_AGAIN}.")
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
            f"{path}, record {len(requests) + 1}: is damaged: {MAKE_AGAIN}."
        ) from None
    if not requests:
        raise DataError(f"{path} holds no record: {MAKE_AGAIN}.")
    return requests


def _parsed(record: bytes, where: str) -> PredictionLog:
    try:
        return PredictionLog.FromString(record)
    except DecodeError as error:
        raise DataError(
            f"{where}: is no PredictionLog: {error}: {MAKE_AGAIN}."
        ) from None


def _request(log: PredictionLog) -> RecordedRequest:
    request, response = log.predict_log.request, log.predict_log.response
    return RecordedRequest(
        signature=request.model_spec.signature_name or "serving_default",
        inputs={name: tf.make_ndarray(p) for name, p in request.inputs.items()},
        outputs={name: tf.make_ndarray(p) for name, p in response.outputs.items()},
    )


def warmup_requests(
    tasks: Sequence[TaskRequest], encode: Callable[[Tensors], np.ndarray]
) -> Iterator[RecordedRequest]:
    """Yields a request for each signature and each size of a support set.

    Args:
        tasks: Real tasks, taken in turn.
        encode: As of `TaskRequest.requests`.
    """
    for number, size in enumerate(SUPPORT_SIZES):
        task = tasks[number % len(tasks)].with_support(size)
        for signature, inputs in task.requests(encode).items():
            yield RecordedRequest(signature, inputs, {})


def write_records(
    path: pathlib.Path,
    requests: Iterable[RecordedRequest],
    *,
    model_name: str,
    version: int,
) -> None:
    """Writes a TFRecord file of `PredictionLog`.

    Args:
        path: The file, in a folder that may not be there yet. TensorFlow Serving
            refuses one of warm-up with more than 1,000 requests.
        requests: With the answers that are to be expected, if any.
        model_name: Whom they ask.
        version: Of the model.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            writer.write(_log(request, model_name, version).SerializeToString())


def _log(request: RecordedRequest, model_name: str, version: int) -> PredictionLog:
    log = PredictionLog()
    sent = log.predict_log.request
    sent.model_spec.name = model_name
    sent.model_spec.signature_name = request.signature
    for name, value in request.inputs.items():
        sent.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    response = log.predict_log.response
    for name, value in request.outputs.items():
        response.model_spec.name = model_name
        response.model_spec.version.value = version
        response.model_spec.signature_name = request.signature
        response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log
