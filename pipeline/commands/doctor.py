"""The command `doctor`."""

import argparse

from pipeline.commands.command import Command, Step


def _resolve(arguments: argparse.Namespace) -> Step:
    from pipeline.steps import doctor

    return doctor.run


COMMAND = Command(
    "doctor",
    "check the environment for known traps",
    _resolve,
)
