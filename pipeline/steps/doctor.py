"""The command `doctor`: known traps of this stack, before they cost an hour."""

import importlib.util
import os
import shutil
import sys
from importlib import metadata
from typing import NamedTuple

from pipeline.experiment.config_section import Experiment

_MIN_FREE_GB = 2


class Finding(NamedTuple):
    """One check: what it looked at, whether it is fine, and the cure if not."""

    what: str
    is_fine: bool
    cure: str = ""


def run(config: Experiment | None = None) -> int:
    """Prints a line per check, with the cure of each trouble; changes nothing.

    Args:
        config: An experiment, whose raw tables are looked for too.

    Returns:
        1 if there is trouble, else 0.
    """
    findings = [*_machine(), *_packages()]
    if config is not None:
        findings.append(_tables(config))
    for finding in findings:
        print(f"{'ok  ' if finding.is_fine else 'FAIL'}  {finding.what}")
        if not finding.is_fine:
            print(f"      cure: {finding.cure}")
    return int(not all(finding.is_fine for finding in findings))


def _tables(config: Experiment) -> Finding:
    """Looks for the tables of an experiment, and the columns that are read."""
    what = f"the tables of {config.name!r} are there, with the columns it names"
    try:
        config.source().validate()
    except ValueError as error:
        return Finding(what, False, str(error))
    return Finding(what, True)


def _machine() -> list[Finding]:
    """Looks at what there is besides packages."""
    legacy = os.environ.get("TF_USE_LEGACY_KERAS", "1")
    free = shutil.disk_usage(".").free / 1e9
    return [
        Finding(
            f"Python {sys.version.split()[0]}",
            sys.version_info[:2] == (3, 11),
            "make the virtual environment with Python 3.11.",
        ),
        Finding(
            f"Keras 2 is configured (TF_USE_LEGACY_KERAS={legacy})",
            legacy.lower() in ("1", "true"),
            "unset TF_USE_LEGACY_KERAS or set it to 1: TensorFlow Recommenders needs "
            "it.",
        ),
        Finding(
            f"{free:.0f} GB of disk are free here",
            free >= _MIN_FREE_GB,
            f"free some space: {_MIN_FREE_GB} GB are needed for data and runs.",
        ),
    ]


def _packages() -> list[Finding]:
    """Looks at packages that are missing, or break others."""
    tensorflow, tf_keras = _version("tensorflow"), _version("tf-keras")
    protobuf = _version("protobuf")
    return [
        Finding(
            f"tensorflow {tensorflow} and tf-keras {tf_keras} go together",
            tensorflow is not None and _minor(tensorflow) == _minor(tf_keras),
            "pip install -c constraints.txt tensorflow tf-keras",
        ),
        Finding(
            "tensorflow-cpu is not installed over tensorflow",
            _version("tensorflow-cpu") is None,
            "pip uninstall tensorflow-cpu tensorflow, then install tensorflow again.",
        ),
        Finding(
            "scann is not installed",
            _version("scann") is None,
            "pip uninstall scann: it breaks `import tensorflow_recommenders`.",
        ),
        Finding(
            "google-crc32c is installed (TFRecord checksums)",
            importlib.util.find_spec("google_crc32c") is not None,
            "pip install google-crc32c",
        ),
        Finding(
            "importlib_resources is installed (TensorFlow Datasets)",
            importlib.util.find_spec("importlib_resources") is not None,
            "pip install importlib_resources",
        ),
        Finding(
            f"protobuf {protobuf} is 6.x",
            str(protobuf).startswith("6."),
            "pip install 'protobuf>=6.31,<7': something else has pinned another one.",
        ),
    ]


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _minor(version: str | None) -> list[str]:
    """Returns the first two numbers of a version."""
    return str(version).split(".")[:2]
