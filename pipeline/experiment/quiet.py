"""Start-up chatter of the libraries, held back."""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Lines that the C++ side of TensorFlow writes before its log level counts.
_CHATTER = re.compile(r"[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl")


def quieten() -> None:
    """Asks for errors only; what a library has to say of its own start is dropped."""
    _quieten_tensorflow()
    logging.basicConfig(level=logging.ERROR)
    # What it logs here of a stage that fails is in the exception, too.
    logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)


def import_tensorflow() -> None:
    """Imports TensorFlow and TensorFlow Recommenders without their chatter."""
    import absl.logging

    _quieten_tensorflow()
    with without_chatter():
        import models.cmml  # noqa: F401  Imports both, in the right order.
    absl.logging.set_verbosity(absl.logging.ERROR)


def import_beam() -> None:
    """Imports Beam without its warning that it has no client of BigQuery."""
    root = logging.getLogger()
    root.addFilter(_is_no_chatter)
    try:
        import apache_beam  # noqa: F401
    finally:
        root.removeFilter(_is_no_chatter)


def _is_no_chatter(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("apitools not found")


def _quieten_tensorflow() -> None:
    """Counts if TensorFlow has not been imported yet."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Holds back what is written to file descriptor 2, and drops known chatter."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if not _CHATTER.match(line):
                    print(line, file=sys.stderr)
