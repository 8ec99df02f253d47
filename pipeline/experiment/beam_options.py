"""Beam options from command-line flags."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.experiment.engines import (
    IN_PROCESS,
    Engine,
    engine_of,
    flags_by_owner,
    is_read_by,
    readers_of,
)
from transforms.nearest_name import nearest

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


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
