"""Holds the pinned versions against known vulnerabilities, by the package pip-audit.

    python .ci/audit_packages.py [constraints.txt]

Exit status: 0 if none is known, 1 if some are, 3 if not every package could be looked
up, as where no vulnerability service is reached. pip-audit itself ends with 0 there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

OK, VULNERABLE, NOT_AUDITED = 0, 1, 3

_OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner", "off")


def main(constraints: str = "constraints.txt") -> int:
    """Audits a file of pinned versions, and prints what is known of them."""
    command = ["-m", "pip_audit", "-r", constraints, *_OPTIONS, "--format", "json"]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        why = (done.stderr.strip() or "pip-audit said nothing").splitlines()[-1]
        print(f"audit: not done, no vulnerability service was reached: {why}")
        return NOT_AUDITED
    lines, status = verdict(packages)
    print("\n".join(lines))
    return status


def verdict(packages: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Says what is known of packages.

    Args:
        packages: As pip-audit describes them in JSON.

    Returns:
        A line for each vulnerability and one of how many packages were looked up, and
        the exit status.
    """
    lines = [
        f"audit: {one['name']} {one['version']}: {known['id']}, "
        f"mended in {', '.join(known['fix_versions']) or 'no version yet'}"
        for one in packages
        for known in one.get("vulns", ())
    ]
    status = VULNERABLE if lines else OK
    skipped = [one for one in packages if "skip_reason" in one]
    told = f"{len(packages) - len(skipped)} of {len(packages)} packages looked up"
    if not skipped:
        return [*lines, f"audit: {told}, {len(lines)} vulnerabilities known"], status
    lines.append(
        f"audit: not done, {told}: no vulnerability service that knows them was "
        f"reached; {skipped[0]['name']}: {skipped[0]['skip_reason']}"
    )
    return lines, status or NOT_AUDITED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
