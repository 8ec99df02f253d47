#!/usr/bin/env bash
# recommenders 1.2.1: over which users r_precision_at_k, ndcg_at_k and the others are a mean.
#
# r_precision_at_k is said to be "equivalent to the recall at the R-th position", R being the number
# of items that are relevant to the user, so that where all users have two, it is recall_at_k with
# k=2. It is a mean over the users for whom something is found: who would have 0 is left out, and
# a model that is right for 1 user of 100 and for nobody else has 1.0, and wins against one that finds
# half for each. Where nobody has a hit within the first R it is nan. ndcg_at_k goes the other way: a
# user of the test without a list counts as 0 there, and is left out of the precision, recall
# and MAP. So with lists for 50 users of 100, all right, recall and MAP are 1.0 and ndcg_at_k is
# 0.5. Nothing is said. So one table has means over three sets of users.
#
#   right for 1 user of 100: recall at 2 0.01, r_precision_at_k 1.0
#   half right for each user: recall at 2 0.5, r_precision_at_k 0.5
#   right for 50 users, no list for 50: recall at 2 1.0, map_at_k 1.0, ndcg_at_k 0.5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet recommenders==1.2.1 pandas==2.3.3 numpy==2.4.6
cat > "$folder/users.py" <<'PYTHON'
import pandas as pd
from recommenders.evaluation.python_evaluation import (
    map_at_k,
    ndcg_at_k,
    r_precision_at_k,
    recall_at_k,
)

NUM_USERS, K = 100, 10
WRONG = list(range(K))


def relevant(user):
    """Returns the two items that the user chose in the test."""
    return [1000 + 2 * user, 1001 + 2 * user]


def show(name, lists):
    rows = [(user, item, 1.0) for user in range(NUM_USERS) for item in relevant(user)]
    chosen = pd.DataFrame(rows, columns=["userID", "itemID", "rating"])
    rows = [
        (user, item, float(K - place))
        for user, items in lists.items()
        for place, item in enumerate(items[:K])
    ]
    predicted = pd.DataFrame(rows, columns=["userID", "itemID", "prediction"])
    shown = [f"recall at 2 {recall_at_k(chosen, predicted, k=2):.4g}"]
    for metric in (r_precision_at_k, map_at_k, ndcg_at_k):
        shown.append(f"{metric.__name__} {metric(chosen, predicted, k=K):.4g}")
    print(f"{name}:", ", ".join(shown))


users = range(NUM_USERS)
show(
    "right for 1 user",
    {user: relevant(user) + WRONG if user == 0 else WRONG for user in users},
)
show("half right for each", {user: relevant(user)[:1] + WRONG for user in users})
show("the third and fourth right for each", {user: WRONG[:2] + relevant(user) for user in users})
show("right for 50 users, no list for 50", {user: relevant(user) + WRONG for user in users[:50]})
PYTHON
"$folder/venv/bin/python" "$folder/users.py" 2> "$folder/log" | tee "$folder/output" ||
  { cat "$folder/log"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
right for 1 user: recall at 2 0.01, r_precision_at_k 1, map_at_k 0.01, ndcg_at_k 0.01
half right for each: recall at 2 0.5, r_precision_at_k 0.5, map_at_k 0.5, ndcg_at_k 0.6131
the third and fourth right for each: recall at 2 0, r_precision_at_k nan, map_at_k 0.4167, ndcg_at_k 0.5706
right for 50 users, no list for 50: recall at 2 1, r_precision_at_k 1, map_at_k 1, ndcg_at_k 0.5
EXPECTED
