"""One version of a model, loaded: its signatures, ready to be called."""

import asyncio
import contextlib
import pathlib
import time
from collections.abc import Iterator, Mapping

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
from tensorflow_serving.apis import prediction_log_pb2

from pipeline.experiment.version_dir import (
    MAKE_AGAIN,
    MANIFEST,
    WARMUP,
    check_version_files,
)
from pipeline.serving.server import page, request_error
from pipeline.serving.server.tensors import Array, TensorSpec, check_names, from_proto

DEFAULT_SIGNATURE = "serving_default"

_MAX_WARMUP = 1000
_WARMUP_TRIES = 3  # Of a request that takes too long.
_PREDICT_METHOD = "tensorflow/serving/predict"


class Signature:
    """A signature of a loaded version.

    Args:
        session: Holds the weights and tables.
        definition: The signature.
        run_timeout_s: Most seconds a call may take.
    """

    def __init__(
        self,
        session: tf.compat.v1.Session,
        definition: meta_graph_pb2.SignatureDef,
        run_timeout_s: float,
    ) -> None:
        self.inputs = {
            name: TensorSpec.of(name, info) for name, info in definition.inputs.items()
        }
        self._outputs = list(definition.outputs)
        options = config_pb2.CallableOptions(
            feed=[info.name for info in definition.inputs.values()],
            fetch=[definition.outputs[name].name for name in self._outputs],
        )
        options.run_options.timeout_in_ms = int(run_timeout_s * 1000)
        # What `Session.run` does once per call is done here once for all: 0.4 ms each.
        self._call = session._make_callable_from_options(options)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the graph on arrays as `inputs` wants them.

        Raises:
            RequestError: If the graph refuses the inputs or does not finish in time.
        """
        try:
            outputs = self._call(*(inputs[name] for name in self.inputs))
        except tf.errors.OpError as error:
            raise request_error.from_graph(error) from error
        return dict(zip(self._outputs, outputs, strict=True))

    def check_outputs(self, names: list[str]) -> None:
        """Makes sure that all these outputs exist, each named once.

        Raises:
            RequestError: If not.
        """
        if unknown := sorted(set(names) - set(self._outputs)):
            raise request_error.invalid(
                f"output tensor alias not found in signature: {unknown[0]} Outputs "
                f"expected to be in the set {{{','.join(sorted(self._outputs))}}}."
            )
        if len(set(names)) < len(names):
            raise request_error.invalid(f"an output must be named once, got {names}.")


class Servable:
    """A loaded version of a model.

    Args:
        model_name: As clients call the model.
        version: Its number.
        directory: Where it is.
        run_timeout_s: Most seconds a call of a signature may take.

    Attributes:
        page_config: What the page needs to know of it.
        definitions: All signatures as they are in the file.
        signatures: Those that can be called, by name.
    """

    def __init__(
        self,
        model_name: str,
        version: int,
        directory: pathlib.Path,
        run_timeout_s: float,
    ) -> None:
        self.version = version
        self.directory = directory
        self.page_config = page.PageConfig.read(model_name, directory)
        config = tf.compat.v1.ConfigProto()
        # It would take seconds to load a version, and gain nothing in its speed.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        with self._session.graph.as_default():
            graph = tf.compat.v1.saved_model.load(
                self._session, [tf.saved_model.SERVING], str(directory)
            )
        self.definitions: Mapping[str, meta_graph_pb2.SignatureDef] = (
            graph.signature_def
        )
        self.signatures = {
            name: Signature(self._session, definition, run_timeout_s)
            for name, definition in graph.signature_def.items()
            if definition.method_name == _PREDICT_METHOD
        }
        self._users = 0
        self._unused = asyncio.Event()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps the version loaded meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def until_unused(self) -> None:
        """Returns when nobody uses the version. By then nobody must find it anew."""
        while self._users:
            self._unused.clear()
            await self._unused.wait()

    def close(self) -> None:
        """Frees weights and tables."""
        self._session.close()


def load(
    model_name: str,
    version: int,
    directory: pathlib.Path,
    run_timeout_s: float,
    *,
    gently: bool = False,
) -> Servable:
    """Loads a version and replays its warm-up requests, if it has any.

    Args:
        model_name: As clients call the model.
        version: Its number.
        directory: Where it is.
        run_timeout_s: Most seconds a call of a signature may take.
        gently: Whether to rest after each warm-up request for as long as it took, so
            that another version can answer meanwhile.

    Raises:
        DataError: If it cannot be loaded and its manifest tells which file is damaged.
        Exception: Whatever else TensorFlow raises of a broken version, or ValueError if
            it does not answer its own warm-up requests.
    """
    try:
        servable = Servable(model_name, version, directory, run_timeout_s)
    except Exception:
        if (directory / MANIFEST).is_file():  # TensorFlow does not name what is cut.
            check_version_files(directory)
        raise
    try:
        _warm_up(servable, directory / WARMUP, gently)
    except BaseException:
        servable.close()
        raise
    return servable


def _run_patiently(signature: Signature, inputs: Mapping[str, Array]) -> None:
    """Runs a signature; the first times are slow, and slower on a busy machine."""
    for tries_left in reversed(range(_WARMUP_TRIES)):
        try:
            signature.run(inputs)
            return
        except request_error.RequestError as error:
            is_late = error.code is grpc.StatusCode.DEADLINE_EXCEEDED
            if not (is_late and tries_left):
                raise


def _warm_up(servable: Servable, path: pathlib.Path, gently: bool) -> None:
    if not path.exists():
        return
    for number, log in enumerate(_logs(path), start=1):
        if number > _MAX_WARMUP:
            raise ValueError(f"{path} must have at most {_MAX_WARMUP} requests.")
        if not log.HasField("predict_log"):
            continue  # TensorFlow Serving replays other kinds that we do not serve.
        request = log.predict_log.request
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        began = time.monotonic()
        try:
            if name not in servable.signatures:
                raise request_error.invalid(f"there is no signature {name!r}.")
            signature = servable.signatures[name]
            check_names(request.inputs, signature.inputs)
            inputs = {
                key: from_proto(request.inputs[key], spec, max_values=2**31)
                for key, spec in signature.inputs.items()
            }
            _run_patiently(signature, inputs)
        except request_error.RequestError as error:
            raise ValueError(
                f"{path}, request {number}, is not answered: {error.message}"
            ) from None
        if gently:
            time.sleep(time.monotonic() - began)


def _logs(path: pathlib.Path) -> Iterator[prediction_log_pb2.PredictionLog]:
    """Yields the records of a file; a damaged one is an error that names it."""
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            yield prediction_log_pb2.PredictionLog.FromString(record)
    except (tf.errors.DataLossError, DecodeError):
        raise ValueError(f"{path} is damaged: {MAKE_AGAIN}.") from None
