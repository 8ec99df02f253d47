"""Processor time and peak memory of fitting vectors to a made-up log of any size.

python -m benchmarks.vector_cost --rows 10000000 --part linear

The log and the pools are those of benchmarks/made_logs.py, without held-out clicks; of
the default lists of options those values are taken that make most work. A part is what
`pretrain` does again and again: "factors", one factorisation; "linear", one linear
model of items; "trial", all that is fitted to judge one choice where a pool is given;
"folds", all that is fitted of the choice taken; "saved", the same, then written and
read. Prints a JSON line: seconds of processor time of all threads, peak resident memory
of the process, and that before the part, when the clicks are there.
"""

import argparse
import hashlib
import json
import pathlib
import tempfile
import time

import numpy as np
import pyarrow.csv

from benchmarks.factor_cost import add_size, pairs_of, peak_mb, size_of
from benchmarks.made_logs import LogSize, write_pools
from models.episodes.click_records import KnownClicks
from models.factors.factorisation import FactorisationOptions, factorise
from models.factors.item_model import decompose_clicks
from models.factors.vector_files import load_vectors, save_vectors
from models.factors.vector_fit import fit_vectors
from models.factors.vectors import Vectors
from pipeline.settings.scenario.config import VectorsConfig
from transforms.clicks.schema import Domain

_NUM_FOLDS = 5
_PARTS = "factors", "linear", "trial", "folds", "saved"


def clicks_of(size: LogSize) -> KnownClicks:
    """Returns the clicks of a made-up log, each in a fold."""
    pairs = pairs_of(size)
    order = np.argsort(pairs.user, kind="stable")
    fold = np.random.default_rng(0).integers(0, _NUM_FOLDS, order.size, np.int32)
    user, item = pairs.user[order], pairs.item[order]
    return KnownClicks(user, item, fold, size.users, size.items)


def pools_of(num_items: int) -> list[np.ndarray]:
    """Returns the item rows of each made-up scenario."""
    with tempfile.TemporaryDirectory() as folder:
        table = pyarrow.csv.read_csv(write_pools(pathlib.Path(folder), num_items))
    item, pool = (
        np.array([int(text[1:]) for text in table[name].to_pylist()], np.int32)
        for name in ("item_id", "scenario_id")
    )
    return np.split(item + 1, np.flatnonzero(np.diff(pool)) + 1)


def options_of(config: VectorsConfig) -> FactorisationOptions:
    """Returns what costs most of the values that are tried by default."""
    return FactorisationOptions(
        factors=config.factors,
        regularization=config.regularization[0],
        alpha=config.alpha[0],
        iterations=config.iterations,
        pool_weight=max(config.pool_weight),
        item_weight=max(config.item_weight),
        open_weight=max(config.open_weight),
        item_factors=config.item_factors or FactorisationOptions.item_factors,
        item_l2=config.item_l2[0],
    )


def run(part: str, clicks: KnownClicks, pools: list[np.ndarray]) -> list[np.ndarray]:
    """Fits what a part needs; returns the tables that come of it."""
    options = options_of(VectorsConfig())
    rows, shape = (
        (clicks.user - 1, clicks.item - 1),
        (clicks.num_users, clicks.num_items),
    )
    domains = [Domain("", *shape)]
    if part == "factors":
        return list(factorise(*rows, shape, options))
    if part == "linear":
        decomposed = decompose_clicks(*rows, shape, width=options.item_factors)
        model = decomposed.model(options.item_l2)
        return [model.users, model.items]
    if part == "trial":
        vectors = fit_vectors(clicks, domains, pools, options, 0, dot_alone=True)
        return [vectors.users, vectors.items]
    vectors = fit_vectors(clicks, domains, pools, options, _NUM_FOLDS)
    if part == "saved":
        vectors = _read_again(vectors)
    return [vectors.users, vectors.items]


def _read_again(vectors: Vectors) -> Vectors:
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder) / "vectors"
        save_vectors(directory, vectors, {})
        del vectors
        return load_vectors(directory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_size(parser)
    parser.add_argument("--part", choices=_PARTS, default="trial")
    arguments = parser.parse_args()
    size = size_of(arguments)
    clicks, pools = clicks_of(size), pools_of(size.items)
    clicks_mb, started = peak_mb(), time.process_time()
    wall = time.monotonic()
    tables = run(arguments.part, clicks, pools)
    cpu_s, wall_s = time.process_time() - started, time.monotonic() - wall
    most_mb, digest = peak_mb(), hashlib.sha256()
    for table in tables:
        digest.update(np.ascontiguousarray(table))
    line = {
        **vars(arguments),
        "users": size.users,
        "items": size.items,
        "cpu_s": round(cpu_s, 1),
        "wall_s": round(wall_s, 1),
        "clicks_mb": clicks_mb,
        "peak_mb": most_mb,
        "tables_mb": round(sum(table.nbytes for table in tables) / 1e6),
        "digest": digest.hexdigest()[:8],
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
