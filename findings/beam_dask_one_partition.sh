#!/usr/bin/env bash
# apache-beam 2.77.0 on dask and distributed 2026.8.0: GroupByKey on a cluster of two workers.
#
# Elements become 200 groups, and each group says which worker has it. A collection has as
# many partitions after GroupByKey as before, so that what comes from one element, such as
# the name of a file, stays in one partition and on one worker, whatever it is grouped by;
# Reshuffle and --dask_npartitions do not change that. The same groups made from 64 elements
# in 8 partitions are on both workers.
#
#   200 groups from 1 element: 1 worker
#   200 groups from 1 element, reshuffled: 1 worker
#   200 groups from 1 element, --dask_npartitions=8: 1 worker
#   200 groups from 64 elements, --dask_npartitions=8: 2 workers
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet apache-beam==2.77.0 dask==2026.8.0 distributed==2026.8.0
cat > "$folder/groups.py" <<'PYTHON'
import pathlib
import sys
import time
import uuid

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dask.dask_runner import DaskRunner

NUM_GROUPS = 200


def keyed(element, num_elements):
    return [(key, element) for key in range(element, NUM_GROUPS, num_elements)]


def write_worker(group, folder):
    from distributed import get_worker

    time.sleep(0.05)  # Long enough for the other worker to have some.
    name = f"{get_worker().name}-{uuid.uuid4().hex}"
    pathlib.Path(folder, name).touch()


def workers(folder, address, num_elements, *flags, reshuffled=False):
    """Returns the groups that were seen, and the workers that saw them."""
    folder.mkdir()
    options = PipelineOptions(["--dask_client_address", address, *flags])
    with beam.Pipeline(runner=DaskRunner(), options=options) as pipeline:
        groups = (
            pipeline
            | beam.Create(range(num_elements))
            | beam.FlatMap(keyed, num_elements)
            | beam.GroupByKey()
        )
        if reshuffled:
            groups |= beam.Reshuffle()
        groups | beam.Map(write_worker, str(folder))
    names = [path.name for path in folder.iterdir()]
    return len(names), len({name.partition("-")[0] for name in names})


if __name__ == "__main__":
    from distributed import LocalCluster

    folder = pathlib.Path(sys.argv[1])
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        cases = {
            "1 element": ((1,), {}),
            "1 element, reshuffled": ((1,), {"reshuffled": True}),
            "1 element, --dask_npartitions=8": ((1, "--dask_npartitions=8"), {}),
            "64 elements, --dask_npartitions=8": ((64, "--dask_npartitions=8"), {}),
        }
        with open(folder / "seen", "w") as output:
            for number, (name, (given, named)) in enumerate(cases.items()):
                groups, seen = workers(folder / str(number), address, *given, **named)
                plural = "s" if seen > 1 else ""
                print(f"{groups} groups from {name}: {seen} worker{plural}", file=output)
PYTHON
"$folder/venv/bin/python" "$folder/groups.py" "$folder" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
200 groups from 1 element: 1 worker
200 groups from 1 element, reshuffled: 1 worker
200 groups from 1 element, --dask_npartitions=8: 1 worker
200 groups from 64 elements, --dask_npartitions=8: 2 workers
EXPECTED
