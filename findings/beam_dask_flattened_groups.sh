#!/usr/bin/env bash
# apache-beam 2.77.0 on dask and distributed 2026.8.0: Flatten and GroupByKey, eight elements.
#
# A Flatten has as many partitions as all its inputs together, a GroupByKey as many as its
# input, beyond 32 even more (144 of 128), and nothing that Beam has makes them fewer, not
# even where elements are few. A GroupByKey of P partitions has P * P tasks up to 32 of
# them, and some 2 * P ** 1.5 beyond. So a pipeline whose groups meet what they were made
# of has a graph that grows several times over with each such round. Of 8 elements in 8
# partitions:
#
#   rounds 1: 16 partitions, 168 tasks
#   rounds 2: 32 partitions, 616 tasks
#   rounds 3: 64 partitions, 2024 tasks
#   rounds 4: 128 partitions, 3944 tasks
#   rounds 5: 272 partitions, 9352 tasks
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet apache-beam==2.77.0 dask==2026.8.0 distributed==2026.8.0
cat > "$folder/rounds.py" <<'PYTHON'
import apache_beam as beam
from apache_beam.runners.dask.overrides import dask_overrides
from apache_beam.runners.dask.dask_runner import DaskRunner
from distributed import Client


def graph_of(rounds):
    """Returns the bag that the runner makes of the last collection."""
    pipeline = beam.Pipeline(runner=DaskRunner())
    elements = pipeline | beam.Create([("key", number) for number in range(8)])
    for number in range(rounds):
        grouped = elements | f"Group{number}" >> beam.GroupByKey()
        apart = grouped | f"Apart{number}" >> beam.Map(lambda group: (group[0], 0))
        elements = (elements, apart) | f"Both{number}" >> beam.Flatten()
    pipeline.replace_all(dask_overrides())
    visitor = DaskRunner.to_dask_bag_visitor({"npartitions": 8})
    pipeline.visit(visitor)
    return list(visitor.bags.values())[-1]


with Client(processes=False, dashboard_address=None):  # Groups by tasks, not by files.
    for rounds in range(1, 6):
        bag = graph_of(rounds)
        tasks = len(dict(bag.__dask_graph__()))
        print(f"rounds {rounds}: {bag.npartitions} partitions, {tasks} tasks")
PYTHON
"$folder/venv/bin/python" "$folder/rounds.py" >"$folder/seen" 2>"$folder/log" ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
rounds 1: 16 partitions, 168 tasks
rounds 2: 32 partitions, 616 tasks
rounds 3: 64 partitions, 2024 tasks
rounds 4: 128 partitions, 3944 tasks
rounds 5: 272 partitions, 9352 tasks
EXPECTED
