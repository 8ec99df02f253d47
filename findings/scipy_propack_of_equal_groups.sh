#!/usr/bin/env bash
# scipy 1.17.1, and 1.16.3 beside it: svds(solver="propack") of one-hot rows.
#
# 1,000 items of 100 categories, 10 in each, as one-hot rows: every singular value is the root of
# 10, 3.16. SciPy 1.17, whose PROPACK was rewritten from Fortran in C, finds singular values that
# are too small by 0.4 or more, for each of ten starting vectors, and singular vectors of which one
# is there twice (u.T @ u has 1 where it should have 0). Nothing is raised or warned. 1.16.3 is
# right with the same numpy, and so is the default solver, "arpack", of 1.17.1. It is the equal
# sizes that matter: with categories of random sizes both versions agree nearly always.
#
#   scipy 1.16.3, propack: of 10 starts 0 with wrong values, 0 with vectors not orthogonal
#   scipy 1.17.1, propack: of 10 starts 10 with wrong values, 10 with vectors not orthogonal
#   scipy 1.17.1, arpack: of 10 starts 0 with wrong values, 0 with vectors not orthogonal
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
cat > "$folder/groups.py" <<'PYTHON'
import sys
import warnings

import numpy as np
import scipy
import scipy.sparse
from scipy.sparse.linalg import svds

warnings.simplefilter("error")
items = scipy.sparse.csr_array(np.eye(100)[np.arange(1000) % 100])
for solver in sys.argv[1:]:
    wrong = skewed = 0
    for seed in range(10):
        u, values, _ = svds(items, k=3, solver=solver, rng=np.random.default_rng(seed))
        wrong += np.abs(values - np.sqrt(10)).max() > 0.4
        skewed += np.abs(u.T @ u - np.eye(3)).max() > 0.9
    print(
        f"scipy {scipy.__version__}, {solver}: of 10 starts {wrong} with wrong values, "
        f"{skewed} with vectors not orthogonal"
    )
PYTHON
{
  "$folder/venv/bin/pip" install --quiet scipy==1.16.3 numpy==2.2.6
  "$folder/venv/bin/python" "$folder/groups.py" propack
  "$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.2.6
  "$folder/venv/bin/python" "$folder/groups.py" propack arpack
} | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
scipy 1.16.3, propack: of 10 starts 0 with wrong values, 0 with vectors not orthogonal
scipy 1.17.1, propack: of 10 starts 10 with wrong values, 10 with vectors not orthogonal
scipy 1.17.1, arpack: of 10 starts 0 with wrong values, 0 with vectors not orthogonal
EXPECTED
