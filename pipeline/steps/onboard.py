"""The step `onboard`: is a model good enough for new users or a new scenario?"""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from models.whole_files import write_atomically
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import ITEM_NAMES, read_manifest
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.known_scenarios import load_known_scenarios, place_scenario
from pipeline.onboarding.known_users import (
    ITEM_MEAN,
    SUPPORT_MEAN,
    load_known_users,
    mean_of_others,
    place_users,
    support_mean,
)
from pipeline.onboarding.new_interactions import NewInteractions, read_new_interactions
from pipeline.onboarding.questions import plan_questions
from pipeline.onboarding.rules import apply_rules, is_go
from pipeline.onboarding.scenario_curve import MIN_CLICKS, NewScenario, scenario_curve
from pipeline.onboarding.served_model import ServedScenarios, ServedUsers
from pipeline.onboarding.tasks import UserTask
from pipeline.onboarding.user_curve import MAX_USERS, MIN_PAIRS, Baseline, user_curve
from pipeline.reports.onboarding.advice_text import as_json, as_text
from pipeline.reports.onboarding.page import onboarding_page
from transforms.schema import ITEM_ID, USER_ID, DataError, read_dataset_json

NO_GO = 3  # Exit status; 0 is go.

PAGE_FILE = "onboard.html"
JSON_FILE = "onboard.json"
REJECTED_FILE = "rejected.jsonl"

_CLICK = 1.0


def onboard(
    version: pathlib.Path,
    *,
    setting: str,
    path: pathlib.Path,
    dataset_dir: pathlib.Path | None,
    output: pathlib.Path,
) -> int:
    """Judges a version on the first interactions of new tasks.

    Prints what was found, and writes it as a page and as JSON, with the refused rows.

    Args:
        version: The exported model.
        setting: Of which setting the file is, "user" or "scenario".
        path: CSV file of the interactions.
        dataset_dir: The prepared data set that the model was made for; None if only
            what the export holds is to be used.
        output: Folder of the results, made if it is not there.

    Returns:
        0 for go, 3 for no-go.

    Raises:
        DataError: If the model is of the other setting or was made for other data, or
            the file cannot be used.
    """
    say(f"onboard: asking {version}")
    manifest = read_manifest(version)
    _check_manifest(manifest, setting, dataset_dir)
    rows = read_new_interactions(
        path,
        label_range=(manifest["label_min"], manifest["label_max"]),
        feature_names=manifest["user_features"],
        only_whole=setting == "scenario",
    )
    names_file = version / ITEM_NAMES
    start = Findings(
        setting=setting,
        model=f"{manifest['model_name']} {version.name}",
        source=path.name,
        rows=rows,
        num_new_rows=len(rows.interactions),
        num_unknown_items=_num_unknown(version, ITEM_ID, rows),
        has_known=dataset_dir is not None,
        item_names=json.loads(names_file.read_text("utf-8"))
        if names_file.exists()
        else {},
    )
    if setting == "user":
        middle = (manifest["label_min"] + manifest["label_max"]) / 2.0
        findings = _of_users(start, ServedUsers(version), dataset_dir, middle)
    else:
        unknown = _num_unknown(version, USER_ID, rows)
        start = dataclasses.replace(start, num_unknown_users=unknown)
        findings = _of_scenario(start, ServedScenarios(version), dataset_dir, path.stem)
    rules = apply_rules(findings)
    refused = "".join(row.to_json() + "\n" for row in rows.refused)
    write_atomically(output / REJECTED_FILE, refused)
    text = json.dumps(as_json(findings, rules), indent=2, ensure_ascii=False)
    write_atomically(output / JSON_FILE, text + "\n")
    write_atomically(output / PAGE_FILE, onboarding_page(findings, rules))
    print(as_text(findings, rules))
    print(output / PAGE_FILE)
    return 0 if is_go(rules) else NO_GO


def _of_users(
    start: Findings,
    model: ServedUsers,
    dataset_dir: pathlib.Path | None,
    middle: float,
) -> Findings:
    """Finds out all there is about new users; `middle` is that of the labels."""
    tasks = user_tasks(start.rows, model)
    others = mean_of_others(tasks, default=middle)
    baselines: dict[str, Baseline] = {SUPPORT_MEAN: support_mean(others)}
    found = start
    if dataset_dir is not None:
        say("onboard: reading known users")
        known = load_known_users(dataset_dir)
        mean = known.item_means[""]
        baselines = {
            ITEM_MEAN: known.item_mean,
            SUPPORT_MEAN: support_mean(lambda _: mean),
        }
        num_tasks = len(tasks)
        tasks = [task for task in tasks if task.task_id not in known.trained_ids]
        say("onboard: placing the new users among known ones")
        placement = place_users(model, known, tasks)
        say("onboard: choosing questions by known users")
        plan = plan_questions(model.rank, known.meta_train, known.meta_validation)
        found = dataclasses.replace(
            start,
            num_seen=num_tasks - len(tasks),
            num_new_rows=sum(task.labels.size for task in tasks),
            placement=placement,
            plan=plan,
        )
    usable = [task for task in tasks if task.labels.size >= MIN_PAIRS]
    if not usable:
        return found
    say("onboard: scoring the pairs of the new users")
    if len(usable) > MAX_USERS:
        chosen = np.random.default_rng(0).permutation(len(usable))[:MAX_USERS]
        usable = [usable[n] for n in sorted(chosen)]
    reference = next(iter(baselines))
    curve = user_curve(model.rank, usable, baselines, reference=reference)
    return dataclasses.replace(found, curve=curve)


def user_tasks(rows: NewInteractions, model: ServedUsers) -> list[UserTask]:
    """Returns the users of a file, in the order in which they come."""
    pairs = collections.defaultdict(list)
    for user_id, item_id, label in rows.interactions:
        pairs[user_id].append((item_id, label))
    return [
        UserTask(
            user_id,
            np.array([item for item, _ in of_user], object),
            np.array([label for _, label in of_user]),
            model.profile(rows.features[user_id]),
        )
        for user_id, of_user in pairs.items()
    ]


def _of_scenario(
    start: Findings,
    model: ServedScenarios,
    dataset_dir: pathlib.Path | None,
    task_id: str,
) -> Findings:
    """Finds out all there is about a new scenario."""
    found, popularity = start, None
    if dataset_dir is None:
        scenario = new_scenario(start.rows)
    else:
        say("onboard: reading known scenarios")
        known = load_known_scenarios(dataset_dir)
        popularity = known.popularity
        scenario = new_scenario(start.rows, known.clicks)
        say("onboard: placing the new scenario among known ones")
        num_seen = scenario.items.size - scenario.num_unseen
        found = dataclasses.replace(
            start,
            num_seen=num_seen,
            num_new_rows=start.num_new_rows - num_seen,
            placement=place_scenario(model, known, scenario, task_id),
        )
    if scenario.num_unseen < MIN_CLICKS:
        return found
    say("onboard: ranking the items of the new scenario")
    curve = scenario_curve(model.rank, scenario, popularity)
    return dataclasses.replace(found, curve=curve)


def new_scenario(
    rows: NewInteractions, seen: Collection[tuple[str, str]] = ()
) -> NewScenario:
    """Returns the scenario of a file: its clicks, and what was not clicked.

    Args:
        rows: The file.
        seen: User and item ids of clicks that the model has seen.
    """
    clicks = [row for row in rows.interactions if row.label == _CLICK]
    shown = collections.defaultdict(list)
    for user_id, item_id, label in rows.interactions:
        if label != _CLICK:
            shown[user_id].append(item_id)
    return NewScenario(
        np.array([row.user_id for row in clicks], object),
        np.array([row.item_id for row in clicks], object),
        shown,
        np.array([(row.user_id, row.item_id) in seen for row in clicks], bool),
    )


def _check_manifest(
    manifest: Mapping[str, object], setting: str, dataset_dir: pathlib.Path | None
) -> None:
    """Checks that model, file and data set belong together."""
    if manifest["setting"] != setting:
        flags = {"user": "--users", "scenario": "--scenario"}
        raise DataError(
            f"{flags[setting]} goes with a model of setting {setting!r}, got one of "
            f"{manifest['setting']!r}: give {flags[str(manifest['setting'])]}."
        )
    if dataset_dir is None:
        return
    fingerprint = json.loads(read_dataset_json(dataset_dir))["fingerprint"]
    if manifest["dataset_fingerprint"] != fingerprint:
        raise DataError(
            "--config must be that of the data the model was made for, which is data "
            f"set {manifest['dataset_fingerprint']!r}, got {fingerprint!r}."
        )


def _num_unknown(version: pathlib.Path, name: str, rows: NewInteractions) -> int:
    """Counts ids of a file that are not in the vocabulary of the model."""
    path = version / "assets" / f"{name}.txt"
    known = set(path.read_text(encoding="utf-8").split("\n"))
    column: Sequence[str] = [getattr(row, name) for row in rows.interactions]
    return len(set(column) - known)
