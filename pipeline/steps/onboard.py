"""The step `onboard`: is a model good enough for new users or a new scenario?"""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from models.whole_files import read_json, write_atomically
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import ITEM_NAMES, MAKE_AGAIN, read_manifest
from pipeline.onboarding.findings import Findings, NewTasks
from pipeline.onboarding.new_interactions import (
    NewInteractions,
    num_unknown,
    read_new_interactions,
)
from pipeline.onboarding.new_scenario import NEW_SCENARIO
from pipeline.onboarding.new_users import NEW_USERS
from pipeline.onboarding.own_table import OwnTable
from pipeline.onboarding.rules import apply_rules, is_go
from pipeline.reports.onboarding.advice_text import as_json, as_text
from pipeline.reports.onboarding.page import onboarding_page
from transforms.clicks.schema import USER_TASKS
from transforms.schema import ITEM_ID, DataError

NO_GO = 3  # Exit status; 0 is go.

PAGE_FILE = "onboard.html"
JSON_FILE = "onboard.json"
REJECTED_FILE = "rejected.jsonl"

_KINDS = {kind.setting: kind for kind in (NEW_USERS, NEW_SCENARIO)}


def onboard(
    version: pathlib.Path,
    *,
    tasks: NewTasks,
    path: pathlib.Path,
    dataset_dir: pathlib.Path | None,
    own: OwnTable | None = None,
    output: pathlib.Path,
) -> int:
    """Judges a version on the first interactions of new tasks.

    Prints what it comes to, and writes it as a page and as JSON, with the refused rows.

    Args:
        version: The exported model.
        tasks: What the file holds: `NEW_USERS` or `NEW_SCENARIO`.
        path: File of the interactions.
        dataset_dir: The prepared data set that the model was made for; None if only
            what the export holds is to be used.
        own: The table of the configuration, which the file may be like.
        output: Folder of the results, made if it is not there.

    Returns:
        0 for go, 3 for no-go.

    Raises:
        DataError: If the model is of the other setting or was made for other data, or
            the file cannot be used.
    """
    say(f"onboard: asking {version}")
    manifest = read_manifest(version)
    _check_manifest(manifest, tasks, dataset_dir)
    rows = _read(path, manifest, tasks, own)
    names = version / ITEM_NAMES
    start = Findings(
        setting=tasks.setting,
        model=f"{manifest['model_name']} {version.name}",
        source=path.name,
        rows=rows,
        num_new_rows=len(rows.interactions),
        num_unknown_items=num_unknown(version, ITEM_ID, rows),
        has_known=dataset_dir is not None,
        item_names=read_json(names, cure=MAKE_AGAIN) if names.exists() else {},
    )
    findings = tasks.measure(start, version, dataset_dir)
    rules = apply_rules(findings)
    refused = "".join(row.to_json() + "\n" for row in rows.refused)
    write_atomically(output / REJECTED_FILE, refused)
    text = json.dumps(as_json(findings, rules), indent=2, ensure_ascii=False)
    write_atomically(output / JSON_FILE, text + "\n")
    write_atomically(output / PAGE_FILE, onboarding_page(findings, rules))
    print(as_text(findings, rules))
    print(output / PAGE_FILE)
    return 0 if is_go(rules) else NO_GO


def _read(
    path: pathlib.Path,
    manifest: Mapping[str, Any],
    tasks: NewTasks,
    own: OwnTable | None,
) -> NewInteractions:
    """Reads the interactions of a file, as the model takes them."""
    return read_new_interactions(
        path,
        label_range=(manifest["label_min"], manifest["label_max"]),
        feature_names=manifest["user_features"],
        only_whole=tasks.only_whole,
        normalize=bool(manifest.get("normalize_ids")),
        own=own,
    )


def _check_manifest(
    manifest: Mapping[str, object], tasks: NewTasks, dataset_dir: pathlib.Path | None
) -> None:
    """Checks that model, file and data set belong together."""
    if manifest.get("task") == USER_TASKS:
        raise DataError(
            "onboard takes a model of ratings, or of clicks in scenarios, got one of "
            "clicks of users (data.task 'user')."
        )
    name = str(manifest["setting"])
    if name != tasks.setting:
        raise DataError(
            f"{tasks.flag} goes with a model of setting {tasks.setting!r}, got one of "
            f"{name!r}" + (f": give {_KINDS[name].flag}." if name in _KINDS else ".")
        )
    if dataset_dir is None:
        return
    fingerprint = prepared_facts(dataset_dir).fingerprint
    if manifest["dataset_fingerprint"] != fingerprint:
        raise DataError(
            "--config must be that of the data the model was made for, which is data "
            f"set {manifest['dataset_fingerprint']!r}, got {fingerprint!r}."
        )
