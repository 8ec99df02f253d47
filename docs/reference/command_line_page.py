"""The page of every command with its arguments, made from the parsers."""

import argparse
import re

from docs.reference.markdown import GENERATED, table
from pipeline import cli
from pipeline.commands.command import Command

_HEAD = f"""\
# Command line

{GENERATED}

`cmml COMMAND --help` says the same, and `cmml --version` which version it is. `prepare`
and `run` hand flags that they do not know to Beam; everywhere else such a flag is an
error.

## Exit status

| status | when |
| --- | --- |
| 0 | all is well |
| 1 | a verdict: see below; or a bug, which leaves a traceback |
| 2 | arguments, configuration or data are at fault, or a training diverged |
| 3 | `onboard` says no-go |
| 4 | a file cannot be written, or not be read: a full disk, a lacking permission |
| 5 | `train` by several workers has lost one: start all of them again |
| 130 | after Ctrl+C |

With 1 end `doctor` that finds trouble, `audit` a leak, `validate-data` a drift,
`validate` and `push` a version that is not fit to serve, and `bench` a failed request,
a memory that grows or a server that was harmed. With 2 there is one line on stderr that
says what is wrong and what to do, as with 4; `prepare` and `run` end so at a drift from
`drift.reference`. `predict` has a line for each request that it refuses, answers the
others, and ends with 2 too.

## Commands
"""

# Defaults that a machine has of its own.
_OF_THE_MACHINE = {"num_workers": "half the cores"}


def command_line_page() -> str:
    """Returns the page."""
    commands = table(
        ("command", "what it does"),
        ((f"[`{one.name}`](#{one.name})", one.summary) for one in cli.COMMANDS),
    )
    parsers = command_parsers()
    sections = [
        line for one in cli.COMMANDS for line in _section(one, parsers[one.name])
    ]
    return "\n".join([_HEAD, *commands, *sections]).rstrip() + "\n"


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """Returns the parser of each command by its name."""
    (commands,) = (
        action
        for action in cli._parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def _section(command: Command, parser: argparse.ArgumentParser) -> list[str]:
    arguments = [one for one in parser._actions if one.dest != "help"]
    rows = [
        (_name(one, parser), _help(one, parser), _default(one)) for one in arguments
    ]
    summary = command.summary[0].upper() + command.summary[1:] + "."
    lines = [f"## {command.name}", "", summary, ""]
    if rows:
        lines += table(("argument", "what it is", "default"), rows)
    return [*lines, parser.epilog, ""] if parser.epilog else lines


def _name(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Returns an argument with what it takes, such as "--top TOP"."""
    if not action.option_strings:
        return f"`{action.dest}`"
    flag = " ".join(action.option_strings)
    if action.nargs == 0:
        return f"`{flag}`"
    formatter = parser._get_formatter()
    placeholder = formatter._get_default_metavar_for_optional(action)
    return f"`{flag} {formatter._format_args(action, placeholder)}`"


def _help(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """Returns the help, without a default that has a column of its own."""
    if not action.help:
        return ""
    text = parser._get_formatter()._expand_help(action)
    if _default(action) == "-":
        return text
    return re.sub(r"(; |^)default:? [^;]*$", "", text)


def _default(action: argparse.Action) -> str:
    if action.required:
        return "required"
    if action.dest in _OF_THE_MACHINE:
        return _OF_THE_MACHINE[action.dest]
    value = action.default
    if value is None or value is False or value == []:
        return "-"
    return f"`{' '.join(map(str, value)) if isinstance(value, list) else value}`"
