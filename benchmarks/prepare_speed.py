"""Interactions a second and peak memory of data preparation."""

import argparse
import json
import resource
import tempfile
import time

from pipeline.experiment.beam_options import beam_options
from pipeline.experiment.config_file import data_dir
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.config import dataset_spec
from transforms.ratings.dataset import prepare_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    arguments, flags = parser.parse_known_args()
    spec = dataset_spec(load_experiment(arguments.config).data, data_dir())
    options = beam_options(flags)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        info = prepare_dataset(
            spec, data_dir(), f"{folder}/out", fingerprint="benchmark", options=options
        )
        seconds = time.monotonic() - started
    # Rows that were read: those in episodes, those cut off, and those refused.
    rows = sum(info.num_interactions.values()) + sum(info.num_rejected.values())
    rows += sum(n for reason, n in info.num_dropped.items() if "pair" in reason)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {
        "interactions": rows,
        "seconds": round(seconds, 2),
        "interactions_per_s": round(rows / seconds),
        "peak_mb": round(peak_kb / 1024),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
