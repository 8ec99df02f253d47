#!/usr/bin/env bash
# polars 2.1.0, and 1.36.1 beside it: an inner join on a column of floats that has been sorted.
#
# Polars joins NaN with NaN, so that films of no known year, which have NaN for one after a way
# through NumPy or pandas, meet the row of the unknown year. sort marks a column as sorted, and a
# join of a marked column without nulls goes another way, on which NaN meets nothing: the same
# rows joined after a sort are fewer, in a DataFrame and in the in-memory engine, which 1.36.1
# takes by itself. A null in the column, a descending sort, how="left" or "semi", and the
# streaming engine, the one that 2.1.0 takes for a LazyFrame, join them. So the order of two lines
# decides whether films are lost, and so does a filter: pushed below the join, it takes the
# nulls away, and with them the NaN that it was to keep. There is no warning.
#
#   rows of 4 that are joined, polars 1.36.1 and 2.1.0:
#     as they are 4, sorted 2; sorted descending 4, with a null 4; sorted, left 4, semi 4
#     sorted and lazy, with maintain_order="left", a null in the column:
#       streaming 4, and 4 of a year that is not null; in-memory 4, and 2 of them
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/films.py" <<'PYTHON'
import polars as pl

NAN = float("nan")
films = pl.DataFrame({"film": ["a", "b", "c", "d"], "year": [NAN, 1995.0, NAN, 1999.0]})
no_year = pl.DataFrame({"film": ["e"], "year": [None]}, schema=films.schema)
with_null = pl.concat([films, no_year])
years = pl.DataFrame({"year": [1995.0, 1999.0, NAN], "name": ["95", "99", "unknown"]})


def joined(table, how="inner"):
    return table.join(years, on="year", how=how).height


upwards = films.sort("year")
downwards = films.sort("year", descending=True)
lazy = with_null.lazy().sort("year").join(years.lazy(), on="year", maintain_order="left")
kept = lazy.filter(pl.col("year").is_not_null())
print(f"polars {pl.__version__}")
print(f"as they are {joined(films)}, sorted {joined(upwards)}")
print(f"sorted descending {joined(downwards)}, with a null {joined(with_null.sort('year'))}")
print(f"sorted, left {joined(upwards, 'left')}, semi {joined(upwards, 'semi')}")
for engine in ("streaming", "in-memory"):
    before = lazy.collect(engine=engine).height
    print(f"lazy, {engine}: {before}, not null {kept.collect(engine=engine).height}")
print(f"lazy, by default: {lazy.collect().height}, not null {kept.collect().height}")
PYTHON
for version in 1.36.1 2.1.0; do
  python3.11 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet "polars==$version"
  "$folder/$version/bin/python" "$folder/films.py" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'EXPECTED'
polars 1.36.1
as they are 4, sorted 2
sorted descending 4, with a null 4
sorted, left 4, semi 4
lazy, streaming: 4, not null 4
lazy, in-memory: 4, not null 2
lazy, by default: 4, not null 2
polars 2.1.0
as they are 4, sorted 2
sorted descending 4, with a null 4
sorted, left 4, semi 4
lazy, streaming: 4, not null 4
lazy, in-memory: 4, not null 2
lazy, by default: 4, not null 4
EXPECTED
