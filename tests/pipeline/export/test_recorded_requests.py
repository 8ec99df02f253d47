import numpy as np
import pytest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from models.legacy_keras import tf
from models.serving.task_request import RecordedRequest, TaskRequest
from pipeline.export.recorded_requests import (
    SUPPORT_SIZES,
    read_requests,
    warmup_requests,
    write_records,
)
from transforms.schema import DataError

INPUTS = {"x": np.array([[1.0, np.nan]], np.float32)}
TEXTS = {"id": np.array([["ä", ""]], object)}

ABOUT = {"model_name": "cmml", "version": 7}


def test_requests_are_read_with_their_answers(tmp_path, record):
    path = tmp_path / "requests"
    record(path, [("rank", INPUTS, TEXTS), ("", TEXTS, None)])
    first, second = read_requests(path)
    assert first.signature == "rank"
    np.testing.assert_array_equal(first.inputs["x"], [[1.0, np.nan]])
    np.testing.assert_array_equal(first.outputs["id"], [["ä".encode(), b""]])
    assert second.signature == "serving_default"
    assert second.outputs == {}


def test_a_file_must_be_there(tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path / 'requests'} is missing"):
        read_requests(tmp_path / "requests")


def test_a_file_must_hold_a_record(tmp_path, record):
    record(tmp_path / "requests", [])
    with pytest.raises(DataError, match="holds no record"):
        read_requests(tmp_path / "requests")


def test_another_kind_of_record_is_named(tmp_path):
    path = tmp_path / "requests"
    log = PredictionLog()
    log.classify_log.SetInParent()
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(log.SerializeToString())
    with pytest.raises(DataError, match="record 1: must be a predict_log, got 'class"):
        read_requests(path)


@pytest.mark.parametrize("place", [20, -3])
def test_a_damaged_record_is_named(tmp_path, record, place):
    path = tmp_path / "requests"
    record(path, [("rank", INPUTS, None)])
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="requests, record 1: is damaged: remove the v"):
        read_requests(path)


def test_a_record_that_is_no_request_is_named(tmp_path):
    path = tmp_path / "requests"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"\xff\xff\xff")
    with pytest.raises(DataError, match="requests, record 1: is no PredictionLog"):
        read_requests(path)


def request(size=1):
    return RecordedRequest(
        "rank",
        {"query_item_id": np.array([[b"a"] * size], dtype=object)},
        {"score": np.full([1, size], 0.5, np.float32)},
    )


def test_records_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "new" / "records"
    write_records(path, [request(1), request(3)], **ABOUT)
    first, second = read_requests(path)
    assert first.signature == "rank"
    assert first.inputs["query_item_id"].tolist() == [[b"a"]]
    np.testing.assert_array_equal(second.outputs["score"], [[0.5, 0.5, 0.5]])


def test_every_signature_is_warmed_up_with_every_size_of_a_support_set():
    task = TaskRequest(
        support={"support_item_id": np.array([[b"a", b"b"]], dtype=object)},
        profile={},
        query={"query_item_id": np.array([[b"c"]], dtype=object)},
        wanted={},
    )
    requests = list(warmup_requests([task], lambda inputs: np.zeros([1, 1])))
    ranked = [r.inputs["support_item_id"] for r in requests if r.signature == "rank"]
    assert tuple(ids.shape[1] for ids in ranked) == SUPPORT_SIZES
    assert {request.signature for request in requests} == {
        *("rank", "encode", "score", "update", "recommend"),
        *("recommend_from_context", "explain"),
    }
