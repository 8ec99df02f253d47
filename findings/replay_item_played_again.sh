#!/usr/bin/env bash
# replay-rec 0.22.0 (RePlay): NDCG and MAP where a user has the same item several times in the test.
#
# A log of plays or purchases has an item of a user as often as it was played. Recall, precision and
# MRR take the items of the test as a set. NDCG and MAP look up the same set, but divide by the
# ideal of as many items as there are rows, so that a list that holds all that was played, first,
# has 0.39 and 0.25 at 4 for a user who played one item four times, and can have no more. It is so for
# pandas, polars, dictionaries and OfflineMetrics; the code for Spark (read, not run) gathers a
# set, so it would be right. Repeated rows of recommendations are warned of, those of the test not.
# Who repeats counts less: of two models, each right for one of two users, the one that serves the
# user of one play is 2.6 times as good by NDCG, 4 times by MAP, and equal by recall.
#
#   both users served: recall 1.00, NDCG 0.70, MAP 0.62; rows of the test once: 1.00, 1.00, 1.00
#   only who repeats: recall 0.50, NDCG 0.20, MAP 0.12; only the other: recall 0.50, NDCG 0.50, MAP 0.50
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet replay-rec==0.22.0 \
  pandas==2.3.3 polars==1.44.2 numpy==2.4.6 pyarrow==23.0.1
cat > "$folder/plays.py" <<'PYTHON'
import inspect
import warnings

import pandas as pd
import polars as pl
from replay.metrics import MAP, MRR, NDCG, OfflineMetrics, Precision, Recall

METRICS = (Recall, NDCG, MAP, MRR, Precision)
# User 1 played item 7 four times, user 2 item 9 once.
plays = pd.DataFrame({"query_id": [1, 1, 1, 1, 2], "item_id": [7, 7, 7, 7, 9]})
served = pd.DataFrame({"query_id": [1, 2], "item_id": [7, 9], "rating": [1.0, 1.0]})
wrong = served.assign(item_id=[8, 8])


def as_lists(table):
    return {user: list(items) for user, items in table.groupby("query_id")["item_id"]}


def scored(table):
    return {user: [(item, 1.0) for item in items] for user, items in as_lists(table).items()}


def show(what, values):
    print(f"{what}:", ", ".join(f"{name} {value:.3f}" for name, value in values.items()))


def measured(recommended, test):
    values = {}
    for metric in METRICS:
        values |= metric(4)(recommended, test)
    return values


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    once = plays.drop_duplicates()
    show("pandas, once", measured(served, once))
    show("pandas", measured(served, plays))
    show("polars", measured(pl.from_pandas(served), pl.from_pandas(plays)))
    show("dictionaries", measured(scored(served), as_lists(plays)))
    offline = OfflineMetrics([NDCG(4), MAP(4)])
    show("OfflineMetrics", offline(pl.from_pandas(served), pl.from_pandas(plays)))
    for user in (1, 2):
        right = served.where(served["query_id"] == user, wrong)
        show(f"only user {user}, once", measured(right, once))
        show(f"only user {user}", measured(right, plays))
    print("warnings:", sum("duplicate" in str(warning.message) for warning in caught))
    Recall(4)(pd.concat([served, served]), plays)
    print("warnings:", sum("duplicate" in str(warning.message) for warning in caught))
spark = inspect.getsource(NDCG._get_enriched_recommendations_spark)
print("Spark gathers a set:", "collect_set(self.item_column)" in spark)
PYTHON
"$folder/venv/bin/python" "$folder/plays.py" 2> "$folder/log" |
  tee "$folder/output" || { cat "$folder/log"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
pandas, once: Recall@4 1.000, NDCG@4 1.000, MAP@4 1.000, MRR@4 1.000, Precision@4 0.250
pandas: Recall@4 1.000, NDCG@4 0.695, MAP@4 0.625, MRR@4 1.000, Precision@4 0.250
polars: Recall@4 1.000, NDCG@4 0.695, MAP@4 0.625, MRR@4 1.000, Precision@4 0.250
dictionaries: Recall@4 1.000, NDCG@4 0.695, MAP@4 0.625, MRR@4 1.000, Precision@4 0.250
OfflineMetrics: NDCG@4 0.695, MAP@4 0.625
only user 1, once: Recall@4 0.500, NDCG@4 0.500, MAP@4 0.500, MRR@4 0.500, Precision@4 0.125
only user 1: Recall@4 0.500, NDCG@4 0.195, MAP@4 0.125, MRR@4 0.500, Precision@4 0.125
only user 2, once: Recall@4 0.500, NDCG@4 0.500, MAP@4 0.500, MRR@4 0.500, Precision@4 0.125
only user 2: Recall@4 0.500, NDCG@4 0.500, MAP@4 0.500, MRR@4 0.500, Precision@4 0.125
warnings: 0
warnings: 1
Spark gathers a set: True
EXPECTED
