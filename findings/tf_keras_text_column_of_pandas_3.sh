#!/usr/bin/env bash
# tf-keras 2.21.0 and pandas 3.1.1: a column of texts, as pandas 3 reads it, before a layer.
#
# pandas 3 has a type of its own for texts. TensorFlow makes a tensor of such a column,
# and `predict` takes it, but a layer of Keras 2 whose first call is with it raises a TypeError,
# since it asks TensorFlow what type of weights that would be. A layer that was called before,
# if only while a model was put together, takes it; a new one takes it as `object`, and one of
# Keras 3 as it is. So a cell of a notebook fails or not by which other one was run first.
#
#   tf.convert_to_tensor: taken
#   predict: taken
#   StringLookup that was called before: taken
#   StringLookup: TypeError
#   Hashing: TypeError
#   StringLookup of objects: taken
#   StringLookup of Keras 3: taken
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 tf-keras==2.21.0 keras==3.15.1 \
  pandas==3.1.1
cat > "$folder/columns.py" <<'PYTHON'
import keras
import pandas as pd
import tensorflow as tf
import tf_keras

WORDS = ["a", "b", "c"]
column = pd.DataFrame({"user": WORDS})["user"]
words = tf_keras.Input([1], dtype=tf.string, name="user")
lookup = tf_keras.layers.StringLookup(vocabulary=WORDS)
model = tf_keras.Model(words, lookup(words))


def show(what, call, *arguments, **keys):
    try:
        call(*arguments, **keys)
        print(f"{what}: taken")
    except TypeError as error:
        assert "StringDtype" in str(error), error
        print(f"{what}: TypeError")


show("tf.convert_to_tensor", tf.convert_to_tensor, column)
show("predict", model.predict, {"user": column}, verbose=0)
show("StringLookup that was called before", lookup, column)
show("StringLookup", tf_keras.layers.StringLookup(vocabulary=WORDS), column)
show("Hashing", tf_keras.layers.Hashing(10), column)
new = tf_keras.layers.StringLookup(vocabulary=WORDS)
show("StringLookup of objects", new, column.astype(object))
show("StringLookup of Keras 3", keras.layers.StringLookup(vocabulary=WORDS), column)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/columns.py" \
  2>"$folder/errors" | tee "$folder/output" || { cat "$folder/errors"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
tf.convert_to_tensor: taken
predict: taken
StringLookup that was called before: taken
StringLookup: TypeError
Hashing: TypeError
StringLookup of objects: taken
StringLookup of Keras 3: taken
EXPECTED
