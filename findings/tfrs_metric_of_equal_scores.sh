#!/usr/bin/env bash
# tensorflow-recommenders 0.7.7 on tensorflow 2.21.0: FactorizedTopK of a model that says nothing.
#
# 1,000 candidates have the same embedding, so that chance puts the right one first for 1
# of 1,000 queries. Given embeddings alone, the metric says that it is first for all: the
# score of the right one is compared with the k best, and a tie counts as found. Given
# ids of the right ones too, by an argument that may be left out, it looks for them among
# the first k ids, and what is first among equals is what was indexed first. Scores that
# are not numbers count as not found. So a model that has collapsed looks perfect, and one
# that has diverged does not.
#
#   embeddings alone: top 1 1.000, top 10 1.000
#   with ids: top 1 0.001, top 10 0.010
#   not a number: top 1 0.000, top 10 0.000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 tf-keras==2.21.0 \
  tensorflow-recommenders==0.7.7
cat > "$folder/metric.py" <<'PYTHON'
import tensorflow as tf
import tensorflow_recommenders as tfrs

NUM = 1000


def show(what, queries, ids=None):
    index = tfrs.layers.factorized_top_k.BruteForce(k=10)
    names = tf.strings.as_string(tf.range(NUM))
    index.index(tf.ones([NUM, 4]), names)
    metric = tfrs.metrics.FactorizedTopK(candidates=index, ks=(1, 10))
    right = tf.ones([NUM, 4])
    metric.update_state(queries, right, true_candidate_ids=ids)
    first, ten = (float(value) for value in metric.result())
    print(f"{what}: top 1 {first:.3f}, top 10 {ten:.3f}")


queries = tf.ones([NUM, 4])
show("embeddings alone", queries)
show("with ids", queries, tf.strings.as_string(tf.range(NUM)))
show("not a number", queries * float("nan"))
PYTHON
TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/metric.py" \
  2>"$folder/errors" | tee "$folder/output" || { cat "$folder/errors"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
embeddings alone: top 1 1.000, top 10 1.000
with ids: top 1 0.001, top 10 0.010
not a number: top 1 0.000, top 10 0.000
EXPECTED
