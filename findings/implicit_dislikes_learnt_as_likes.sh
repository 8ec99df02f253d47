#!/usr/bin/env bash
# implicit 0.7.3: a matrix with -1 for a dislike, or with stored zeros, and three models of it.
#
# 400 users like items of one half and dislike some of the other. The documentation of
# AlternatingLeastSquares takes -1 for a dislike. BayesianPersonalizedRanking takes the same matrix
# and learns from which entries are stored, not from their values: a dislike is a like, so that
# items of the disliked half that a user has not seen are no worse than those of the liked half, and
# those that the user disliked are better. Zeros that are stored, as data[data < 4] = 0 leaves
# them, are likes too, until eliminate_zeros. Nothing is raised or warned. Printed is how often, for
# the same user, an item that was not seen of the liked half is above one of the other half: not
# seen, then disliked.
#
#   AlternatingLeastSquares, LogisticMatrixFactorization: right (above 0.75) in each case
#   BayesianPersonalizedRanking: likes alone right, dislikes of -1 or 0 0.5 and 0.2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet implicit==0.7.3 numpy==2.4.6 scipy==1.17.1
cat > "$folder/dislikes.py" <<'PYTHON'
import numpy as np
import scipy.sparse
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.lmf import LogisticMatrixFactorization

rng = np.random.default_rng(0)
users, items = np.arange(400)[:, None] % 2, np.arange(60) % 2
near, seen = users == items, rng.random([400, 60]) < 0.3
liked, disliked = near & seen, ~near & seen


def above(scores, others):
    """Returns how often an unseen item of the liked half is above one of the others."""
    pairs = zip(scores, near & ~seen, others)
    return np.mean([(s[a][:, None] > s[b]).mean() for s, a, b in pairs if b.any()])


def show(what, stored, values, model):
    rows, columns = np.nonzero(stored)
    matrix = scipy.sparse.csr_matrix((values[stored], (rows, columns)), shape=seen.shape)
    model.fit(matrix.astype(np.float32), show_progress=False)
    scores = model.user_factors @ model.item_factors.T
    unseen, known = above(scores, ~near & ~seen), above(scores, disliked)
    is_right = "right" if min(unseen, known) > 0.75 else f"{unseen:.1f} and {known:.1f}"
    print(f"{type(model).__name__}, {what}: {is_right}")


for kind in (
    AlternatingLeastSquares,
    LogisticMatrixFactorization,
    BayesianPersonalizedRanking,
):
    for what, stored, value in (
        ("likes alone", liked, 0.0),
        ("dislikes -1", seen, -1.0),
        ("dislikes 0", seen, 0.0),
    ):
        values = np.where(liked, 1.0, value)
        show(what, stored, values, kind(factors=8, num_threads=1, random_state=0))
PYTHON
OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/dislikes.py" \
  2> "$folder/log" | tee "$folder/output" || { cat "$folder/log"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
AlternatingLeastSquares, likes alone: right
AlternatingLeastSquares, dislikes -1: right
AlternatingLeastSquares, dislikes 0: right
LogisticMatrixFactorization, likes alone: right
LogisticMatrixFactorization, dislikes -1: right
LogisticMatrixFactorization, dislikes 0: right
BayesianPersonalizedRanking, likes alone: right
BayesianPersonalizedRanking, dislikes -1: 0.5 and 0.2
BayesianPersonalizedRanking, dislikes 0: 0.5 and 0.2
EXPECTED
