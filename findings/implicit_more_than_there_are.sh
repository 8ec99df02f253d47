#!/usr/bin/env bash
# implicit 0.7.3: asking for more items than there are.
#
# 8 items, of which a user likes 3 that are left out, as they are by default: 5 are left to
# recommend. Asked for 10, the matrix factorisations answer with 10 items: the 5, then the 3
# that were to be left out with the lowest number that float32 has, then item 0 twice more
# with a score of 0. Item 0 is thus there three times, and by score its copies are above
# each item whose score is negative. The item models do not fill up for one user (for
# several they do, with -1). So where a pool has fewer than N items, a cut at N counts what
# was not recommended.
#
#   AlternatingLeastSquares: 10 items, 3 of them to be left out, item 0 3 times
#   BayesianPersonalizedRanking: 10 items, 3 of them to be left out, item 0 3 times
#   CosineRecommender: 8 items, 3 of them to be left out, item 0 1 times
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet implicit==0.7.3 numpy==2.4.6 scipy==1.17.1
cat > "$folder/recommend.py" <<'PYTHON'
import warnings

import numpy as np
import scipy.sparse

warnings.simplefilter("ignore")  # Threads of OpenBLAS.
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import CosineRecommender

likes = (np.random.default_rng(0).random([50, 8]) < 0.3).astype(np.float32)
likes[0] = [0, 1, 1, 1, 0, 0, 0, 0]
likes = scipy.sparse.csr_matrix(likes)
keys = {"factors": 4, "random_state": 0, "num_threads": 1}
for model in (
    AlternatingLeastSquares(use_gpu=False, **keys),
    BayesianPersonalizedRanking(use_gpu=False, **keys),
    CosineRecommender(num_threads=1),
):
    model.fit(likes, show_progress=False)
    items, _ = model.recommend(0, likes[0], N=10)
    left_out = sum(item in (1, 2, 3) for item in items)
    print(
        f"{type(model).__name__}: {len(items)} items, {left_out} of them to be left "
        f"out, item 0 {(items == 0).sum()} times"
    )
PYTHON
"$folder/venv/bin/python" "$folder/recommend.py" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
AlternatingLeastSquares: 10 items, 3 of them to be left out, item 0 3 times
BayesianPersonalizedRanking: 10 items, 3 of them to be left out, item 0 3 times
CosineRecommender: 8 items, 3 of them to be left out, item 0 1 times
EXPECTED
