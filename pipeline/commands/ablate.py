"""The command `ablate`."""

import argparse

from pipeline.commands.command import Command, Step, dataset_of, done


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grid", required=True, help="YAML file of the variants")
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[0, 1, 2],
        help="seeds each variant is trained with; default 0 1 2",
    )
    parser.add_argument(
        "--split",
        choices=["meta_validation", "meta_test"],
        default="meta_validation",
        help="meta_validation to choose by, meta_test to report; default %(default)s",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    from pipeline.judging.variant_grid import expand, load_grid

    grid = load_grid(arguments.grid)
    seeds = list(dict.fromkeys(arguments.seeds))  # Each once.
    tables = expand(grid, arguments.config, arguments.set, seeds)
    _, dataset_dir = dataset_of(arguments)
    from pipeline.steps.ablate import ablate

    return lambda: done(
        ablate(
            grid,
            tables,
            dataset_dir,
            split=arguments.split,
            overrides=arguments.set,
        )
    )


COMMAND = Command(
    "ablate",
    "train and compare variants over seeds",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
