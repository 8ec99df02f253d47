#!/usr/bin/env bash
# keras-rs 0.4.0 on keras 3.15.1 and jax 0.10.2: ranking metrics with shuffle_ties=False.
#
# The ranking metrics break ties at random, and shuffle_ties=False is documented to turn that off.
# It changes nothing: the metrics always pass a mask, and with a mask the sort shuffles whatever it
# was told. NDCG@1 of four equal scores, of which the first is right, is 1 or 0 by the seed, and
# alike for True and False with the same seed. So an evaluation without a seed is not the
# same twice where a model gives equal scores, which new items without data have. A fixed seed
# makes it the same.
#
#   shuffle_ties=True: of 100 seeds NDCG@1 is 0 and 1
#   shuffle_ties=False: of 100 seeds NDCG@1 is 0 and 1
#   the same for each seed: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras-rs==0.4.0 keras==3.15.1 jax==0.10.2 jaxlib==0.10.2
cat > "$folder/ties.py" <<'PYTHON'
import keras_rs
import numpy as np

labels, scores = np.array([[1, 0, 0, 0]]), np.zeros([1, 4], np.float32)


def ndcg(shuffle_ties, seed):
    metric = keras_rs.metrics.NDCG(k=1, shuffle_ties=shuffle_ties, seed=seed)
    return round(float(metric(labels, scores)))


found = {ties: [ndcg(ties, seed) for seed in range(100)] for ties in (True, False)}
for ties, values in found.items():
    seen = " and ".join(map(str, sorted(set(values))))
    print(f"shuffle_ties={ties}: of 100 seeds NDCG@1 is {seen}")
print(f"the same for each seed: {found[True] == found[False]}")
PYTHON
KERAS_BACKEND=jax "$folder/venv/bin/python" "$folder/ties.py" 2> "$folder/log" |
  tee "$folder/output" || { cat "$folder/log"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
shuffle_ties=True: of 100 seeds NDCG@1 is 0 and 1
shuffle_ties=False: of 100 seeds NDCG@1 is 0 and 1
the same for each seed: True
EXPECTED
