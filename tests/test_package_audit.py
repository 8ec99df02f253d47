"""What the audit of pinned versions comes to, by what pip-audit says of packages."""

import importlib.util
import pathlib

import pytest

PATH = pathlib.Path(__file__).parents[1] / ".ci/audit_packages.py"
SAFE = {"name": "a", "version": "1.0", "vulns": []}
KNOWN = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit_packages", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "status", "last"),
    [
        ([SAFE], 0, "audit: 1 of 1 packages looked up, 0 vulnerabilities known"),
        ([SAFE, KNOWN], 1, "audit: 2 of 2 packages looked up, 1 vulnerabilities known"),
        ([SKIPPED], 3, "audit: not done, 0 of 1 packages looked up: no vulnerability"),
        ([SKIPPED, KNOWN], 1, "audit: not done, 1 of 2 packages looked up: no"),
    ],
)
def test_packages_that_nobody_looked_up_are_not_safe(audit, packages, status, last):
    lines, got = audit.verdict(packages)
    assert got == status
    assert lines[-1].startswith(last)


def test_a_vulnerability_is_told_with_the_version_that_mends_it(audit):
    assert audit.verdict([KNOWN])[0][0] == "audit: b 2: X-1, mended in 3"
