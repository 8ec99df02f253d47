"""Signatures by rows answer as those by ids do, with ops that other runtimes have."""

import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.row_signatures import ROW_SIGNATURES, row_signatures

MEMBERS = [
    ("user", {"encoder": "mean", "hybrid": "none", "modulation": "film"}),
    ("scenario", {"encoder": "gru", "hybrid": "dot", "modulation": "film"}),
]
FOREIGN = {  # What ONNX or LiteRT cannot do.
    *("MatrixInverse", "MatrixSolve", "MatrixDiagV3", "Cholesky", "Log1p"),
    *("StaticRegexReplace", "LookupTableFindV2", "StringLower", "Assert"),
    *("TensorListReserve", "TensorListFromTensor", "EnsureShape"),
    *("ResourceGatherNd", "TensorScatterMin", "StatelessIf", "If"),
}


@pytest.fixture(scope="module", params=MEMBERS, ids=lambda value: value[0])
def traced(request):
    """The served model of a setting, its request, and its signatures by rows."""
    name, members = request.param
    setting = request.getfixturevalue(f"{name}_setting")
    served = setting.serve(members)
    return setting, served, row_signatures(served)


def ops_of(function):
    graph = function.graph.as_graph_def()
    bodies = [body.node_def for body in graph.library.function]
    return {node.op for nodes in [graph.node, *bodies] for node in nodes}


def test_they_hold_no_op_that_other_runtimes_lack(traced):
    _, _, signatures = traced
    assert set(signatures) == set(ROW_SIGNATURES)
    for function in signatures.values():
        assert not ops_of(function) & FOREIGN
        assert not {name for name in ops_of(function) if name.startswith("String")}


def test_no_op_takes_numbers_that_other_runtimes_lack(traced):
    _, _, signatures = traced
    for function in signatures.values():
        dtypes = {
            tensor.dtype
            for op in function.graph.get_operations()
            for tensor in op.outputs
        }
        assert not dtypes & {tf.float64, tf.string, tf.uint8}


def test_the_answers_are_those_of_the_signatures_of_ids(traced):
    setting, served, signatures = traced
    adapt = setting.support | setting.profile
    context = {"context": served.encode(**adapt)["context"]}
    requests = {
        "rank": adapt | setting.query,
        "encode": adapt,
        "score": context | setting.query,
        "recommend": adapt | setting.wanted,
        "recommend_from_context": context | setting.wanted,
        "explain": adapt | setting.query,
    }
    assert set(requests) == set(ROW_SIGNATURES)
    for name, request in requests.items():
        rows = served._rows_of(request)
        _, specs = signatures[name].structured_input_signature
        assert set(rows) == set(specs)
        given = {key: widened(value, specs[key]) for key, value in rows.items()}
        answer = signatures[name](**given)
        if "item_row" in answer:
            answer = served._named(dict(answer))
        expected = getattr(served, name)(**request)
        assert set(answer) == set(expected)
        for key, value in expected.items():
            if value.dtype == tf.string:
                np.testing.assert_array_equal(answer[key], value)
            else:
                np.testing.assert_allclose(answer[key], value, atol=1e-4, rtol=1e-5)


def test_an_empty_support_set_is_one_of_padding(traced):
    setting, served, signatures = traced
    empty = {name: value[:, :0] for name, value in setting.support.items()}
    rows = served._rows_of(empty | setting.profile | setting.query)
    _, specs = signatures["explain"].structured_input_signature
    answer = signatures["explain"](
        **{key: widened(value, specs[key]) for key, value in rows.items()}
    )
    padded = {
        name: tf.constant("", shape=value[:, :1].shape)
        if value.dtype == tf.string
        else value[:, :1]
        for name, value in setting.support.items()
    }
    expected = served.rank(**padded, **setting.profile, **setting.query)["score"]
    np.testing.assert_allclose(answer["score"], expected, atol=1e-4, rtol=1e-5)
    assert answer["attribution"].shape == (*expected.shape, 0)


def widened(value, spec):
    """Pads the values of a feature to as many as there may be."""
    if spec.shape.rank < 2 or spec.shape[1] is None:
        return value
    return tf.pad(value, [[0, 0], [0, spec.shape[1] - value.shape[1]]])
