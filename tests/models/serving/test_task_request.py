import numpy as np
import pytest

from models.serving.task_request import TaskRequest, as_json


def ids(*values):
    return np.array([[value.encode() for value in values]], dtype=object)


@pytest.fixture
def task():
    return TaskRequest(
        support={
            "support_item_id": ids("a", "b"),
            "support_label": np.array([[4.0, 2.0]], np.float32),
        },
        profile={"user_age": np.array([31.0], np.float32)},
        query={"query_item_id": ids("c", "d", "e")},
        wanted={"exclude_item_id": ids("c")},
    )


def encode(inputs):
    """A context that tells how many pairs it was made of."""
    return np.array([[float(len(inputs["support_item_id"][0]))]], np.float32)


def test_a_support_set_is_padded_with_empty_ids(task):
    support = task.with_support(3).support
    assert support["support_item_id"].tolist() == [[b"a", b"b", b""]]
    assert support["support_label"].tolist() == [[4.0, 2.0, 0.0]]


@pytest.mark.parametrize("width", [0, 1])
def test_a_support_set_is_cut_to_its_first_pairs(task, width):
    support = task.with_support(width).support
    assert support["support_item_id"].tolist() == [[b"a"][:width]]
    assert support["support_label"].shape == (1, width)


def test_the_query_is_cut_to_its_first_pairs(task):
    assert task.with_query(2).query["query_item_id"].tolist() == [[b"c", b"d"]]
    assert task.with_query(9).query["query_item_id"].shape == (1, 3)


def test_every_signature_gets_what_it_takes(task):
    requests = task.requests(encode)
    support, user = {"support_item_id", "support_label"}, {"user_age"}
    assert {name: set(inputs) for name, inputs in requests.items()} == {
        "rank": support | user | {"query_item_id"},
        "encode": support | user,
        "score": {"context", "query_item_id"},
        "update": {"context"} | support,
        "recommend": support | user | {"exclude_item_id"},
        "recommend_from_context": {"context", "exclude_item_id"},
        "explain": support | user | {"query_item_id"},
    }


def test_a_context_is_of_the_support_set_and_that_to_be_updated_of_one_pair(task):
    requests = task.requests(encode)
    assert requests["score"]["context"].tolist() == [[2.0]]
    assert requests["update"]["context"].tolist() == [[1.0]]
    assert requests["update"]["support_item_id"].tolist() == [[b"a"]]


def test_a_row_of_json_has_no_batch_dimension(task):
    row = as_json(task.rank | {"user_name": np.array([b"\xc3\xa9"], dtype=object)})
    assert row == {
        "support_item_id": ["a", "b"],
        "support_label": [4.0, 2.0],
        "query_item_id": ["c", "d", "e"],
        "user_age": 31.0,
        "user_name": "é",
    }
