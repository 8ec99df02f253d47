"""Processor time and peak memory of fits of factors to a made-up log of any size.

python -m benchmarks.factor_cost --rows 13000000 --users 1000000 --items 1000000
python -m benchmarks.factor_cost --rows 10000000 --folds

The log is that of benchmarks/made_logs.py; a fit is what `train` does before the first
epoch for one set of pairs, without features; `--folds` makes all that it makes, one fit
without each fold of users and the whole one. Prints a JSON line: seconds of processor
time of all threads, peak resident memory of the process, and what it holds before the
fit, when the pairs are there.
"""

import argparse
import ctypes
import hashlib
import json
import resource
import time

import numpy as np
import psutil

from benchmarks.made_logs import LogSize, made_tables
from models.factors.entity_design import no_features
from models.factors.factor_fit import PriorParts, fit_factors, sweeps_for
from models.factors.fold_fits import fit_in_folds
from models.factors.labelled_pairs import LabelledPairs


def pairs_of(size: LogSize) -> LabelledPairs:
    """Returns the pairs of a made-up log, users and items by number."""
    users, items, labels = [], [], []
    for table in made_tables(size):
        users.append(table["user_id"].to_numpy().astype(np.int32) + 1)
        texts = table["item_id"].to_numpy().astype("U")
        items.append(np.strings.lstrip(texts, "i").astype(np.int32) + 1)
        labels.append(table["rating"].to_numpy().astype(np.float32))
    columns = (np.concatenate(parts) for parts in (users, items, labels))
    return LabelledPairs(*columns, size.users, size.items)


def add_size(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that `size_of` reads."""
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, help="rows / 50 if not given")
    parser.add_argument("--items", type=int, help="rows / 200 if not given")


def size_of(arguments: argparse.Namespace) -> LogSize:
    """Returns the size of the log that flags ask for."""
    rows = arguments.rows
    return LogSize(rows, arguments.users or rows // 50, arguments.items or rows // 200)


def peak_mb() -> int:
    """Returns the peak of the resident memory of this process until now."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def _held_mb() -> int:
    """Returns what this process holds when what it has freed is given back."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return round(psutil.Process().memory_info().rss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_size(parser)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--folds", action="store_true", help="fit in folds too")
    arguments = parser.parse_args()
    size = size_of(arguments)
    pairs = pairs_of(size)
    designs = no_features(size.users + 1), no_features(size.items + 1)
    levels = np.arange(1.0, 6.0)
    pairs_mb, started = _held_mb(), time.process_time()
    parts = PriorParts(rank=arguments.rank)
    if arguments.folds:
        *_, fit = fit_in_folds(pairs, designs, parts, levels, seed=0).fits
    else:
        fit = fit_factors(pairs, designs, parts, levels, 0, sweeps_for(pairs))
    cpu_s = time.process_time() - started
    line = {
        **vars(arguments),
        "users": size.users,
        "items": size.items,
        "cpu_s": round(cpu_s, 1),
        "pairs_mb": pairs_mb,
        "peak_mb": peak_mb(),
        "factors": hashlib.sha256(fit.factors.tobytes()).hexdigest()[:8],
        "mean_square": float(np.mean(fit.factors**2)),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
