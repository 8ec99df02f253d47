#!/usr/bin/env bash
# tf2onnx 1.17.0 with tensorflow 2.21.0 and onnxruntime 1.32.0: tf.where and NaN.
#
# The converter writes a choice between floats as condition * x + (1 - condition) * y, which its
# source calls faster than Where. A NaN or an infinity that is not chosen makes the result NaN:
# tf.where(x <= 2, x, 0), the usual way to put a number in place of NaN, answers NaN. It says
# nothing. It keeps Where if the condition is itself IsNaN or x != x, or if a constant is inf or
# NaN. custom_op_handlers={"SelectV2": (handler, [])} with a handler that sets
# node.type = "Where" makes it right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 onnxruntime==1.32.0 \
  onnx==1.23.2 tf2onnx==1.17.0
cat > "$folder/choice.py" <<'PYTHON'
import sys

import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

SPEC = [tf.TensorSpec([None], tf.float32)]
NUMBERS = np.array([np.nan, 1.0, np.inf], np.float32)


def as_where(ctx, node, name, args):
    node.type = "Where"


@tf.function(input_signature=SPEC)
def known(x):
    return tf.where(x <= 2.0, x, 0.0)


with open(sys.argv[1], "w") as output:
    for name, handlers in (("plain", {}), ("handled", {"SelectV2": (as_where, [])})):
        model, _ = tf2onnx.convert.from_function(
            known, input_signature=SPEC, opset=17, custom_op_handlers=handlers
        )
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (answer,) = session.run(None, {session.get_inputs()[0].name: NUMBERS})
        print(name, "tensorflow", *known(NUMBERS).numpy(), file=output)
        print(name, "onnxruntime", *answer, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/choice.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
plain tensorflow 0.0 1.0 0.0
plain onnxruntime nan 1.0 nan
handled tensorflow 0.0 1.0 0.0
handled onnxruntime 0.0 1.0 0.0
SEEN
