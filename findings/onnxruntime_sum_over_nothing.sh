#!/usr/bin/env bash
# onnxruntime 1.31.1, and 1.20.1 and 1.30.0 alike: a sum over an axis where another one is empty.
#
# ReduceSum of [1, 0, 3] over the last axis is [1, 0], or [1, 0, 1] with keepdims. The runtime gives
# [1, 0, 3] either way, so that what follows fails to broadcast. 1.32.0 answers as it should;
# onnxruntime-web and onnxruntime-node 1.30.0 do not. A set that can be empty has to be padded by one
# row there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 onnx==1.23.2 onnxruntime==1.31.1
"$folder/venv/bin/pip" install --quiet --no-deps --target "$folder/later" onnxruntime==1.32.0
cat > "$folder/sum.py" <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

onnxruntime.set_default_logger_severity(4)
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None, 3])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
axes = helper.make_tensor("axes", TensorProto.INT64, [1], [-1])
for keepdims in (0, 1):
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=keepdims)
    graph = helper.make_graph([node], "sum", [x], [y], [axes])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for size in (2, 0):
        (total,) = session.run(None, {"x": np.ones([1, size, 3], np.float32)})
        version = onnxruntime.__version__
        print(version, "keepdims", keepdims, "rows", size, "shape", list(total.shape))
PYTHON
"$folder/venv/bin/python" "$folder/sum.py" > "$folder/seen"
PYTHONPATH="$folder/later" "$folder/venv/bin/python" "$folder/sum.py" >> "$folder/seen"
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
1.31.1 keepdims 0 rows 2 shape [1, 2]
1.31.1 keepdims 0 rows 0 shape [1, 0, 3]
1.31.1 keepdims 1 rows 2 shape [1, 2, 1]
1.31.1 keepdims 1 rows 0 shape [1, 0, 3]
1.32.0 keepdims 0 rows 2 shape [1, 2]
1.32.0 keepdims 0 rows 0 shape [1, 0]
1.32.0 keepdims 1 rows 2 shape [1, 2, 1]
1.32.0 keepdims 1 rows 0 shape [1, 0, 1]
SEEN
