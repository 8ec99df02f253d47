#!/usr/bin/env bash
# duckdb 2.0.1, and 1.5.6 beside it: isnan of a column of a Parquet file that another library wrote.
#
# Parquet keeps NaN out of the smallest and the largest value of a column, and pyarrow and polars
# write the two of what is left. Since 2.0 (2.0.0 is like 2.0.1) DuckDB takes that to mean that there
# is no NaN, and has false in place of isnan(x) before it reads a row. WHERE isnan(x) finds none, the
# sum of isnan(x) is 0, a CASE that puts 0 for NaN leaves it, and a table that is made of the rows
# WHERE NOT isnan(x) holds it, as isnan of the table says. Of two files at once the sum is right and
# WHERE isnan(x) still finds none. 1.5.6 is right; so is 2.0.1 for files that DuckDB wrote, for
# NOT isfinite(x), and with can_have_nan = true. There is no warning. So a table passes the check for
# NaN, goes through the step that replaces it, and has it still.
#
#   NaN in 1 row of 4 (found, summed, in a table of the others; 0 in its place)
#     1.5.6: pyarrow's and polars' file 1, 1, 0; 0.0
#     2.0.1: pyarrow's and polars' file 0, 0, 1; nan; DuckDB's file 1, 1, 0; 0.0
#   the two files of pyarrow and polars together, 2.0.1: 0, 2, 0; 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3.11 -m venv venv
venv/bin/pip install --quiet pyarrow==26.0.1 polars==2.1.0
cat > write.py <<'PYTHON'
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

table = pa.table({"x": [1.0, 5.0, float("nan"), 8.0]})
pq.write_table(table, "pyarrow.parquet")
pl.from_arrow(table).write_parquet("polars.parquet")
PYTHON
cat > ask.py <<'PYTHON'
import duckdb

connection = duckdb.connect(config={"threads": 1})  # So that the rows are in order.


def ask(what):
    (answer,) = connection.execute(f"SELECT {what}").fetchone()
    return answer


def show(name, rows):
    connection.execute(f"CREATE OR REPLACE TABLE others AS FROM {rows} WHERE NOT isnan(x)")
    print(
        f"duckdb {duckdb.__version__}, {name}:",
        f"found {ask(f'count(*) FROM {rows} WHERE isnan(x)')},",
        f"summed {ask(f'sum(isnan(x)::INT) FROM {rows}')},",
        f"in the table of others {ask('sum(isnan(x)::INT) FROM others')},",
        f"not finite {ask(f'count(*) FROM {rows} WHERE NOT isfinite(x)')};",
        ask(f"list(CASE WHEN isnan(x) THEN 0 ELSE x END) FROM {rows}"),
    )


connection.execute("COPY (FROM 'pyarrow.parquet') TO 'duckdb.parquet'")
for name in ("pyarrow", "polars", "duckdb"):
    show(name, f"'{name}.parquet'")
show("both", "read_parquet(['pyarrow.parquet', 'polars.parquet'])")
show("can_have_nan", "read_parquet('pyarrow.parquet', can_have_nan = true)")
PYTHON
venv/bin/python write.py
for version in 1.5.6 2.0.1; do
  venv/bin/pip install --quiet "duckdb==$version"
  venv/bin/python ask.py | tee -a seen
done
diff seen - <<'EXPECTED'
duckdb 1.5.6, pyarrow: found 1, summed 1, in the table of others 0, not finite 1; [1.0, 5.0, 0.0, 8.0]
duckdb 1.5.6, polars: found 1, summed 1, in the table of others 0, not finite 1; [1.0, 5.0, 0.0, 8.0]
duckdb 1.5.6, duckdb: found 1, summed 1, in the table of others 0, not finite 1; [1.0, 5.0, 0.0, 8.0]
duckdb 1.5.6, both: found 2, summed 2, in the table of others 0, not finite 2; [1.0, 5.0, 0.0, 8.0, 1.0, 5.0, 0.0, 8.0]
duckdb 1.5.6, can_have_nan: found 1, summed 1, in the table of others 0, not finite 1; [1.0, 5.0, 0.0, 8.0]
duckdb 2.0.1, pyarrow: found 0, summed 0, in the table of others 1, not finite 1; [1.0, 5.0, nan, 8.0]
duckdb 2.0.1, polars: found 0, summed 0, in the table of others 1, not finite 1; [1.0, 5.0, nan, 8.0]
duckdb 2.0.1, duckdb: found 1, summed 1, in the table of others 0, not finite 1; [1.0, 5.0, 0.0, 8.0]
duckdb 2.0.1, both: found 0, summed 2, in the table of others 0, not finite 2; [1.0, 5.0, 0.0, 8.0, 1.0, 5.0, 0.0, 8.0]
duckdb 2.0.1, can_have_nan: found 1, summed 1, in the table of others 0, not finite 1; [1.0, 5.0, 0.0, 8.0]
EXPECTED
