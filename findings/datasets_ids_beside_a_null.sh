#!/usr/bin/env bash
# datasets 5.2.0, and 5.0.0 beside it: whole numbers beside a missing one, in the format of NumPy.
#
# 1,000 events have each its own user, a number of ten digits (int64), but one, whose user is not
# known. with_format("numpy") gives a column of int64 as int64, and where one is missing, since 5.1, as
# float32, in which such numbers are 128 apart: 999 users are 9. It is done by batch, so that the
# batches without a missing one have their users and the others not, and a single row is exact. filter
# looks at whole batches (of 1,000 rows) even where it is given one row at a time, and finds for one
# user 129. Before, and in the plain format, it finds the one. Times in seconds (float64) are
# float32 in any batch, so that a filter by time is some 60 s off; that is older.
# with_format("numpy", dtype=None) is right for both. Nothing is said.
#
#   5.0.0: filter by a user 1 row, users of a batch without a missing one 500, with one 499
#   5.2.0: filter by a user 129 rows, users of a batch without a missing one 500, with one 5
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 pandas==2.3.3 numpy==2.4.6
cat > "$folder/users.py" <<'PYTHON'
import datasets
import numpy as np

NUM_EVENTS, FIRST_USER, FIRST_TIME = 1000, 2_000_000_000, 1_764_000_000.0

datasets.disable_progress_bars()
users = [FIRST_USER + event for event in range(NUM_EVENTS)]
users[600] = None
times = [FIRST_TIME + event for event in range(NUM_EVENTS)]
plain = datasets.Dataset.from_dict({"user": users, "time": times})
formats = {
    "plain": plain,
    "numpy": plain.with_format("numpy"),
    "numpy, dtype=None": plain.with_format("numpy", dtype=None),
}


def show(name, dataset):
    of_a_user = dataset.filter(lambda event: event["user"] == FIRST_USER + 501)
    later = dataset.filter(lambda event: event["time"] >= FIRST_TIME + 500)
    known = [
        len({user for user in np.asarray(batch["user"]).tolist() if user == user and user})
        for batch in dataset.iter(batch_size=NUM_EVENTS // 2)
    ]
    print(
        f"datasets {datasets.__version__}, {name}:",
        f"by a user {len(of_a_user)}, by time {len(later)};",
        f"users of the two batches {known}, of a row {dataset[501]['user']}",
    )


for name, dataset in formats.items():
    show(name, dataset)
PYTHON
for version in 5.0.0 5.2.0; do
  "$folder/venv/bin/pip" install --quiet "datasets==$version"
  HF_HOME="$folder/home" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/users.py" \
    2> "$folder/log" | tee -a "$folder/seen" || { cat "$folder/log"; exit 1; }
done
diff "$folder/seen" - <<'EXPECTED'
datasets 5.0.0, plain: by a user 1, by time 500; users of the two batches [500, 499], of a row 2000000501
datasets 5.0.0, numpy: by a user 1, by time 552; users of the two batches [500, 499], of a row 2000000501
datasets 5.0.0, numpy, dtype=None: by a user 1, by time 500; users of the two batches [500, 499], of a row 2000000501
datasets 5.2.0, plain: by a user 1, by time 500; users of the two batches [500, 499], of a row 2000000501
datasets 5.2.0, numpy: by a user 129, by time 552; users of the two batches [500, 5], of a row 2000000501
datasets 5.2.0, numpy, dtype=None: by a user 1, by time 500; users of the two batches [500, 499], of a row 2000000501
EXPECTED
