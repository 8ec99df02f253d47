import numpy as np

from models.serving.recorded_request import RecordedRequest
from models.serving.task_request import TaskRequest
from pipeline.export.recorded_requests import read_requests
from pipeline.export.request_records import (
    SUPPORT_SIZES,
    warmup_requests,
    write_records,
)

ABOUT = {"model_name": "cmml", "version": 7}


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
