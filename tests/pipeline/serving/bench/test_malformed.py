"""That what is said to be wrong with a request is."""

import json

import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from pipeline.serving.bench.malformed import (
    WRONG_BODIES,
    WRONG_INPUTS,
    WRONG_MESSAGES,
    message,
)

GOOD = {
    "support_item_id": [["1", "2"]],
    "support_label": [[4.0, 5.0]],
    "query_item_id": [["3"]],
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("kind", sorted(WRONG_INPUTS))
def test_inputs_are_changed_and_the_good_ones_left_alone(kind, rng):
    before = json.dumps(GOOD)
    assert repr(WRONG_INPUTS[kind](GOOD, rng)) != repr(GOOD)
    assert json.dumps(GOOD) == before


def test_inputs_are_wrong_in_the_way_that_is_said(rng):
    wrong = {kind: change(GOOD, rng) for kind, change in WRONG_INPUTS.items()}
    assert len(wrong["an input missing"]) == 2
    assert np.isnan(wrong["label NaN"]["support_label"]).sum() == 1
    assert len(wrong["10,000 support pairs"]["support_label"][0]) == 10_000
    assert len(wrong["an id of 10 kB"]["query_item_id"][0][0]) == 10_000
    assert sorted(map(len, wrong["rows that differ"].values())) == [1, 1, 2]
    assert wrong["more labels than ids"]["support_label"] == [[4.0, 5.0, 1.0]]


def test_every_kind_of_inputs_fits_a_message(rng):
    for change in WRONG_INPUTS.values():
        data = message("cmml", change(GOOD, rng)).SerializeToString()
        request = predict_pb2.PredictRequest.FromString(data)
        assert request.model_spec.signature_name == "rank"


def test_bytes_of_messages_and_bodies_are_changed(rng):
    whole = message("cmml", GOOD).SerializeToString()
    for kind, change in WRONG_MESSAGES.items():
        assert change(whole, rng) != whole, kind
    body = json.dumps({"signature_name": "rank", "inputs": GOOD}).encode()
    for kind, change in WRONG_BODIES.items():
        assert change(body, rng) != body, kind


def test_a_message_states_what_it_does_not_hold(rng):
    whole = message("cmml", GOOD).SerializeToString()
    sizes = {}
    for kind in ("a shape of 2**40", "a negative shape"):
        data = WRONG_MESSAGES[kind](whole, rng)
        request = predict_pb2.PredictRequest.FromString(data)
        sizes[kind] = request.inputs["query_item_id"].tensor_shape.dim[1].size
    assert sizes == {"a shape of 2**40": 2**40, "a negative shape": -5}


def test_the_generator_decides():
    whole = message("cmml", GOOD).SerializeToString()

    def flipped(seed):
        return WRONG_MESSAGES["bytes flipped"](whole, np.random.default_rng(seed))

    assert flipped(1) == flipped(1)
    assert flipped(1) != flipped(2)
