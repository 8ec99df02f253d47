"""The command `prepare`."""

import argparse

from pipeline.commands.command import Command, Step, config_of, done


def _resolve(arguments: argparse.Namespace) -> Step:
    config = config_of(arguments)
    from pipeline.steps import prepare

    prepare.validate(config, arguments.beam_flags)
    return lambda: done(prepare.prepare(config, arguments.beam_flags))


COMMAND = Command(
    "prepare",
    "raw tables to TFRecord episodes",
    _resolve,
    needs_config=True,
    takes_beam_flags=True,
)
