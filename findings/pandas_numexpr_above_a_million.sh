#!/usr/bin/env bash
# pandas 3.1.1, and numexpr 2.14.2 beside it: types of a result, and the number of rows.
#
# pandas computes by NumExpr where that is installed ("pandas[performance]" brings it) and a
# column or frame has more than 1,000,000 elements, and NumExpr has its own rules for types. Of an
# int64 and a float32 column NumPy makes float64, NumExpr float32, in which times in seconds are
# 128 s apart: an event's time less a float32 age is wrong by up to 64 s, and of events 30 s
# after a limit that is float32 none is after it. A float32 column times 0.5 becomes float64, an
# int32 column plus 1 int64, with another result at the largest number, and the negative power
# of an integer is a number in place of a ValueError. One row decides, so that a test on a part of
# the data sees nothing, and files of one table differ in their types. There is no warning.
# pd.set_option("compute.use_numexpr", False), or astype before the operation, makes it even.
#
#   alone, 1000001 rows, and with numexpr 1000000:
#     time - age float64 1764000020, after the limit 1000001 (or 1000000) of them,
#     float32 * 0.5 float32, int32 + 1 int32 -2147483648, 2 ** -1 ValueError
#   with numexpr, 1000001 rows:
#     time - age float32 1764000000, after the limit 0 of them,
#     float32 * 0.5 float64, int32 + 1 int64 2147483648, 2 ** -1 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6
cat > "$folder/rows.py" <<'PYTHON'
import sys

import numpy as np
import pandas as pd


def power(rows):
    """Returns 2 ** -1 of two columns of integers, or the name of its error."""
    try:
        return (pd.Series(np.full(rows, 2)) ** pd.Series(np.full(rows, -1))).iloc[0]
    except ValueError as error:
        return type(error).__name__


def show(rows):
    times = pd.Series(np.full(rows, 1_764_000_030))  # Seconds, int64.
    ages = pd.Series(np.full(rows, 10, np.float32))
    limits = pd.Series(np.full(rows, 1_764_000_000, np.float32))
    whole = pd.Series(np.full(rows, 2_147_483_647, np.int32))
    begun, more = times - ages, whole + 1
    print(f"{sys.argv[1]}, {rows} rows:")
    print(f"  time - age {begun.dtype} {begun.iloc[0]:.0f}")
    print(f"  after the limit {(times > limits).sum()}")
    print(f"  float32 * 0.5 {(ages * 0.5).dtype}")
    print(f"  int32 + 1 {more.dtype} {more.iloc[0]}")
    print(f"  2 ** -1 {power(rows)}")


for rows in (1_000_000, 1_000_001):
    show(rows)
PYTHON
"$folder/venv/bin/python" "$folder/rows.py" alone | tee "$folder/seen"
"$folder/venv/bin/pip" install --quiet numexpr==2.14.2
"$folder/venv/bin/python" "$folder/rows.py" numexpr | tee -a "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
alone, 1000000 rows:
  time - age float64 1764000020
  after the limit 1000000
  float32 * 0.5 float32
  int32 + 1 int32 -2147483648
  2 ** -1 ValueError
alone, 1000001 rows:
  time - age float64 1764000020
  after the limit 1000001
  float32 * 0.5 float32
  int32 + 1 int32 -2147483648
  2 ** -1 ValueError
numexpr, 1000000 rows:
  time - age float64 1764000020
  after the limit 1000000
  float32 * 0.5 float32
  int32 + 1 int32 -2147483648
  2 ** -1 ValueError
numexpr, 1000001 rows:
  time - age float32 1764000000
  after the limit 0
  float32 * 0.5 float64
  int32 + 1 int64 2147483648
  2 ** -1 0
EXPECTED
