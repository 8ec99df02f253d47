#!/usr/bin/env bash
# torchmetrics 1.9.0, and 1.6.3 beside it, with torch 2.15.0: retrieval metrics of scores below 0.
#
# One item of 50 is right for each of 200 queries. Taking one number from every score changes
# no order, so no metric of a ranking. Since 1.7.4 (1.7.3 not yet) recall, precision, MRR and MAP
# count a right item as found only where its score is above 0; hit rate and NDCG do as before. So with
# log-probabilities or distances with a minus recall and MRR are 0 where hit rate is 0.61,
# which is the same as recall where a query has one right item. The documentation says "Accepts
# float predictions from a model output"; nothing warns. What a sigmoid or softmax gives is
# right. Logits are judged by their bias. (torch takes 5 GB of disk.)
#
#   1.6.3, scores -3: hit rate 0.610, recall 0.610, MRR 0.289, NDCG 0.363
#   1.9.0, scores -3: hit rate 0.610, recall 0.035, MRR 0.035, NDCG 0.363
#   1.9.0, scores -10: hit rate 0.610, recall 0.000, MRR 0.000, NDCG 0.363
#   by numpy, of either: recall 0.610, MRR 0.289
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6 torchmetrics==1.6.3
cat > "$folder/shift.py" <<'PYTHON'
import numpy as np
import torch
import torchmetrics
from torchmetrics import retrieval

NUM_QUERIES, NUM_ITEMS, K = 200, 50, 10
METRICS = {
    "hit rate": retrieval.RetrievalHitRate,
    "recall": retrieval.RetrievalRecall,
    "precision": retrieval.RetrievalPrecision,
    "MRR": retrieval.RetrievalMRR,
    "MAP": retrieval.RetrievalMAP,
    "NDCG": retrieval.RetrievalNormalizedDCG,
}
scores = np.random.default_rng(0).normal(size=[NUM_QUERIES, NUM_ITEMS])
scores[:, 0] += 1  # The right item.
right = torch.zeros([NUM_QUERIES, NUM_ITEMS], dtype=torch.long)
right[:, 0] = 1
queries = torch.arange(NUM_QUERIES)[:, None].expand_as(right)
for shift in (10, 0, -3, -10):
    shown = []
    for name, metric in METRICS.items():
        measured = metric(top_k=K)
        measured.update(torch.tensor(scores + shift), right, indexes=queries)
        shown.append(f"{name} {float(measured.compute()):.3f}")
    print(f"{torchmetrics.__version__}, scores {shift:+d}:", ", ".join(shown))

ranks = (scores > scores[:, :1]).sum(axis=1) + 1
found = ranks <= K
print(f"by numpy: recall {found.mean():.3f}, MRR {(found / ranks).mean():.3f}")
PYTHON
{
  "$folder/venv/bin/python" "$folder/shift.py"
  "$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0
  "$folder/venv/bin/python" "$folder/shift.py"
} | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
1.6.3, scores +10: hit rate 0.610, recall 0.610, precision 0.061, MRR 0.289, MAP 0.289, NDCG 0.363
1.6.3, scores +0: hit rate 0.610, recall 0.610, precision 0.061, MRR 0.289, MAP 0.289, NDCG 0.363
1.6.3, scores -3: hit rate 0.610, recall 0.610, precision 0.061, MRR 0.289, MAP 0.289, NDCG 0.363
1.6.3, scores -10: hit rate 0.610, recall 0.610, precision 0.061, MRR 0.289, MAP 0.289, NDCG 0.363
by numpy: recall 0.610, MRR 0.289
1.9.0, scores +10: hit rate 0.610, recall 0.610, precision 0.061, MRR 0.289, MAP 0.289, NDCG 0.363
1.9.0, scores +0: hit rate 0.610, recall 0.610, precision 0.061, MRR 0.289, MAP 0.289, NDCG 0.363
1.9.0, scores -3: hit rate 0.610, recall 0.035, precision 0.004, MRR 0.035, MAP 0.035, NDCG 0.363
1.9.0, scores -10: hit rate 0.610, recall 0.000, precision 0.000, MRR 0.000, MAP 0.000, NDCG 0.363
by numpy: recall 0.610, MRR 0.289
EXPECTED
