"""The command `bench`."""

import argparse
import functools
import pathlib

from pipeline.commands.command import (
    MODEL,
    Command,
    Step,
    prefer_single_requests,
)
from pipeline.experiment import quiet


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=pathlib.Path, required=True, help=MODEL)
    for flag, sizes in {
        "--support": "0,5,10,40",
        "--candidates": "10,100,1000",
        "--concurrency": "1,8",
    }.items():
        parser.add_argument(flag, default=sizes, help="default %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="of each cell; default %(default)s"
    )
    parser.add_argument("--transports", help="some of inprocess,grpc,rest; default all")
    parser.add_argument("--target", metavar="HOST:PORT", help="a server, for gRPC")
    parser.add_argument("--rest_target", metavar="URL", help="a server, for REST")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("serving_bench"),
        help="folder of the results; default %(default)s",
    )
    parser.add_argument(
        "--soak", type=float, default=0.0, metavar="MINUTES", help="keep a load up"
    )
    parser.add_argument("--reload", action="store_true", help="reload under load")
    parser.add_argument(
        "--fuzz", type=int, default=0, metavar="N", help="send N malformed requests"
    )
    parser.add_argument("--seed", type=int, default=0)


def _resolve(arguments: argparse.Namespace) -> Step:
    prefer_single_requests()
    from pipeline.steps import bench

    options_by_name = {
        name: getattr(arguments, name)
        for name in (
            *("support", "candidates", "concurrency", "seconds", "transports"),
            *("target", "rest_target", "output", "soak", "reload", "fuzz", "seed"),
        )
    }
    options = bench.resolve_options(arguments.model, **options_by_name)
    quiet.import_tensorflow()
    return functools.partial(bench.bench, options)


COMMAND = Command(
    "bench",
    "measure latency, soak, reload and bad requests",
    _resolve,
    add_arguments=_add_arguments,
)
