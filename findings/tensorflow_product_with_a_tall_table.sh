#!/usr/bin/env bash
# tensorflow 2.21.0: a few queries times a tall, wide table, turned around, takes many times
# as long as the same product the other way round.
#
# tf.matmul(queries, table, transpose_b=True) is how the scores of all items are written, and
# tf.transpose(tf.matmul(table, queries, transpose_b=True)) is the same numbers. On x86, in one
# thread, for 4 queries of 641 numbers and 300,000 rows, the first took 2.6 s and the second
# 0.17 s; with 100,000 rows 0.42 and 0.05 s; with 17,000, 0.06 and 0.01 s. With one query, or
# 128 numbers in place of 641, there is little between them. TF_ENABLE_ONEDNN_OPTS=0 changes
# nothing of it. Printed is whether the first takes more than three times as long, since the
# times are those of the machine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0
cat > "$folder/cases.py" <<'PYTHON'
import time

import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
table = tf.random.normal([100_000, 641])


@tf.function
def turned(queries):
    return tf.matmul(queries, table, transpose_b=True)


@tf.function
def straight(queries):
    return tf.transpose(tf.matmul(table, queries, transpose_b=True))


def shortest_s(product, queries):
    times = []
    for _ in range(8):
        started = time.perf_counter()
        product(queries).numpy()
        times.append(time.perf_counter() - started)
    return min(times)


for number in (1, 4, 16):
    queries = tf.random.normal([number, 641])
    seconds = [shortest_s(product, queries) for product in (turned, straight)]
    is_longer = seconds[0] > 3 * seconds[1]
    print(f"{number} queries: more than three times as long: {is_longer}")
PYTHON
"$folder/venv/bin/python" "$folder/cases.py" 2>"$folder/log" >"$folder/seen" ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
1 queries: more than three times as long: False
4 queries: more than three times as long: True
16 queries: more than three times as long: True
SEEN
