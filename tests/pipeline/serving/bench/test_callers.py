"""A model of this process as a caller; the clients have tests of their own."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.serving.bench.callers import open_caller
from pipeline.serving.bench.options import IN_PROCESS
from pipeline.serving.client import Client
from pipeline.serving.rest_client import RestClient, TensorSpec


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Scores an item with the sum of the labels times the length of its id."""
    specs = {
        "support_label": tf.TensorSpec([None, None], tf.float32),
        "query_item_id": tf.TensorSpec([None, None], tf.string),
    }

    @tf.function
    def rank(support_label, query_item_id):
        lengths = tf.cast(tf.strings.length(query_item_id), tf.float32)
        return {"score": tf.reduce_sum(support_label, 1, keepdims=True) * lengths}

    module = tf.Module()
    module.rank = rank
    directory = tmp_path_factory.mktemp("exported") / "3"
    signatures = {"rank": rank.get_concrete_function(**specs)}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


def test_a_model_of_this_process_answers(exported):
    caller = open_caller(IN_PROCESS, exported, "cmml", "")
    signature = caller.signatures()["rank"]
    assert signature.inputs["support_label"] == TensorSpec("float32", (None, None))
    assert signature.outputs["score"].dtype == "float32"
    inputs = {"support_label": [[1.0, 2.0]], "query_item_id": [["a", "bcd"]]}
    request = caller.request("rank", inputs)
    np.testing.assert_allclose(caller.send(request, 1.0)["score"], [[3.0, 9.0]])
    empty = caller.request("rank", {"support_label": [[]], "query_item_id": [["a"]]})
    np.testing.assert_allclose(caller.send(empty, 1.0)["score"], [[0.0]])
    caller.close()


@pytest.mark.parametrize(
    ("transport", "kind"), [("grpc", Client), ("rest", RestClient)]
)
def test_a_server_is_asked_by_a_client(exported, transport, kind):
    caller = open_caller(transport, exported, "cmml", "127.0.0.1:1")
    assert isinstance(caller, kind)
    caller.close()
