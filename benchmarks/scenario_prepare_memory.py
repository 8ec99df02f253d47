"""Peak memory of preparing a log with one scenario of a million clicks.

python benchmarks/scenario_prepare_memory.py [--clicks 1000000]

Each run is a process of its own: without a limit that matters, with the limit of the
defaults, and with a tight one. Prints a JSON line for each.
"""

import argparse
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

NUM_ITEMS = 900  # Of the large scenario; 20 small ones share 400 others.
NUM_SMALL = 20


def write_tables(folder: pathlib.Path, num_clicks: int) -> None:
    chance = random.Random(0)
    num_users = num_clicks // 50
    with (folder / "clicks.csv").open("w") as file:
        file.write("user_id,item_id\n")
        for user in range(num_users):
            for item in chance.sample(range(NUM_ITEMS), 50):
                file.write(f"u{user},i{item}\n")
            for item in chance.sample(range(NUM_ITEMS, NUM_ITEMS + 400), 2):
                file.write(f"u{user},i{item}\n")
    with (folder / "pools.csv").open("w") as file:
        file.write("item_id,scenario_id\n")
        file.writelines(f"i{item},large\n" for item in range(NUM_ITEMS))
        for number in range(NUM_SMALL):
            items = chance.sample(range(NUM_ITEMS, NUM_ITEMS + 400), 120)
            file.writelines(f"i{item},small{number}\n" for item in items)


def prepare(folder: str, output: str, limit: int) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    from transforms.clicks.dataset import prepare_scenarios
    from transforms.clicks.schema import (
        ClickSpec,
        DomainSpec,
        PoolSpec,
        ScenarioDatasetSpec,
        ScenarioEpisodeSpec,
        ScenarioSplitSpec,
    )
    from transforms.table_spec import TableSpec

    domain = DomainSpec(
        ClickSpec(TableSpec("clicks.csv")), PoolSpec(TableSpec("pools.csv"))
    )
    sizes = ScenarioEpisodeSpec(max_clicks_per_scenario=limit, num_shards=16)
    # All in meta-train, whose records hold every click.
    split = ScenarioSplitSpec(test_fraction=0.0, validation_fraction=0.0)
    spec = ScenarioDatasetSpec((domain,), split=split, episodes=sizes)
    started = time.monotonic()
    info = prepare_scenarios(
        spec,
        folder,
        output,
        fingerprint="benchmark",
        options=PipelineOptions(["--runner=FnApiRunner"]),
    )
    seconds = time.monotonic() - started
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = info.num_known + info.num_held_out  # None is refused, none repeated.
    figures = {
        "limit": limit,
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_s": round(rows / seconds),
        "peak_mb": round(peak_kb / 1024),
        "clicks_in_records": sum(info.num_clicks.values()),
        "click_over_limit": info.num_dropped.get("click_over_limit", 0),
    }
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        folder, output, limit = arguments.one
        prepare(folder, output, int(limit))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_tables(pathlib.Path(folder), arguments.clicks)
        for limit in (10 * arguments.clicks, 100_000, 10_000):
            output = str(pathlib.Path(folder, f"prepared-{limit}"))
            command = [sys.executable, __file__, "--one", folder, output, str(limit)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    main()
