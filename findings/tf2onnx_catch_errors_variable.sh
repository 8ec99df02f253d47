#!/usr/bin/env bash
# tf2onnx 1.17.0 with tensorflow 2.21.0: TF2ONNX_CATCH_ERRORS=TRUE turns catching off.
#
# By itself the converter copies the graph before each optimizer, so that one that fails can be
# undone. The variable is to say whether it does. Only that it is set counts, not its value: TRUE,
# FALSE and an empty text all end the copies, and with them the catching, so that who asks for it
# loses it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 onnx==1.23.2 tf2onnx==1.17.0
cat > "$folder/convert.py" <<'PYTHON'
import copy
import os
import sys
import types

import tensorflow as tf
import tf2onnx
from tf2onnx import optimizer
from tf2onnx.graph import Graph

copies = 0


def deepcopy(value):
    global copies
    copies += isinstance(value, Graph)
    return copy.deepcopy(value)


# What `optimize_graph` copies is counted, and copied all the same.
optimizer.copy = types.SimpleNamespace(deepcopy=deepcopy)
signature = [tf.TensorSpec([None], tf.float32)]
graph = tf.function(lambda x: tf.nn.relu(x) + 1.0, input_signature=signature)
with open(sys.argv[1], "w") as output:
    for value in (None, "TRUE", "FALSE", ""):
        os.environ.pop("TF2ONNX_CATCH_ERRORS", None)
        if value is not None:
            os.environ["TF2ONNX_CATCH_ERRORS"] = value
        copies = 0
        tf2onnx.convert.from_function(graph, input_signature=signature, opset=17)
        print(repr(value), "copies" if copies else "no copy", file=output)
PYTHON
"$folder/venv/bin/python" "$folder/convert.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
None copies
'TRUE' no copy
'FALSE' no copy
'' no copy
SEEN
