#!/usr/bin/env bash
# evidently 0.7.23 with pandas 2.3.3: MAP@k of a ranking that is perfect.
#
# A user of ten ranked items has the right one first: average precision is 1. MAP takes the last row
# of the table with a rank up to k for the item of rank k, without sorting, so that it depends on
# the order of rows: 2.93 for the same rows turned around. And a user with fewer than k items counts
# its last row again at each rank up to k: beside a user whose only item is right MAP is 5.5,
# so that it grows with the share of users of whom few items are judged. Recall, NDCG
# and MRR of the same rows are right. Nothing is warned.
#
#   ten items, best first: MAP 1.00, NDCG 1.00, recall 1.00
#   ten items, best last: MAP 2.93, NDCG 1.00, recall 1.00
#   ten items, and a user of one: MAP 5.50, NDCG 1.00, recall 1.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet evidently==0.7.23 pandas==2.3.3 numpy==2.4.6
cat > "$folder/perfect.py" <<'PYTHON'
import pandas as pd
from evidently import DataDefinition, Dataset, Recsys, Report
from evidently.metrics import MAP, NDCG, RecallTopK

K = 10


def user(name, size):
    """Returns the ranked items of a user, of which the first is the right one."""
    ranks = range(1, size + 1)
    target = [int(rank == 1) for rank in ranks]
    items = [f"item {rank}" for rank in ranks]
    columns = {"user_id": name, "item_id": items, "prediction": ranks, "target": target}
    return pd.DataFrame(columns)


def show(what, table):
    definition = DataDefinition(ranking=[Recsys(recommendations_type="rank")])
    dataset = Dataset.from_pandas(table.reset_index(drop=True), definition)
    metrics = [metric(k=K) for metric in (MAP, NDCG, RecallTopK)]
    shown = Report(metrics).run(dataset).dict()["metrics"]
    values = [list(metric["value"]["value"].values())[K - 1] for metric in shown]
    print(f"{what}: MAP {values[0]:.2f}, NDCG {values[1]:.2f}, recall {values[2]:.2f}")


show("ten items, best first", user("a", K))
show("ten items, best last", user("a", K)[::-1])
show("ten items, and a user of one", pd.concat([user("a", K), user("b", 1)]))
PYTHON
DO_NOT_TRACK=1 "$folder/venv/bin/python" "$folder/perfect.py" 2> "$folder/log" |
  tee "$folder/output" || { cat "$folder/log"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
ten items, best first: MAP 1.00, NDCG 1.00, recall 1.00
ten items, best last: MAP 2.93, NDCG 1.00, recall 1.00
ten items, and a user of one: MAP 5.50, NDCG 1.00, recall 1.00
EXPECTED
