"""A version directory without a graph, and servers that answer for it.

Both give an item the score of its id; what they cannot read they refuse.
"""

import concurrent.futures
import contextlib
import http.server
import json
import threading
import types

import grpc
import numpy as np
import pytest
import tensorflow as tf
from json_replies import JsonReplies
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from pipeline.serving.rest_client import ServingError, Signature, TensorSpec

ITEMS = [str(number) for number in range(1, 21)]

IDS = TensorSpec("string", (None, None))
NUMBERS = TensorSpec("float32", (None, None))
SUPPORT = {
    "support_item_id": IDS,
    "support_label": NUMBERS,
    "user_gender": TensorSpec("string", (None,)),
    "user_age": TensorSpec("float32", (None,)),
    "user_tags": IDS,
}
SCORE = {"score": NUMBERS}
SIGNATURES = {
    "rank": Signature(SUPPORT | {"query_item_id": IDS}, SCORE),
    "encode": Signature(SUPPORT, {"context": NUMBERS}),
    "score": Signature({"context": NUMBERS, "query_item_id": IDS}, SCORE),
    "recommend": Signature(SUPPORT | {"exclude_item_id": IDS}, SCORE),
}


def scores(inputs):
    """Scores of `rank`; ValueError for inputs that it does not take."""
    if set(inputs) != set(SIGNATURES["rank"].inputs):
        raise ValueError(f"inputs must be those of rank, got {sorted(inputs)}")
    labels = np.array(inputs["support_label"], np.float32)
    if labels.shape != np.array(inputs["support_item_id"]).shape:
        raise ValueError("a label for each id")
    return [[float(item) for item in row] for row in inputs["query_item_id"]]


@pytest.fixture(scope="session")
def signatures():
    return SIGNATURES


@pytest.fixture
def version_dir(tmp_path):
    directory = tmp_path / "cmml" / "7"
    (directory / "assets").mkdir(parents=True)
    vocabularies = {"item_id": ITEMS, "gender": ["F", "M"], "tags": ["a", "b", "c"]}
    for name, values in vocabularies.items():
        path = directory / "assets" / f"{name}.txt"
        path.write_text("".join(f"{v}\n" for v in values), encoding="utf-8")
    (directory / "saved_model.pb").write_bytes(b"")
    manifest = {"model_name": "cmml", "label_min": 1.0, "label_max": 5.0}
    (directory / "assets.extra").mkdir()
    path = directory / "assets.extra" / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return directory


class FakeCaller:
    """Keeps what it is asked; a context is ten times the number of pairs."""

    def __init__(self):
        self.sent = []
        self.is_closed = False

    def signatures(self):
        return SIGNATURES

    def request(self, signature, inputs):
        return signature, inputs

    def send(self, request, timeout_s):
        self.sent.append(request)
        signature, inputs = request
        if signature == "encode":
            return {"context": [[10.0 * len(inputs["support_item_id"][0])]]}
        return {"score": [[1.0]]}

    def close(self):
        self.is_closed = True


@pytest.fixture
def caller():
    return FakeCaller()


class RestHandler(JsonReplies, http.server.BaseHTTPRequestHandler):
    """Answers for the newest folder under the base path of the server."""

    def do_GET(self):
        if self.path.endswith("/metadata"):
            dtypes = {"string": "DT_STRING", "float32": "DT_FLOAT"}
            inputs, outputs = (
                {
                    name: {
                        "dtype": dtypes[dtype],
                        "tensor_shape": {"dim": [{"size": "-1"}] * len(shape)},
                    }
                    for name, (dtype, shape) in specs.items()
                }
                for specs in SIGNATURES["rank"]
            )
            found = {"rank": {"inputs": inputs, "outputs": outputs}}
            self.reply(200, {"metadata": {"signature_def": {"signature_def": found}}})
            return
        numbers = [int(p.name) for p in self.server.base.iterdir() if p.name.isdigit()]
        state = {"version": str(max(numbers)), "state": "AVAILABLE"}
        self.reply(200, {"model_version_status": [state]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            outputs = scores(json.loads(body)["inputs"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            self.reply(400, {"error": str(error)})
            return
        self.server.answered += 1
        self.reply(200, {"outputs": outputs})


@contextlib.contextmanager
def rest_server(model_name, base, version=None):
    """A stand-in for `ServerProcess`, of this process."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RestHandler)
    server.daemon_threads = True
    server.base, server.answered = base, 0
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield types.SimpleNamespace(
            addresses={"rest": f"http://127.0.0.1:{server.server_port}"},
            memory_mb=lambda: 100.0,
            http=server,
        )
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def start_rest_server():
    return rest_server


class GrpcService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """`rank` over gRPC."""

    def Predict(self, request, context):  # noqa: N802
        try:
            inputs = {
                name: tf.make_ndarray(tensor).tolist()
                for name, tensor in request.inputs.items()
            }
            if request.model_spec.signature_name != "rank":
                raise ValueError("only rank")
            values = scores(inputs)
        except (ValueError, TypeError, KeyError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error)[:200])
        answer = predict_pb2.PredictResponse()
        answer.outputs["score"].CopyFrom(tf.make_tensor_proto(values, tf.float32))
        return answer


@pytest.fixture
def grpc_address():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        GrpcService(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture(scope="session")
def serving_error():
    return ServingError
