#!/usr/bin/env bash
# tf2onnx 1.17.0 with tensorflow 2.21.0 and onnxruntime 1.32.0: integer // and %.
#
# The converter writes tf.math.floormod and floordiv of integers as Div, Mul and Sub of ONNX,
# whose integer Div rounds towards zero: negative numbers get another quotient and a negative
# remainder (-9 % 8 is -1, not 7). It says nothing. For floats it adds a Floor, and agrees.
# A graph that wraps positions or hashes ids by % is wrong after conversion.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 onnxruntime==1.32.0 \
  onnx==1.23.2 tf2onnx==1.17.0
cat > "$folder/floor.py" <<'PYTHON'
import sys

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

OPERATIONS = {"floormod": tf.math.floormod, "floordiv": tf.math.floordiv}
with open(sys.argv[1], "w") as output:
    for dtype in (tf.int32, tf.int64, tf.float32):
        numbers = np.array([-9, -8, -1, 0, 1, 9], dtype.as_numpy_dtype)
        for name, operation in OPERATIONS.items():
            signature = [tf.TensorSpec([None], dtype)]
            graph = tf.function(lambda x: operation(x, 8), input_signature=signature)
            model, _ = tf2onnx.convert.from_function(
                graph, input_signature=signature, opset=17
            )
            session = onnxruntime.InferenceSession(model.SerializeToString())
            (answer,) = session.run(None, {session.get_inputs()[0].name: numbers})
            for runtime, values in (
                ("tensorflow", graph(numbers).numpy()),
                ("onnxruntime", answer),
            ):
                # Adding zero makes -0.0 of floats 0.
                listed = " ".join(str(int(value + 0)) for value in values)
                print(dtype.name, name, runtime, listed, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/floor.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
int32 floormod tensorflow 7 0 7 0 1 1
int32 floormod onnxruntime -1 0 -1 0 1 1
int32 floordiv tensorflow -2 -1 -1 0 0 1
int32 floordiv onnxruntime -1 -1 0 0 0 1
int64 floormod tensorflow 7 0 7 0 1 1
int64 floormod onnxruntime -1 0 -1 0 1 1
int64 floordiv tensorflow -2 -1 -1 0 0 1
int64 floordiv onnxruntime -1 -1 0 0 0 1
float32 floormod tensorflow 7 0 7 0 1 1
float32 floormod onnxruntime 7 0 7 0 1 1
float32 floordiv tensorflow -2 -1 -1 0 0 1
float32 floordiv onnxruntime -2 -1 -1 0 0 1
SEEN
