#!/usr/bin/env bash
# duckdb 2.0.1, and 1.1.3 beside it: USING SAMPLE of a few rows of a large table.
#
# A sample of a number of rows is a reservoir sample, in which each row is as likely as any
# other. Since 1.2 (1.2.2, 1.3.2, 1.4.4 and 1.5.0 are like 2.0.1) k rows, up to 29, of 10 million
# come from the first k * 4,096, with every seed. A sample of 30, as far as that reaches just
# 122,880, the rows of a row group, comes from everywhere at once; so does one of a table of
# 1,000 rows, so that a test sees nothing. Without a seed, with several threads or from Parquet it
# is hardly better. Nothing is said; ORDER BY random() LIMIT k is right. A few users or events
# drawn from a table in order of time are the oldest there are.
#
#   1.1.3, sample of 1: mean place 0.49 of the table, 0 of 60 rows in the first 1 * 4096
#   2.0.1, sample of 1: mean place 0.00 of the table, 60 of 60 rows in the first 1 * 4096
#   2.0.1, sample of 29: mean place 0.01 of the table, 1740 of 1740 rows in the first 29 * 4096
#   2.0.1, sample of 30: mean place 0.50 of the table, 24 of 1800 rows in the first 30 * 4096
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
cat > "$folder/sample.py" <<'PYTHON'
import duckdb

NUM_ROWS, NUM_SAMPLES, REACH = 10_000_000, 60, 4096
connection = duckdb.connect(config={"threads": 1})  # Else 1.1.3 is not the same each time.
connection.execute(f"CREATE TABLE items AS SELECT i FROM range({NUM_ROWS}) numbers(i)")


def places_of(query):
    places = []
    for seed in range(NUM_SAMPLES):
        rows = connection.execute(query.format(seed=seed)).fetchall()
        places += [place for (place,) in rows]
    return places


for num in (1, 10, 29, 30):
    places = places_of(f"SELECT i FROM items USING SAMPLE {num} ROWS (reservoir, {{seed}})")
    early = sum(place < num * REACH for place in places)
    print(
        f"{duckdb.__version__}, sample of {num}: "
        f"mean place {sum(places) / len(places) / NUM_ROWS:.2f} of the table, "
        f"{early} of {len(places)} rows in the first {num} * {REACH}"
    )

# Rows that are drawn by their numbers from random() instead, with no seed.
places = places_of("SELECT i FROM items ORDER BY random() LIMIT 10")
mean = sum(places) / len(places) / NUM_ROWS
near = "about a half" if 0.4 < mean < 0.6 else f"{mean:.2f}"
print(f"{duckdb.__version__}, first 10 by random(): mean place {near} of the table")
PYTHON
{
  "$folder/venv/bin/pip" install --quiet duckdb==1.1.3
  "$folder/venv/bin/python" "$folder/sample.py"
  "$folder/venv/bin/pip" install --quiet duckdb==2.0.1
  "$folder/venv/bin/python" "$folder/sample.py"
} | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
1.1.3, sample of 1: mean place 0.49 of the table, 0 of 60 rows in the first 1 * 4096
1.1.3, sample of 10: mean place 0.49 of the table, 3 of 600 rows in the first 10 * 4096
1.1.3, sample of 29: mean place 0.51 of the table, 10 of 1740 rows in the first 29 * 4096
1.1.3, sample of 30: mean place 0.50 of the table, 23 of 1800 rows in the first 30 * 4096
1.1.3, first 10 by random(): mean place about a half of the table
2.0.1, sample of 1: mean place 0.00 of the table, 60 of 60 rows in the first 1 * 4096
2.0.1, sample of 10: mean place 0.00 of the table, 600 of 600 rows in the first 10 * 4096
2.0.1, sample of 29: mean place 0.01 of the table, 1740 of 1740 rows in the first 29 * 4096
2.0.1, sample of 30: mean place 0.50 of the table, 24 of 1800 rows in the first 30 * 4096
2.0.1, first 10 by random(): mean place about a half of the table
EXPECTED
