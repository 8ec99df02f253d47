"""Weights of ONNX graphs in one file."""

import numpy as np
import pytest

from pipeline.export.formats.onnx import SharedWeights

onnx = pytest.importorskip("onnx")

TABLE = np.arange(300, dtype=np.float32)  # 1,200 bytes: in a file.
LARGE = np.arange(2000, dtype=np.int64)  # 16,000: four pages of 4,096.
SMALL = np.array([7.0], np.float32)


def graph_of(*arrays):
    """A graph that holds arrays and does nothing."""
    weights = [
        onnx.numpy_helper.from_array(array, f"weight_{place}")
        for place, array in enumerate(arrays)
    ]
    graph = onnx.helper.make_graph([], "graph", [], [], weights)
    return onnx.helper.make_model(graph)


def test_each_weight_is_written_once(tmp_path):
    weights = SharedWeights("weights.bin")
    models = {"first": graph_of(LARGE, SMALL), "second": graph_of(TABLE, LARGE)}
    for name, model in models.items():
        weights.take_from(model)
        (tmp_path / f"{name}.onnx").write_bytes(model.SerializeToString())
        assert (tmp_path / f"{name}.onnx").stat().st_size < 500
    weights.write(tmp_path)
    assert (tmp_path / "weights.bin").stat().st_size == 4 * 4096 + 1200
    for name, arrays in (("first", [LARGE, SMALL]), ("second", [TABLE, LARGE])):
        loaded = onnx.load(tmp_path / f"{name}.onnx")
        for weight, array in zip(loaded.graph.initializer, arrays, strict=True):
            got = onnx.numpy_helper.to_array(weight)
            assert got.dtype == array.dtype
            np.testing.assert_array_equal(got, array)


def test_weights_that_are_no_bytes_yet_are_taken_too(tmp_path):
    model = graph_of()
    model.graph.initializer.append(
        onnx.helper.make_tensor("table", onnx.TensorProto.FLOAT, [300], TABLE)
    )
    weights = SharedWeights("weights.bin")
    weights.take_from(model)
    weights.write(tmp_path)
    content = (tmp_path / "weights.bin").read_bytes()
    assert content == TABLE.tobytes()
    assert not model.graph.initializer[0].float_data
