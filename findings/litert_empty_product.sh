#!/usr/bin/env bash
# tensorflow 2.21.0 (tf.lite converter) and ai-edge-litert 2.3.0: a product over nothing.
#
# A product of matrices whose inner dimension is 0 is a matrix of zeros. The interpreter, whose
# CPU delegate (XNNPACK) is on by default, refuses it when it sees the shape: "XNNPack delegate
# failed to reshape runtime". Without the delegate it answers zeros. Sums over nothing and dense
# layers of no rows are right either way. A set that can be empty has to be padded by one row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 ai-edge-litert==2.3.0
cat > "$folder/empty.py" <<'PYTHON'
import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType

module = tf.Module()
module.gram = tf.function(
    lambda rows: {"gram": tf.matmul(rows, rows, transpose_a=True)},
    input_signature=[tf.TensorSpec([None, None, 2], tf.float32, name="rows")],
)
saved = str(pathlib.Path(tempfile.mkdtemp()) / "saved")
tf.saved_model.save(module, saved, signatures={"serving_default": module.gram})
content = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
RESOLVERS = {
    "default": OpResolverType.AUTO,
    "without_delegate": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}
with open(sys.argv[1], "w") as output:
    for name, resolver in RESOLVERS.items():
        for size in (1, 0):
            runner = Interpreter(
                model_content=content, experimental_op_resolver_type=resolver
            ).get_signature_runner()
            try:
                gram = runner(rows=np.ones([1, size, 2], np.float32))["gram"]
                answer = " ".join(map(str, gram.ravel()))
            except RuntimeError as error:
                known = "failed to reshape" in str(error)
                answer = "failed to reshape" if known else repr(error)
            print(name, "rows", size, answer, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/empty.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
default rows 1 1.0 1.0 1.0 1.0
default rows 0 failed to reshape
without_delegate rows 1 1.0 1.0 1.0 1.0
without_delegate rows 0 0.0 0.0 0.0 0.0
SEEN
