#!/usr/bin/env bash
# tensorflow 2.21.0: once rows of a variable were gathered, each read of the whole copies it.
#
# tf.gather of a tf.Variable is the op ResourceGather, which marks the variable for the rest of
# its life: from then on ReadVariableOp makes a copy, where before it shares the memory. So a
# model that looks rows of a table up and elsewhere multiplies by the whole table, as one that
# retrieves from its embeddings does, allocates and copies the table at each product. Gathering
# from tf.convert_to_tensor(variable) gives the same rows and leaves reads as they were.
# Printed is by how much the peak of memory grows while a table of 400 MB is multiplied.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0
cat > "$folder/cases.py" <<'PYTHON'
import resource
import sys

import tensorflow as tf

TABLE_MB, WIDTH = 400, 1000


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


table = tf.Variable(tf.zeros([TABLE_MB * 250, WIDTH]))
source = {"variable": table, "tensor": tf.convert_to_tensor(table)}[sys.argv[1]]
held = tf.zeros([TABLE_MB * 250, WIDTH])  # As much as was needed to make the table.


@tf.function
def product():
    return tf.reduce_sum(tf.linalg.matvec(table, tf.ones([WIDTH])))


product()
before = peak_mb()
tf.gather(source, [0, 1])
del source
product()
copies = round((peak_mb() - before) / TABLE_MB)
print(f"rows gathered from the {sys.argv[1]}: {copies} copies")
PYTHON
for source in variable tensor; do
  "$folder/venv/bin/python" "$folder/cases.py" "$source" 2>"$folder/log" ||
    { cat "$folder/log"; exit 1; }
done > "$folder/seen"
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
rows gathered from the variable: 1 copies
rows gathered from the tensor: 0 copies
SEEN
