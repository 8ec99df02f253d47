#!/usr/bin/env bash
# tensorflow 2.21.0 (tf.lite converter) and ai-edge-litert 2.3.0: a table read from a file.
#
# A StaticHashTable converts with built-in operations alone, whether its keys are tensors or a
# vocabulary file. From tensors its rows are in the model, and lookups answer. From a file the
# converter is silent too, but the model holds no rows: every lookup raises "hashtable need to
# be initialized", at the first call. A converted model has to be called before it is kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 ai-edge-litert==2.3.0
cat > "$folder/tables.py" <<'PYTHON'
import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

folder = pathlib.Path(tempfile.mkdtemp())
(folder / "vocabulary.txt").write_text("a\nb\nc\n")
INITIALIZERS = {
    "tensors": lambda: tf.lookup.KeyValueTensorInitializer(
        ["a", "b", "c"], tf.constant([0, 1, 2], tf.int64)
    ),
    "file": lambda: tf.lookup.TextFileInitializer(
        str(folder / "vocabulary.txt"),
        tf.string,
        tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64,
        tf.lookup.TextFileIndex.LINE_NUMBER,
    ),
}


def answer(name):
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(INITIALIZERS[name](), -1)
    module.row = tf.function(
        lambda key: {"row": module.table.lookup(key)},
        input_signature=[tf.TensorSpec([None], tf.string, name="key")],
    )
    saved = str(folder / name)
    tf.saved_model.save(module, saved, signatures={"serving_default": module.row})
    converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    runner = Interpreter(model_content=converter.convert()).get_signature_runner()
    try:
        rows = runner(key=np.array([b"a", b"c", b"z"]))["row"]
    except RuntimeError as error:
        known = "hashtable need to be initialized" in str(error)
        return "not initialized" if known else repr(error)
    return " ".join(map(str, rows))


with open(sys.argv[1], "w") as output:
    for name in INITIALIZERS:
        print(name, "converted, called:", answer(name), file=output)
PYTHON
"$folder/venv/bin/python" "$folder/tables.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
tensors converted, called: 0 2 -1
file converted, called: not initialized
SEEN
