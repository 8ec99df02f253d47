"""The verdict on a version, rule by rule, and the files that say so.

They lie beside the version, in a folder whose name is no number, which a server does
not look at: `<model_name>/.validation/<version>/`. Not within the version: its copy in
a base is compared with it byte by byte, and what is published must never change.
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Literal

from models.whole_files import write_atomically
from pipeline.judging.rule import Rule
from pipeline.reports.page.result_table import layout
from transforms.plural import counted
from transforms.schema import DataError

VALIDATION_DIR = ".validation"
VALIDATIONS_JSON = "validations.json"


@dataclasses.dataclass(frozen=True)
class Blessing:
    """The verdict on a version.

    Attributes:
        rules: In the order in which they were tried; at least one.
        current_model: The version that was judged.
        baseline_model: The version it was compared with, None if with none.
    """

    rules: Sequence[Rule]
    current_model: pathlib.Path
    baseline_model: pathlib.Path | None = None

    @property
    def passed(self) -> bool:
        """Whether every rule has been passed."""
        return all(rule.passed for rule in self.rules)

    @property
    def message(self) -> str:
        """Names the rules that are broken, and says of each how."""
        broken = [f"{r.name}: {r.detail}" for r in self.rules if not r.passed]
        if broken:
            return f"broken: {'; '.join(broken)}"
        return f"all {counted(len(self.rules), 'rule')} passed"

    def table(self) -> str:
        """Returns a table for people, in Markdown."""
        rows = [
            [
                rule.name,
                "passed" if rule.passed else "BROKEN",
                _cell(rule.value),
                _cell(rule.limit),
                rule.detail,
            ]
            for rule in self.rules
        ]
        return layout(["rule", "", "value", "limit", "detail"], rows)


def write(
    blessing: Blessing, judge: Literal["infra", "model"], digest: str
) -> pathlib.Path:
    """Writes `validations.json` and then a marker, an earlier one gone meanwhile.

    Args:
        blessing: The verdict.
        judge: Whose it is: "infra" of `validate`, marked INFRA_BLESSED or
            INFRA_NOT_BLESSED, or "model" of `push`, marked BLESSED or NOT_BLESSED.
        digest: `content_digest` of the version, taken before it was judged.

    Returns:
        The marker, in a folder of the judge.

    Raises:
        DataError: If it cannot be written beside the version.
    """
    version_dir, baseline = blessing.current_model, blessing.baseline_model
    directory = version_dir.parent / VALIDATION_DIR / version_dir.name / judge
    prefix = "INFRA_" if judge == "infra" else ""
    good, bad = directory / f"{prefix}BLESSED", directory / f"{prefix}NOT_BLESSED"
    content = {
        "blessing_message": blessing.message,
        "current_model": str(version_dir),
        "current_model_sha256": digest,
        "baseline_model": None if baseline is None else str(baseline),
        "rules": [dataclasses.asdict(rule) for rule in blessing.rules],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    marker = good if blessing.passed else bad
    try:
        directory.mkdir(parents=True, exist_ok=True)
        good.unlink(missing_ok=True)
        bad.unlink(missing_ok=True)
        write_atomically(directory / VALIDATIONS_JSON, text, is_durable=True)
        marker.touch()
    except OSError as error:
        raise DataError(
            f"the verdict is written beside the version, to {directory}: {error}. "
            "Copy the version to where you may write."
        ) from None
    return marker


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.4g}"
