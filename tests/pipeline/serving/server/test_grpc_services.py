import concurrent.futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

Code = grpc.StatusCode
ITEM = np.array([[b"ab", b"c"]], object)
LABEL = np.array([[1.0, 2.0]], np.float32)
PAIRS = {"item": ITEM, "label": LABEL}


def refusal(call, *arguments, **named):
    """The code and the message that a call is refused with."""
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **named)
    return refused.value.code(), refused.value.details()


@pytest.mark.parametrize("spec", [{}, {"version": 7}, {"label": "stable"}])
def test_the_answer_says_who_gave_it(toy, spec):
    response = toy.predict(PAIRS, **spec)
    np.testing.assert_array_equal(
        tf.make_ndarray(response.outputs["score"]), [[3.0, 3.0]]
    )
    answered = response.model_spec
    assert (answered.name, answered.version.value) == ("toy", 7)
    assert answered.signature_name == "serving_default"


def test_values_are_in_the_fields_that_tensorflow_serving_fills(toy):
    outputs = toy.predict({"x": np.float32([1.5, -1.0])}, "describe").outputs
    assert outputs["third"].float_val[:] == [0.5, np.float32(-1 / 3)]
    assert outputs["whole"].int64_val[:] == [1, -1]
    assert outputs["is_positive"].bool_val[:] == [True, False]
    assert outputs["raw_bytes"].string_val[:] == [b"\xff1.5", b"\xff-1.0"]
    pair = {"pair": np.int32([[2, 3], [4, 5]])}
    (total,) = toy.predict(pair, "total").outputs.values()
    assert (total.int_val[:], total.tensor_shape.dim) == ([14], [])


def test_only_the_outputs_asked_for_are_given(toy):
    x = {"x": np.float32([3.0])}
    response = toy.predict(x, "describe", output_filter=["whole", "third"])
    assert set(response.outputs) == {"whole", "third"}
    for wanted in (["no"], ["whole", "whole"]):
        code, _ = refusal(toy.predict, x, "describe", output_filter=wanted)
        assert code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("inputs", "signature", "spec", "code", "message"),
    [
        (
            PAIRS,
            "",
            {"name": "no"},
            Code.NOT_FOUND,
            "for request: Latest(no)",
        ),
        (PAIRS, "", {"name": ""}, Code.INVALID_ARGUMENT, "no name specified"),
        (PAIRS, "", {"version": 8}, Code.NOT_FOUND, "Specific(toy, 8)"),
        (PAIRS, "", {"label": "no"}, Code.INVALID_ARGUMENT, "version label: no"),
        (PAIRS, "no", {}, Code.FAILED_PRECONDITION, 'signature key "no" not found'),
        ({"item": ITEM}, "", {}, Code.INVALID_ARGUMENT, "but required: {label}"),
        (PAIRS | {"x": LABEL}, "", {}, Code.INVALID_ARGUMENT, "Sent extra: {x}"),
        (
            PAIRS | {"label": LABEL.astype(np.float64)},
            "",
            {},
            Code.INVALID_ARGUMENT,
            "'label' must be DT_FLOAT, got DT_DOUBLE",
        ),
        (
            PAIRS | {"label": LABEL[0]},
            "",
            {},
            Code.INVALID_ARGUMENT,
            "must have shape [?, ?], got [2]",
        ),
        (
            PAIRS | {"label": LABEL[:, :1] * [1, 1, 1]},
            "",
            {},
            Code.INVALID_ARGUMENT,
            "",
        ),
        (
            PAIRS | {"label": np.float32([[1, 6]])},
            "",
            {},
            Code.INVALID_ARGUMENT,
            "label must be at most 5, got 6",
        ),
    ],
)
def test_a_bad_request_is_refused_with_its_code(
    toy, inputs, signature, spec, code, message
):
    found, text = refusal(
        toy.prediction.Predict, toy.request(inputs, signature, **spec), 20
    )
    assert (found, message in text) == (code, True), text
    assert "node" not in text


def test_a_tensor_that_stands_for_many_values_is_refused(toy):
    request = toy.request(PAIRS)
    request.inputs["label"].tensor_shape.dim[1].size = 10**12
    code, message = refusal(toy.prediction.Predict, request, 20)
    assert code is Code.INVALID_ARGUMENT
    assert "at most 4194304 values" in message
    request = toy.request(PAIRS)
    request.inputs["label"].CopyFrom(tf.make_tensor_proto(np.zeros([1, 0], np.float32)))
    request.inputs["label"].tensor_shape.dim[0].size = 2**40  # 2**40 times 0 is 0.
    code, message = refusal(toy.prediction.Predict, request, 20)
    assert code is Code.INVALID_ARGUMENT
    assert "got shape [1099511627776, 0]" in message


def test_a_message_does_not_repeat_all_that_was_sent(toy):
    code, message = refusal(toy.predict, PAIRS, "no" * 5000)
    assert code is Code.FAILED_PRECONDITION
    assert message.startswith('Serving signature key "nono')
    assert len(message) == 1003
    assert message.endswith("...")


def test_a_tensor_whose_values_do_not_fit_its_shape_is_refused(toy):
    request = toy.request(PAIRS)
    request.inputs["label"].ClearField("float_val")
    request.inputs["label"].tensor_content = b"123"
    code, message = refusal(toy.prediction.Predict, request, 20)
    assert code is Code.INVALID_ARGUMENT
    assert "values of shape [1, 2]" in message
    request.inputs["label"].tensor_shape.dim[0].size = -1
    code, message = refusal(toy.prediction.Predict, request, 20)
    assert (code, "known shape" in message) == (Code.INVALID_ARGUMENT, True)


def test_a_large_request_is_refused(toy):
    item = np.array([[b"x" * (4 * 2**20)]], object)
    code, _ = refusal(toy.predict, {"item": item, "label": LABEL[:, :1]})
    assert code is Code.RESOURCE_EXHAUSTED


def test_metadata_holds_the_signatures(toy):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "toy"
    code, _ = refusal(toy.prediction.GetModelMetadata, request, 20)
    assert code is Code.INVALID_ARGUMENT
    request.metadata_field.append("signature_def")
    response = toy.prediction.GetModelMetadata(request, 20)
    definitions = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(definitions)
    assert response.model_spec.version.value == 7
    inputs = definitions.signature_def["serving_default"].inputs
    assert inputs["label"].dtype == tf.float32.as_datatype_enum
    request.metadata_field[0] = "size"
    assert refusal(toy.prediction.GetModelMetadata, request, 20) == (
        Code.INVALID_ARGUMENT,
        "Metadata field size is not supported",
    )


def test_status_names_every_version(toy):
    request = get_model_status_pb2.GetModelStatusRequest()
    assert refusal(toy.model.GetModelStatus, request, 20)[0] is Code.INVALID_ARGUMENT
    request.model_spec.name = "toy"
    (status,) = toy.model.GetModelStatus(request, 20).model_version_status
    assert (status.version, status.state, status.status.error_code) == (7, 30, 0)
    request.model_spec.version.value = 8
    assert refusal(toy.model.GetModelStatus, request, 20) == (
        Code.NOT_FOUND,
        "Could not find version 8 of model toy",
    )


def test_what_is_not_served_says_so(toy):
    request = classification_pb2.ClassificationRequest()
    assert refusal(toy.prediction.Classify, request, 20) == (
        Code.UNIMPLEMENTED,
        "Classify is not served, use Predict.",
    )


def test_health_is_told_as_kubernetes_asks_for_it(toy):
    stub = health_pb2_grpc.HealthStub(toy.channel)
    for service in ("", "tensorflow.serving.PredictionService"):
        request = health_pb2.HealthCheckRequest(service=service)
        assert stub.Check(request).status == health_pb2.HealthCheckResponse.SERVING


def test_many_clients_at_once_get_their_own_answers(toy):
    def ask(number):
        inputs = {"item": ITEM, "label": np.float32([[number % 5, 0]])}
        return toy.predict(inputs).outputs["score"].float_val[0]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(100)))
    assert answers == [2.0 + number % 5 for number in range(100)]


SIZES = st.lists(st.integers(-2, 4), max_size=3)
PROTOS = st.builds(
    lambda dtype, sizes, floats, strings, content: tensor_pb2.TensorProto(
        dtype=dtype,
        tensor_shape=tf.TensorShape(None).as_proto()
        if -2 in sizes
        else {"dim": [{"size": size} for size in sizes]},
        float_val=floats,
        string_val=strings,
        tensor_content=content,
    ),
    st.sampled_from([0, 1, 2, 3, 7, 9, 23, 99]),
    SIZES,
    st.lists(st.floats(width=32), max_size=4),
    st.lists(st.binary(max_size=3), max_size=4),
    st.binary(max_size=9),
)
FUZZ = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FAULTS_OF_THE_SENDER = {Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.NOT_FOUND}


@FUZZ
@given(st.dictionaries(st.sampled_from(["item", "label", "x"]), PROTOS, max_size=2))
def test_no_tensor_is_the_fault_of_the_server(toy, inputs):
    request = predict_pb2.PredictRequest(inputs=inputs)
    request.model_spec.name = "toy"
    request.model_spec.signature_name = "describe" if "x" in inputs else ""
    answer = toy.prediction.Predict.future(request, 20)
    assert answer.code() in {Code.OK, *FAULTS_OF_THE_SENDER}, answer.details()


@FUZZ
@given(st.binary(max_size=60))
@example(b"\xff")
def test_no_bytes_are_the_fault_of_the_server(toy, message):
    call = toy.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    assert refusal(call, message, timeout=20)[0] in FAULTS_OF_THE_SENDER


def test_the_server_still_answers_after_all_that(toy):
    assert toy.predict(PAIRS).outputs["score"].float_val[:] == [3.0, 3.0]
