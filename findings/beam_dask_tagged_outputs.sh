#!/usr/bin/env bash
# apache-beam 2.77.0 on dask and distributed 2026.8.0: a ParDo with tagged outputs.
#
# A ParDo gives numbers to its main output and ten times each number to the tag "odd" or
# "even"; a second ParDo on each of the three outputs writes what reaches it to a file.
# Under DirectRunner each file holds its own elements. Under DaskRunner two files do not
# exist, and the third, of the branch that was applied last, holds the elements of all three
# outputs. Nothing is logged; the pipeline ends as done.
#
#   DirectRunner  all 1 2 3 4 | odd 10 30 | even 20 40
#   DaskRunner    all - | odd - | even 1 10 2 20 3 30 4 40
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet apache-beam==2.77.0 dask==2026.8.0 distributed==2026.8.0
cat > "$folder/tags.py" <<'PYTHON'
import pathlib
import sys
import tempfile

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dask.dask_runner import DaskRunner

NAMES = ("all", "odd", "even")


class Tag(beam.DoFn):
    def process(self, number):
        yield number
        yield beam.pvalue.TaggedOutput("odd" if number % 2 else "even", number * 10)


class WriteDown(beam.DoFn):
    def __init__(self, path):
        self.path = path

    def process(self, number):
        with open(self.path, "a") as file:
            file.write(f"{number}\n")
        yield number


def reached(runner, *flags):
    folder = pathlib.Path(tempfile.mkdtemp())
    with beam.Pipeline(runner=runner, options=PipelineOptions(list(flags))) as pipeline:
        outputs = (
            pipeline
            | beam.Create([1, 2, 3, 4])
            | beam.ParDo(Tag()).with_outputs("odd", "even", main="all")
        )
        for name in NAMES:
            outputs[name] | name >> beam.ParDo(WriteDown(str(folder / name)))
    found = []
    for name in NAMES:
        path = folder / name
        numbers = sorted(path.read_text().split()) if path.exists() else ["-"]
        found.append(" ".join([name, *numbers]))
    return " | ".join(found)


if __name__ == "__main__":
    from distributed import LocalCluster

    with open(sys.argv[1], "w") as output:
        print("DirectRunner ", reached("DirectRunner"), file=output)
        cluster = LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        )
        address = cluster.scheduler_address
        flags = ["--dask_client_address", address]
        print("DaskRunner   ", reached(DaskRunner(), *flags), file=output)
PYTHON
"$folder/venv/bin/python" "$folder/tags.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
DirectRunner  all 1 2 3 4 | odd 10 30 | even 20 40
DaskRunner    all - | odd - | even 1 10 2 20 3 30 4 40
SEEN
