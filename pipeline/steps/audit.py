"""The command `audit`: leaks in a prepared data set, which would flatter metrics."""

import pathlib

from pipeline.experiment.config_section import Experiment
from pipeline.settings.registry import setting_of
from transforms.plural import counted


def audit(config: Experiment, dataset_dir: pathlib.Path) -> int:
    """Prints a paragraph for each check of a prepared data set.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        1 if there is a leak, else 0.

    Raises:
        ValueError: If the setting has no audit.
    """
    look = setting_of(config).parts.audit
    if look is None:
        raise ValueError(f"audit does not know setting {config.setting!r}.")
    findings = look(config, dataset_dir)
    print(f"audit of {dataset_dir}")
    for finding in findings:
        print(f"{finding.verdict:<5} {finding.name}: {finding.detail}")
    leaks = sum(finding.verdict == "LEAK" for finding in findings)
    print(f"{counted(leaks, 'leak')} found in {counted(len(findings), 'check')}")
    return int(leaks > 0)
