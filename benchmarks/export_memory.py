"""Peak memory and time of `cmml export` of a made-up catalogue of any size.

python -m benchmarks.export_memory --items 1000000

The log has two rows an item. Nothing is trained: the run and its refit hold fresh
weights and made-up factors (benchmarks/made_up_ratings.py). The export is a process of
its own, imports and all. Prints a JSON line.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

_CMML = [sys.executable, "-c", "from cmml.console import main; main()"]
_NUM_USERS = 40_009  # A prime, so that no pair comes twice.


def make_run(folder: pathlib.Path, num_items: int) -> None:
    """Prepares a log, and writes a run and a refit that look trained."""
    row, log = np.arange(2 * num_items), folder / "log.parquet"
    columns = {"user_id": row % _NUM_USERS, "item_id": row % num_items}
    pq.write_table(pa.table(columns | {"rating": 1.0 + row % 5}), log)
    config = {
        "name": "shop",
        "setting": "user",
        "data": {
            "source": "table",
            "interactions": {"table": {"path": str(log), "format": "parquet"}},
        },
        "export": {"min_item_count": 0},
        "prepared_dir": str(folder / "prepared"),
        "runs_dir": str(folder / "runs"),
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(config))
    subprocess.run(
        [*_CMML, "prepare", "--config", str(folder / "shop.yaml")], check=True
    )
    module = [sys.executable, "-m", "benchmarks.export_memory"]
    subprocess.run([*module, "--folder", str(folder), "--weights"], check=True)


def write_weights(folder: pathlib.Path) -> None:
    """Writes what a training and a refit leave for an export."""
    from benchmarks.made_up_ratings import assign_made_up_factors
    from models.legacy_keras import tf
    from pipeline.experiment.prepared import prepared_facts
    from pipeline.experiment.run_dir import open_run, training_fingerprint
    from pipeline.settings.registry import load_experiment, setting_of
    from pipeline.training.trained import REFIT, STEP, refit_fingerprint

    config = load_experiment(folder / "shop.yaml")
    (dataset_dir,) = (folder / "prepared" / "shop").iterdir()
    digest = prepared_facts(dataset_dir).fingerprint
    setting = setting_of(config)
    model = setting.build(config, setting.load(config, dataset_dir), fit=False)
    assign_made_up_factors(model.pairs.factors)
    run = open_run(config, digest)
    for one in (run, run.refit):
        directory = str(one.checkpoints / "best")
        weights = tf.train.Checkpoint(model=model)
        tf.train.CheckpointManager(weights, directory, 1).save()
    run.record(STEP, training_fingerprint(config, digest), best_epoch=1)
    run.refit.record(REFIT, refit_fingerprint(config, digest, run))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--format", action="append", default=[])
    parser.add_argument("--folder", type=pathlib.Path, help="where to keep the run")
    parser.add_argument("--weights", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.weights:
        write_weights(arguments.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or pathlib.Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "shop.yaml").exists():
            make_run(folder, arguments.items)
        for earlier in folder.glob("runs/shop/*/export"):
            shutil.rmtree(earlier)
        formats = [f"--format={one}" for one in arguments.format]
        config = ["--config", str(folder / "shop.yaml")]
        started = time.monotonic()
        child = subprocess.Popen([*_CMML, "export", *config, *formats])
        _, status, used = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(os.waitstatus_to_exitcode(status))
        line = {
            "items": arguments.items,
            "formats": arguments.format,
            "cpu_s": round(used.ru_utime + used.ru_stime, 1),
            "wall_s": round(time.monotonic() - started, 1),
            "peak_mb": round(used.ru_maxrss * 1024 / 1e6),
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
