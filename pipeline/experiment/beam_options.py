"""Beam options from command-line flags."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

# By name: `DirectRunner` would first try to download another runner.
DEFAULT_RUNNER = "FnApiRunner"


def beam_options(flags: Sequence[str]) -> PipelineOptions:
    """Parses flags of Beam and of `BlockOptions`; any other flag is an error.

    Beam by itself logs a warning and drops it, so that a mistyped --runner would run
    the job locally.

    Args:
        flags: Command-line flags, such as ["--runner=DataflowRunner"].

    Returns:
        The options, with the in-process runner unless a flag names another.

    Raises:
        ValueError: If a flag is not one of Beam's.
    """
    # Beam takes a second, which steps that find a prepared data set do not wait for.
    from transforms.reading.read_tables import BlockOptions

    for before, flag in itertools.pairwise(["", *flags]):
        may_be_value = before.startswith("-") and "=" not in before
        if not flag.startswith("-") and not may_be_value:
            raise ValueError(f"unexpected argument {flag!r}.")
    # Its flags are known to Beam once the class is there.
    options = BlockOptions([f"--runner={DEFAULT_RUNNER}", *flags])
    known = options.get_all_options()
    retained = options.get_all_options(retain_unknown_options=True)
    if unknown := sorted(retained.keys() - known.keys()):
        names = ", ".join(f"--{name}" for name in unknown)
        raise ValueError(f"unknown flags: {names}. They are neither cmml's nor Beam's.")
    return options
