"""The command `compare`."""

import argparse

from pipeline.commands.command import Command, Step, dataset_of, done


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        help="methods to compare; default: comparison.methods, or all there are",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=5,
        help="seeds of each trained method, the first ones; default %(default)s",
    )
    parser.add_argument(
        "--split",
        choices=["meta_validation", "meta_test"],
        default="meta_test",
        help="what methods are judged on; default %(default)s",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps import compare

    methods = compare.resolve_methods(config, arguments.methods, arguments.seeds)
    return lambda: done(
        compare.compare(
            config,
            dataset_dir,
            methods=methods,
            num_seeds=arguments.seeds,
            split=arguments.split,
            command=arguments.typed,
        )
    )


COMMAND = Command(
    "compare",
    "every method beside CMML, with intervals and costs",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
