#!/usr/bin/env bash
# lenskit 2025.8.1: the mean over test users of whom a model recommends nothing to some.
#
# Four users are tested. A model that knows two of them gives each a list, of which one is
# right; the cold ones have no list, as ItemListCollection keeps it. RunAnalysis goes through
# the lists, not through the test: `list_metrics(fill_missing=True)` has two rows, and the mean recall
# of list_summary is 0.5, not 0.25. `fill_missing` fills up metrics that are missing in a row,
# never a row. An empty list does count. So a model that says nothing to new users is ahead of one
# that tries.
#
#   no list for the cold users: 2 rows, mean recall 0.50
#   an empty list for each: 4 rows, mean recall 0.25
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet lenskit==2025.8.1 numpy==2.4.6 pandas==2.3.3
cat > "$folder/mean.py" <<'PYTHON'
from lenskit.data import ItemList, ItemListCollection
from lenskit.metrics import Recall, RunAnalysis

test = ItemListCollection.from_dict(
    {user: ItemList(["right"]) for user in (1, 2, 3, 4)}, "user_id"
)
lists = {
    1: ItemList(["right", "other"], ordered=True),
    2: ItemList(["wrong", "other"], ordered=True),
}
empty = {user: ItemList([], ordered=True) for user in (3, 4)}
for name, given in (
    ("no list for the cold users", lists),
    ("an empty list for each", lists | empty),
):
    outputs = ItemListCollection.from_dict(given, "user_id")
    result = RunAnalysis(Recall(2)).measure(outputs, test)
    rows = len(result.list_metrics(fill_missing=True))
    mean = result.list_summary().loc["Recall@2", "mean"]
    print(f"{name}: {rows} rows, mean recall {mean:.2f}")
PYTHON
"$folder/venv/bin/python" "$folder/mean.py" 2> "$folder/log" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
no list for the cold users: 2 rows, mean recall 0.50
an empty list for each: 4 rows, mean recall 0.25
EXPECTED
