"""A toy model of two versions, and a server of it to ask."""

import dataclasses
import http.client
import json
import pathlib
import shutil
import time

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pipeline.serving.server.model_server import (
    ModelServer,
    ServedModelDirectory,
    ServerOptions,
)

MAX_LABEL = 5.0


class Toy(tf.Module):
    """Scores are length of the id plus factor times label."""

    def __init__(self, factor):
        super().__init__()
        self.factor = tf.Variable(factor)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.string, name="item"),
            tf.TensorSpec([None, None], tf.float32, name="label"),
        ],
        autograph=False,
    )
    def rank(self, item, label):
        in_range = tf.debugging.Assert(
            tf.reduce_all(label <= MAX_LABEL),
            ["label must be at most 5, got", tf.reduce_max(label)],
        )
        with tf.control_dependencies([in_range]):
            length = tf.cast(tf.strings.length(item), tf.float32)
            return {"score": length + self.factor * label}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32, name="x")], autograph=False
    )
    def describe(self, x):
        text = tf.strings.as_string(x, precision=1)
        return {
            "third": x / 3.0,
            "text": tf.strings.join(["é", text]),
            "raw_bytes": tf.strings.join([b"\xff", text]),
            "whole": tf.cast(x, tf.int64),
            "is_positive": x > 0.0,
            "factor": tf.fill(tf.shape(x), self.factor),
        }

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.int64, name="turns")], autograph=False
    )
    def spin(self, turns):
        last = tf.reduce_max(turns)
        total = tf.while_loop(
            lambda turn, _: turn < last,
            lambda turn, total: (turn + 1, total + turn % 3),
            [tf.constant(0, tf.int64), tf.constant(0, tf.int64)],
        )[1]
        return {"total": tf.fill(tf.shape(turns), total)}

    @tf.function(
        input_signature=[tf.TensorSpec([None, 2], tf.int32, name="pair")],
        autograph=False,
    )
    def total(self, pair):
        return {"total": tf.reduce_sum(pair)}


def save_toy(directory, factor):
    toy = Toy(factor)
    signatures = {
        "serving_default": toy.rank,
        "describe": toy.describe,
        "spin": toy.spin,
        "total": toy.total,
    }
    tf.saved_model.save(toy, str(directory), signatures=signatures)


@pytest.fixture(scope="session")
def toy_versions(tmp_path_factory):
    """Two exported toys, by their factor. To read only."""
    folder = tmp_path_factory.mktemp("toys")
    for factor in (1.0, 2.0):
        save_toy(folder / str(factor), factor)
    return {factor: folder / str(factor) for factor in (1.0, 2.0)}


@pytest.fixture(scope="session")
def publish(toy_versions):
    """Puts a toy in place as a version, in one step."""

    def publish(base_path, version, factor=1.0):
        staging = base_path / f".staging-{version}"
        shutil.copytree(toy_versions[factor], staging)
        staging.rename(base_path / str(version))

    return publish


@dataclasses.dataclass
class Asker:
    """Asks a server, over gRPC and REST."""

    server: ModelServer

    def __post_init__(self):
        options = [("grpc.enable_http_proxy", 0)]
        self.channel = grpc.insecure_channel(self.server.grpc_address, options)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self.channel
        )
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)

    @staticmethod
    def request(inputs, signature="", name="toy", **spec):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.model_spec.signature_name = signature
        if "version" in spec:
            request.model_spec.version.value = spec["version"]
        if "label" in spec:
            request.model_spec.version_label = spec["label"]
        request.output_filter.extend(spec.get("output_filter", []))
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        return request

    def predict(self, inputs, signature="", timeout=20, **spec):
        """Inputs by name, as arrays; spec is version or version_label."""
        return self.prediction.Predict(self.request(inputs, signature, **spec), timeout)

    def http(self, method, path, body=None, headers=None):
        host = self.server.rest_url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get(self, path):
        status, body = self.http("GET", path)
        return status, json.loads(body)

    def post(self, body, path="/v1/models/toy:predict"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        status, answer = self.http("POST", path, body)
        return status, json.loads(answer)


@pytest.fixture(scope="session")
def eventually():
    """Waits until a condition holds."""
    return wait_until


def wait_until(condition, within_s=15.0):
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, "it has not come to hold"
        time.sleep(0.01)


@pytest.fixture
def serve(tmp_path):
    """Serves `tmp_path/toy` (or other models) with changed options."""
    servers = []

    def serve(*models, **options):
        defaults = {"grpc_port": 0, "rest_port": 0, "poll_s": 0.05, "drain_s": 5.0}
        directories = models or [ServedModelDirectory("toy", tmp_path / "toy")]
        server = ModelServer(directories, ServerOptions(**defaults | options))
        asker = Asker(server.__enter__())
        servers.append(server)
        return asker

    yield serve
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def toy(toy_versions, tmp_path_factory, publish):
    """A server of version 7, to ask only."""
    base_path = tmp_path_factory.mktemp("served") / "toy"
    base_path.mkdir()
    publish(base_path, 7)
    directory = ServedModelDirectory("toy", base_path, labels={"stable": 7})
    with ModelServer([directory], ServerOptions(grpc_port=0, rest_port=0)) as server:
        yield Asker(server)


@pytest.fixture
def base_path(tmp_path) -> pathlib.Path:
    path = tmp_path / "toy"
    path.mkdir()
    return path


@pytest.fixture
def served(serve, base_path, publish):
    """Serves one version with changed options."""
    publish(base_path, 1)
    return serve
