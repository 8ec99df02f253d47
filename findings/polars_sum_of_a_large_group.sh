#!/usr/bin/env bash
# polars 2.1.0: what a group's Float32 sum is depends on what else is asked for.
#
# One group of 20 million ones, in one thread. group_by().agg(sum) is 16,777,216, as far as float32
# can count by ones, with any engine, and the mean in the same agg is 1. With a median in the agg
# too the same sum is 20,000,000, and with max - min too, but of a DataFrame alone, not of the
# LazyFrame of it: a sum is added up in one of two ways, and its neighbours decide in which.
# Series.sum and over are right. There is no warning. Each thread adds up a part, so that the
# number is that of the machine: 20 million of 0.1 were 2,175,874 in two threads. Eager sums of
# 1.36.1 and 2.0.0 are alike. cast(Float64) first is right. So weights summed by category or by day
# are too low, and just for the largest ones.
#
#   eager group_by, sum: 16777216
#   eager group_by, sum and max - min: 20000000
#   lazy group_by, sum and max - min: 16777216
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 numpy==2.4.6
cat > "$folder/sums.py" <<'PYTHON'
import numpy as np
import polars as pl

NUM = 20_000_000
frame = pl.DataFrame({"key": np.zeros(NUM, np.int32), "x": np.ones(NUM, np.float32)})
x = pl.col("x")
total = x.sum().alias("total")


def show(what, value):
    print(f"{what}: {value:.0f}")


def eager(*others):
    return frame.group_by("key").agg(total, *others)["total"].item()


def lazy(*others, engine="auto"):
    groups = frame.lazy().group_by("key").agg(total, *others).collect(engine=engine)
    return groups["total"].item()


print("polars", pl.__version__)
for engine in ("auto", "in-memory", "streaming"):
    show(f"lazy group_by, sum, {engine}", lazy(engine=engine))
for what, others in (
    ("sum", ()),
    ("sum and mean", (x.mean().alias("mean"),)),
    ("sum and max - min", ((x.max() - x.min()).alias("range"),)),
    ("sum and median", (x.median().alias("median"),)),
):
    show(f"lazy group_by, {what}", lazy(*others))
    show(f"eager group_by, {what}", eager(*others))
show("group_by, mean * rows", frame.group_by("key").agg(x.mean())["x"].item() * NUM)
show("group_by, sum as Float64", frame.group_by("key").agg(x.cast(pl.Float64).sum())["x"].item())
show("over", frame.select(x.sum().over("key"))["x"][0])
show("Series.sum", frame["x"].sum())
PYTHON
POLARS_MAX_THREADS=1 "$folder/venv/bin/python" "$folder/sums.py" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
polars 2.1.0
lazy group_by, sum, auto: 16777216
lazy group_by, sum, in-memory: 16777216
lazy group_by, sum, streaming: 16777216
lazy group_by, sum: 16777216
eager group_by, sum: 16777216
lazy group_by, sum and mean: 16777216
eager group_by, sum and mean: 16777216
lazy group_by, sum and max - min: 16777216
eager group_by, sum and max - min: 20000000
lazy group_by, sum and median: 20000000
eager group_by, sum and median: 20000000
group_by, mean * rows: 20000000
group_by, sum as Float64: 20000000
over: 20000000
Series.sum: 20000000
EXPECTED
