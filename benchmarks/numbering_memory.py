"""Memory and processor time of giving made-up users and items their rows.

python -m benchmarks.numbering_memory 1000000 3000000

As many users as items, without features, in 16 partitions. A process makes one run
after the other, as several workers would; another one merges all of them and writes
the users and items. Prints a JSON line for each number: milliseconds of processor time
and peak of the resident memory of both processes, imports in the memory alone.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter

import numpy as np
import pyarrow as pa

from transforms.entities.catalogue import number_entities
from transforms.entities.entity_counts import EntityCounts
from transforms.entities.entity_runs import Partition, RunSummary
from transforms.entities.entity_table import build_entity_table
from transforms.entities.value_counts import EntityValues
from transforms.entities.vocabularies import order_of_ids
from transforms.ratings.runs import RatingRuns
from transforms.schema import SPLITS
from transforms.specs import DatasetSpec, InteractionSpec
from transforms.table_spec import TableSpec
from transforms.writing.entity_files import KINDS
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import read_runs, write_run

_NUM_PARTITIONS = 16
_SHARDS_OF_AN_ITEM = 3
_PREFIX = {"user": "", "item": "i"}


def make_runs(files: OutputFiles, number: int) -> None:
    """Writes the runs of as many users and as many items, a partition at a time."""
    make = RatingRuns(DatasetSpec(InteractionSpec(TableSpec("ratings.csv"))), None)
    for kind in KINDS:
        for partition in range(_NUM_PARTITIONS):
            # Neighbours go to different partitions, as by their hash.
            ids = np.arange(partition, number, _NUM_PARTITIONS).astype(str)
            counts = _counts(np.char.add(_PREFIX[kind], ids))
            shards = [counts] * (1 if kind == "user" else _SHARDS_OF_AN_ITEM)
            of = Partition(partition, _NUM_PARTITIONS)
            run = make.run(kind, of, shards, {})
            write_run(files, kind, *of, run.rows)


def merge(files: OutputFiles, number: int) -> None:
    """Merges the runs, and writes users and items."""
    values = EntityValues([], [[] for _ in SPLITS])
    summary = RunSummary(Counter({"": number}), values)
    for kind in KINDS:
        table = build_entity_table((), summary.num_rows.total(), values)
        number_entities(files, kind, table, read_runs(files, kind, order_of_ids))


def _counts(ids: np.ndarray) -> EntityCounts:
    ones = np.ones(len(ids), np.uint8)
    return EntityCounts(pa.array(ids), 3 * ones, 2 * ones, ones, ones)


_STAGES = {"make_runs": make_runs, "merge": merge}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", type=int, nargs="+", help="users, and items")
    parser.add_argument("--stage", choices=_STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        started = time.process_time()
        _STAGES[arguments.stage](OutputFiles(str(arguments.folder)), *arguments.numbers)
        cpu_s = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"cpu_s": round(cpu_s, 2), "peak_mb": round(peak / 1e6)}))
        return
    for number in arguments.numbers:
        line = {"users": number, "items": number}
        with tempfile.TemporaryDirectory() as folder:
            for stage in _STAGES:
                module = [sys.executable, "-m", "benchmarks.numbering_memory"]
                flags = ["--stage", stage, "--folder", folder]
                command = [*module, str(number), *flags]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
                line[stage] = json.loads(done.stdout.splitlines()[-1])
        print(json.dumps(line))


if __name__ == "__main__":
    main()
