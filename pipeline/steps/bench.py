"""The step `bench`: what a served model takes, over which transport, and bears."""

import pathlib
from collections.abc import Set

from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import check_version_dir, newest_version
from pipeline.serving.bench.options import TRANSPORTS, BenchOptions, Sizes


def resolve_options(
    model: pathlib.Path,
    *,
    support: str = "0,5,10,40",
    candidates: str = "10,100,1000",
    concurrency: str = "1,8",
    seconds: float = 3.0,
    transports: str | None = None,
    target: str | None = None,
    rest_target: str | None = None,
    output: pathlib.Path = pathlib.Path("serving_bench"),
    soak: float = 0.0,
    reload: bool = False,
    fuzz: int = 0,
    seed: int = 0,
) -> BenchOptions:
    """Checks the arguments of the command line.

    Args:
        model: A version directory, or a folder of versions: the newest is taken.
        support: Numbers of support pairs, comma-separated.
        candidates: Numbers of items to score.
        concurrency: Numbers of requests under way.
        seconds: How long each combination is measured.
        transports: Some of `TRANSPORTS`, comma-separated; all by default, or those of
            the targets.
        target: "host:port" of a running server, for gRPC.
        rest_target: "http://host:port" of it, for REST.
        output: Where the results go.
        soak: Minutes of a steady load.
        reload: Whether to publish a new version under load.
        fuzz: Malformed requests over each transport.
        seed: Of all requests.

    Returns:
        The options.

    Raises:
        ValueError: If one is wrong; the message names it.
        DataError: If there is no exported model.
    """
    targets = {"grpc": target, "rest": rest_target}
    addresses = {name: address for name, address in targets.items() if address}
    chosen = _transports(transports, addresses)
    remote = set(chosen) - {"inprocess"}
    if addresses:
        _check_targets(remote - set(addresses), reload=reload)
    if soak < 0 or fuzz < 0:
        raise ValueError(f"--soak and --fuzz must not be negative, got {soak}, {fuzz}.")
    if (soak or reload or fuzz) and not remote:
        raise ValueError(
            "--soak, --reload and --fuzz go to a server: name grpc or rest as well, "
            f"got --transports {transports}."
        )
    return BenchOptions(
        sizes=_sizes(support, candidates, concurrency, seconds),
        version_dir=_version_dir(model),
        transports=chosen,
        targets=addresses,
        output=output,
        soak_minutes=soak,
        reload=reload,
        fuzz=fuzz,
        seed=seed,
    )


def bench(options: BenchOptions) -> int:
    """Measures, writes the results, and prints them.

    Returns:
        0, or 1 if a request failed that must not, memory grows, or the server was
        harmed by malformed requests.
    """
    from pipeline.serving.bench import report, session

    measured = session.Session(options).run()
    print(report.write(measured, options.output), end="")
    say(f"bench: wrote {options.output}/bench.json and bench.md")
    return 0 if measured.is_sound else 1


def _check_targets(lost: Set[str], *, reload: bool) -> None:
    if lost:
        raise ValueError(f"there is no target for the transports {sorted(lost)}.")
    if reload:
        raise ValueError("--reload starts a server itself and takes no target.")


def _sizes(support: str, candidates: str, concurrency: str, seconds: float) -> Sizes:
    if seconds <= 0:
        raise ValueError(f"--seconds must be above 0, got {seconds:g}.")
    return Sizes(
        support=_numbers("--support", support, least=0),
        candidates=_numbers("--candidates", candidates, least=1),
        concurrency=_numbers("--concurrency", concurrency, least=1),
        seconds=seconds,
    )


def _transports(text: str | None, targets: dict[str, str]) -> tuple[str, ...]:
    if text is None:
        return tuple(name for name in TRANSPORTS if name in targets or not targets)
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(TRANSPORTS)):
        raise ValueError(
            f"--transports must be some of {', '.join(TRANSPORTS)}, got {unknown}."
        )
    return names


def _numbers(flag: str, text: str, *, least: int) -> tuple[int, ...]:
    parts = text.split(",")
    numbers = tuple(int(part) if part.strip().isdecimal() else -1 for part in parts)
    if min(numbers) < least:
        raise ValueError(
            f"{flag} must be whole numbers from {least}, comma-separated, got {text!r}."
        )
    return numbers


def _version_dir(model: pathlib.Path) -> pathlib.Path:
    newest = newest_version(model)
    check_version_dir(newest)
    return newest
