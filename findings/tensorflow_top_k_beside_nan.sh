#!/usr/bin/env bash
# tensorflow 2.21.0: tf.math.top_k of scores among which one is not a number.
#
# One score of 10,000 is NaN. What top_k finds is then not the best of the others with NaN
# before or behind them, but wrong: for k = 10 none of the ten best is there, and k = 1 of
# [1, 5, 3, NaN] is 1, at place 0. For k = 100 it is nearly right, so
# that a test with few items, or with a large k, sees nothing. tf.sort is out of order in
# the same way; numpy and ONNX Runtime 1.32.0 put the NaN at one end, and the rest in order. So
# a model of which one item's vector is spoilt recommends others to everybody, not one
# item too many or too few.
#
#   tensorflow: the best of [1, 5, 3, NaN] is 1 at place 0
#   tensorflow: of the best 1 without the NaN, 1 are found
#   tensorflow: of the best 10 without the NaN, 0 are found
#   tensorflow: of the best 100 without the NaN, 99 are found
#   onnxruntime: of the best 10 without the NaN, 9 are found
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
cat > "$folder/best.py" <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
from onnx import TensorProto, helper

best = tf.math.top_k(tf.constant([1.0, 5.0, 3.0, np.nan]), 1)
value, place = best.values.numpy()[0], best.indices.numpy()[0]
print(f"tensorflow: the best of [1, 5, 3, NaN] is {value:.0f} at place {place}")

scores = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
spoilt = scores.copy()
spoilt[7] = np.nan


def told(name, found, k):
    right = set(np.argsort(-scores)[:k].tolist())
    num = len(right & set(found.tolist()))
    print(f"{name}: of the best {k} without the NaN, {num} are found")


for k in (1, 10, 100):
    told("tensorflow", tf.math.top_k(spoilt, k).indices.numpy(), k)

floats, whole = TensorProto.FLOAT, TensorProto.INT64
graph = helper.make_graph(
    [helper.make_node("TopK", ["scores", "k"], ["values", "places"])],
    "best",
    [helper.make_tensor_value_info("scores", floats, [None])],
    [
        helper.make_tensor_value_info("values", floats, [None]),
        helper.make_tensor_value_info("places", whole, [None]),
    ],
    [helper.make_tensor("k", whole, [1], [10])],
)
model = helper.make_model(
    graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
)
session = onnxruntime.InferenceSession(model.SerializeToString())
told("onnxruntime", session.run(["places"], {"scores": spoilt})[0], 10)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/best.py" 2> "$folder/log" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
tensorflow: the best of [1, 5, 3, NaN] is 1 at place 0
tensorflow: of the best 1 without the NaN, 1 are found
tensorflow: of the best 10 without the NaN, 0 are found
tensorflow: of the best 100 without the NaN, 99 are found
onnxruntime: of the best 10 without the NaN, 9 are found
EXPECTED
