"""Beam options from command-line flags."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transforms.nearest_name import nearest

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

_DASK = "apache_beam.runners.dask.dask_runner"
_JOB_SERVER = "JobServerOptions"
_FLINK = "FlinkRunnerOptions"
_SPARK = "SparkRunnerOptions"


def beam_options(flags: Sequence[str]) -> PipelineOptions:
    """Parses flags of Beam, of the runner that they name and of `BlockOptions`.

    Beam by itself logs a warning and drops what it does not know, so that a mistyped
    --runner would run the job locally.

    Args:
        flags: Command-line flags, such as ["--runner=DataflowRunner"].

    Returns:
        The options, with the in-process runner unless a flag names another.

    Raises:
        ValueError: If there is no such runner, a flag is not one of Beam's or belongs
            to another runner, or its value cannot be read.
    """
    # Beam takes a second, which steps that find a prepared data set do not wait for.
    from transforms.reading.read_tables import BlockOptions

    for before, flag in itertools.pairwise(["", *flags]):
        may_be_value = before.startswith("-") and "=" not in before
        if not flag.startswith("-") and not may_be_value:
            raise ValueError(f"unexpected argument {flag!r}.")
    with _one_line():
        named, others = _runner_parser().parse_known_args(flags)
    engine = engine_of(named.runner)
    _check_flags(others, engine)
    is_given = {*engine.default, *engine.unless}.intersection(_names(others))
    default = () if is_given else engine.default
    # Its flags are known to Beam once the class is there.
    options = BlockOptions([f"--runner={engine.runner}", *default, *others])
    with _one_line():
        options.get_all_options()
    return options


def _runner_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--runner", default=IN_PROCESS.name)
    return parser


def _check_flags(flags: Sequence[str], engine: Engine) -> None:
    """Refuses flags that nobody reads, or not this engine."""
    owners = flags_by_owner()
    names = _names(flags)
    if unknown := [flag for flag in names if flag not in owners]:
        got = " ".join(f"{flag!r}{nearest(flag, list(owners))}" for flag in unknown)
        raise ValueError(f"flags must be cmml's or Beam's, got {got}")
    for flag in names:
        if not is_read_by(owners[flag], engine):
            raise ValueError(
                f"{flag} is a flag of {readers_of(owners[flag])}, and --runner is "
                f"{engine.name}: leave it out, or choose the other runner."
            )


def _names(flags: Sequence[str]) -> list[str]:
    """Returns the flags without their values."""
    return [flag.partition("=")[0] for flag in flags if flag.startswith("-")]


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """Turns what a parser prints of a wrong value, pages of usage, into one line."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            yield
    except SystemExit:
        line = printed.getvalue().strip().rpartition("\n")[2]
        raise ValueError(f"{line.partition('error: ')[2]}.") from None


@dataclasses.dataclass(frozen=True)
class Engine:
    """What runs a pipeline.

    Attributes:
        name: What people call its runner.
        runner: What Beam calls it.
        options: Classes of options that it reads, and that not every runner reads.
        needs: Package that must be installed, an extra of this project.
        default: A flag and its value, where neither it nor one of `unless` is given.
        unless: Flags that say the same otherwise.
    """

    name: str
    runner: str
    options: tuple[str, ...] = ()
    needs: str | None = None
    default: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


# `DirectRunner` of Beam itself would first try to download another runner.
IN_PROCESS = Engine("DirectRunner", "FnApiRunner", ("DirectOptions",))

_ENGINES = (
    IN_PROCESS,
    # A partition is what one worker takes at a time: Dask's own, of 128 elements, leave
    # all files to one worker, and of one element make a graph of very many tasks.
    Engine(
        "DaskRunner",
        f"{_DASK}.DaskRunner",
        ("DaskOptions",),
        needs="dask",
        default=("--dask_npartitions", "6"),
        unless=("--dask_partition_size",),
    ),
    Engine("FlinkRunner", "FlinkRunner", (_FLINK, _JOB_SERVER)),
    Engine("SparkRunner", "SparkRunner", (_SPARK, _JOB_SERVER)),
    # A job server may be that of any engine.
    Engine(
        "PortableRunner",
        "PortableRunner",
        ("DirectOptions", _FLINK, _SPARK, _JOB_SERVER),
    ),
    Engine("PrismRunner", "PrismRunner", ("PrismRunnerOptions", _JOB_SERVER)),
    Engine("DataflowRunner", "DataflowRunner"),
)

_SUFFIX = "runner"


def engine_of(runner: str) -> Engine:
    """Returns the engine that a `--runner` names, in upper or lower case.

    Args:
        runner: Its name, with or without "Runner" at the end, or the dotted name of a
            class.

    Raises:
        ValueError: If there is no such engine, or its package is not installed.
    """
    module, _, runner = runner.rpartition(".")
    if module and not module.startswith("apache_beam."):
        return _own_engine(module, runner)
    by_name = {e.name.lower(): e for e in _ENGINES}
    by_name[IN_PROCESS.runner.lower()] = IN_PROCESS
    name = runner.lower().removesuffix(_SUFFIX) + _SUFFIX
    if name not in by_name:
        names = [engine.name for engine in _ENGINES]
        raise ValueError(
            f"--runner must be one of {', '.join(names)}, or the dotted name of a "
            f"class, got {runner!r}{nearest(name, names)}"
        )
    engine = by_name[name]
    if engine.needs is not None:
        _must_have(engine.name, engine.needs)
    return engine


def flags_by_owner() -> dict[str, str]:
    """Returns every flag that Beam and this project know, with its class of options.

    A runner with options of its own must have been imported before.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    return {
        flag: options.__name__
        for options in PipelineOptions.__subclasses__()
        for flag in _flags_of(options)
    }


def is_read_by(options: str, engine: Engine) -> bool:
    """Says whether an engine reads a class of options: its own, or one for all."""
    of_some = {name for other in _ENGINES for name in other.options}
    return options in engine.options or options not in of_some


def readers_of(options: str) -> str:
    """Names the engines that read a class of options."""
    return ", ".join(e.name for e in _ENGINES if options in e.options)


def _own_engine(module: str, name: str) -> Engine:
    """Returns the engine of a class that Beam is to import."""
    try:
        found = hasattr(importlib.import_module(module), name)
    except ImportError:
        found = False
    runner = f"{module}.{name}"
    if not found:
        raise ValueError(f"--runner must name a class, got {runner!r}: no such class.")
    return Engine(name, runner)


def _must_have(runner: str, package: str) -> None:
    """Imports the runner of a package, so that Beam knows its options."""
    try:
        importlib.import_module(f"{package}.distributed")
        importlib.import_module(_DASK)
    except ImportError:
        raise ValueError(
            f"--runner={runner} needs the package {package}, which is not installed: "
            f"pip install 'cmml[{package}]'."
        ) from None


class _Flags:
    """Stands for a parser, to ask a class of options for the names of its flags."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def add_argument(self, *names: str, **_: Any) -> None:
        self.names += names

    add_value_provider_argument = add_argument

    def add_mutually_exclusive_group(self, **_: Any) -> _Flags:
        return self

    add_argument_group = add_mutually_exclusive_group


def _flags_of(options: type[PipelineOptions]) -> Iterator[str]:
    flags = _Flags()
    options._add_argparse_args(flags)
    yield from flags.names
