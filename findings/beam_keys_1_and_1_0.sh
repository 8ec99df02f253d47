#!/usr/bin/env bash
# apache-beam 2.77.0: the keys 1 and 1.0, as ids are where one table has missing values.
#
# To Python they are one key; to Beam, which compares what keys are encoded as, they are two, and
# GroupByKey gives two groups, CoGroupByKey joins nothing. Distinct and CombinePerKey first combine in
# a dict, on the worker, and give one, until the dict is full: with 100,000 keys, or 1,000,000 where
# the keys are summed, counted or averaged or the least or greatest taken. From then on what came
# first is sent on before the second comes, and both are there. So a test with few users sees them
# counted once, all the data counts them twice, as the order of the rows and the bundles have
# it, and a join of that count with groups misses half. 0.0 and -0.0, 1 and True do the same. Nothing
# is said. A type hint of int or float for the keys, on what makes the pairs, makes them one.
#
#   GroupByKey, 0 keys between: 1 [5], 1.0 [3]
#   Distinct, 99,999 keys between: 1; 100,000: 1, 1.0
#   CombinePerKey(sum), 999,999 keys between: 1 8; 1,000,000: 1 5, 1.0 3
#   with a type hint, 1,000,000 keys between: 1 8
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet apache-beam==2.77.0
cat > "$folder/keys.py" <<'PYTHON'
from typing import Any

import apache_beam as beam


def pairs(between):
    yield 1, 5
    for user in range(2, 2 + between):
        yield user, 0
    yield 1.0, 3


def listed(pair):
    """Returns a pair of a key and what is grouped by it with the latter as a list."""
    key, values = pair
    return key, list(values)


def show(name, transform, between, hint=tuple[Any, int]):
    """Prints what comes of the keys that are equal to 1, after a transform of pairs."""

    def write(found):
        texts = sorted(" ".join(map(str, pair)) for pair in found)
        print(f"{name}, {between:,} keys between:", ", ".join(texts))

    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        made = pipeline | beam.Create([between]) | beam.FlatMap(pairs).with_output_types(hint)
        kept = made | transform | beam.Filter(lambda pair: pair[0] == 1)
        kept | beam.combiners.ToList() | beam.Map(write)


class DistinctKeys(beam.PTransform):
    def expand(self, given):
        return given | beam.Keys() | beam.Distinct() | beam.Map(lambda key: (key,))


class Groups(beam.PTransform):
    def expand(self, given):
        return given | beam.GroupByKey() | beam.Map(listed)


show("GroupByKey", Groups(), 0)
for between in (0, 99_999, 100_000):
    show("Distinct", DistinctKeys(), between)
for between in (0, 999_999, 1_000_000):
    show("CombinePerKey(sum)", beam.CombinePerKey(sum), between)
show("GroupByKey, with a hint", Groups(), 0, tuple[int, int])
show("CombinePerKey(sum), with a hint", beam.CombinePerKey(sum), 1_000_000, tuple[int, int])
PYTHON
"$folder/venv/bin/python" "$folder/keys.py" 2> "$folder/log" | tee "$folder/output" ||
  { cat "$folder/log"; exit 1; }
diff "$folder/output" - <<'EXPECTED'
GroupByKey, 0 keys between: 1 [5], 1.0 [3]
Distinct, 0 keys between: 1
Distinct, 99,999 keys between: 1
Distinct, 100,000 keys between: 1, 1.0
CombinePerKey(sum), 0 keys between: 1 8
CombinePerKey(sum), 999,999 keys between: 1 8
CombinePerKey(sum), 1,000,000 keys between: 1 5, 1.0 3
GroupByKey, with a hint, 0 keys between: 1 [5, 3]
CombinePerKey(sum), with a hint, 1,000,000 keys between: 1 8
EXPECTED
