"""The command `bench`."""

import argparse
import functools
import pathlib
from collections.abc import Mapping

from pipeline.commands.command import MODEL, Command, Step, prefer_single_requests
from pipeline.experiment import quiet
from pipeline.experiment.version_dir import check_version_dir, newest_version
from pipeline.serving.bench.options import (
    GRPC,
    IN_PROCESS,
    REST,
    TRANSPORTS,
    BenchOptions,
    Sizes,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=pathlib.Path, required=True, help=MODEL)
    for flag, sizes in {
        "--support": "0,5,10,40",
        "--candidates": "10,100,1000",
        "--concurrency": "1,8",
    }.items():
        parser.add_argument(
            flag, default=sizes, help="comma-separated; default %(default)s"
        )
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
    options = options_of(arguments)
    quiet.import_tensorflow()
    from pipeline.steps import bench

    return functools.partial(bench.bench, options)


def options_of(arguments: argparse.Namespace) -> BenchOptions:
    """Checks the arguments.

    Raises:
        ValueError: If one is wrong; the message names it.
        DataError: If there is no exported model.
    """
    targets = {GRPC: arguments.target, REST: arguments.rest_target}
    targets = {name: address for name, address in targets.items() if address}
    transports = _transports(arguments.transports, targets)
    soak, reload, fuzz = arguments.soak, arguments.reload, arguments.fuzz
    remote = set(transports) - {IN_PROCESS}
    if targets and (lost := remote - set(targets)):
        raise ValueError(f"there is no target for the transports {sorted(lost)}.")
    if targets and reload:
        raise ValueError("--reload starts a server itself and takes no target.")
    if soak < 0 or fuzz < 0:
        raise ValueError(f"--soak and --fuzz must not be negative, got {soak}, {fuzz}.")
    if (soak or reload or fuzz) and not remote:
        raise ValueError(
            "--soak, --reload and --fuzz go to a server: name grpc or rest as well, "
            f"got --transports {arguments.transports}."
        )
    sizes = _sizes(arguments)
    version_dir = newest_version(arguments.model)
    check_version_dir(version_dir)
    return BenchOptions(
        version_dir=version_dir,
        sizes=sizes,
        transports=transports,
        targets=targets,
        output=arguments.output,
        soak_minutes=soak,
        reload=reload,
        fuzz=fuzz,
        seed=arguments.seed,
    )


def _transports(text: str | None, targets: Mapping[str, str]) -> tuple[str, ...]:
    if text is None:
        return tuple(name for name in TRANSPORTS if name in targets or not targets)
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(TRANSPORTS)):
        raise ValueError(
            f"--transports must be some of {', '.join(TRANSPORTS)}, got {unknown}."
        )
    return names


def _sizes(arguments: argparse.Namespace) -> Sizes:
    if arguments.seconds <= 0:
        raise ValueError(f"--seconds must be above 0, got {arguments.seconds:g}.")
    return Sizes(
        support=_numbers("--support", arguments.support, least=0),
        candidates=_numbers("--candidates", arguments.candidates, least=1),
        concurrency=_numbers("--concurrency", arguments.concurrency, least=1),
        seconds=arguments.seconds,
    )


def _numbers(flag: str, text: str, *, least: int) -> tuple[int, ...]:
    parts = text.split(",")
    numbers = tuple(int(part) if part.strip().isdecimal() else -1 for part in parts)
    if min(numbers) < least:
        raise ValueError(
            f"{flag} must be whole numbers from {least}, comma-separated, got {text!r}."
        )
    return numbers


COMMAND = Command(
    "bench",
    "measure latency, soak, reload and bad requests",
    _resolve,
    add_arguments=_add_arguments,
)
