#!/usr/bin/env bash
# ranx 0.3.21: NDCG of a run whose scores are all equal.
#
# One relevant document of three, every score 1.0: in expectation over the orders of the tie
# NDCG@1 is 1/3. ranx answers 1 or 0, as the relevant document comes first or last in the
# dictionary that the run is made from; scikit-learn 1.9.0 answers 1/3 for either order.
# A method that gives constants is judged by the order in which its candidates were written.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ranx==0.3.21 scikit-learn==1.9.0
cat > "$folder/ties.py" <<'PYTHON'
import sys

import ranx
import sklearn.metrics

RELEVANCE = {"a": 1, "b": 0, "c": 0}
with open(sys.argv[1], "w") as output:
    for order in (["a", "b", "c"], ["c", "b", "a"]):
        run = ranx.Run({"q": dict.fromkeys(order, 1.0)})
        ours = ranx.evaluate(ranx.Qrels({"q": RELEVANCE}), run, "ndcg@1")
        labels = [[RELEVANCE[document] for document in order]]
        exact = sklearn.metrics.ndcg_score(labels, [[1.0] * len(order)], k=1)
        print(" ".join(order), f"ranx {ours:.3f} scikit-learn {exact:.3f}", file=output)
PYTHON
"$folder/venv/bin/python" "$folder/ties.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
a b c ranx 1.000 scikit-learn 0.333
c b a ranx 0.000 scikit-learn 0.333
SEEN
