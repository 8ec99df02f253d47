#!/usr/bin/env bash
# tensorflow 2.21.0 (tf.lite converter) and ai-edge-litert 2.3.0: a slice of no columns.
#
# rows[:, :width] of a width that is known at run time alone has width columns, none for 0. The
# interpreter refuses 0, "Invalid tensor size.", with its CPU delegate and without; tf.slice does as
# indices do. tf.gather(rows, tf.range(width), axis=1) is the same thing, and is answered.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 ai-edge-litert==2.3.0
cat > "$folder/slice.py" <<'PYTHON'
import sys
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

SPEC = [
    tf.TensorSpec([None, None], tf.float32, name="rows"),
    tf.TensorSpec([], tf.int32, name="width"),
]
FUNCTIONS = {
    "slice": lambda rows, width: {"first": rows[:, :width]},
    "gather": lambda rows, width: {"first": tf.gather(rows, tf.range(width), axis=1)},
}
module = tf.Module()
traced = {
    name: tf.function(function, input_signature=SPEC)
    for name, function in FUNCTIONS.items()
}
module.traced = traced
saved = tempfile.mkdtemp()
tf.saved_model.save(module, saved, signatures=traced)
content = tf.lite.TFLiteConverter.from_saved_model(
    saved, signature_keys=list(traced)
).convert()
rows = np.ones([1, 3], np.float32)
with open(sys.argv[1], "w") as output:
    for name, function in traced.items():
        for size in (2, 0):
            width = np.array(size, np.int32)
            expected = list(function(rows, width)["first"].shape)
            runner = Interpreter(model_content=content).get_signature_runner(name)
            try:
                answer = list(runner(rows=rows, width=width)["first"].shape)
            except ValueError as error:
                answer = str(error)
            print(name, "tensorflow", expected, "litert", answer, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/slice.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
slice tensorflow [1, 2] litert [1, 2]
slice tensorflow [1, 0] litert Invalid tensor size.
gather tensorflow [1, 2] litert [1, 2]
gather tensorflow [1, 0] litert [1, 0]
SEEN
