"""The console script `cmml`."""

import sys

from cmml.own_packages import ShadowedPackageError, check_own_packages

USAGE_ERROR = 2


def main() -> None:
    """Runs the command line, if Python finds the packages that it is made of."""
    try:
        check_own_packages()
    except ShadowedPackageError as error:
        print(f"cmml: {error}", file=sys.stderr)
        sys.exit(USAGE_ERROR)
    from pipeline.cli import entry_point

    entry_point()
