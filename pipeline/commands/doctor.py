"""The command `doctor`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, refuse


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    from pipeline.steps import doctor

    return doctor.run


COMMAND = Command(
    "doctor",
    "check the environment for known traps",
    _resolve,
)
