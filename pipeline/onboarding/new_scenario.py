"""A new scenario, measured on its own clicks and placed among known ones."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
from collections.abc import Collection

import numpy as np

from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import read_manifest
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.known_scenarios import load_known_scenarios, place_scenario
from pipeline.onboarding.new_interactions import NewInteractions, num_unknown
from pipeline.onboarding.new_tasks import NewTasks
from pipeline.onboarding.own_table import CLICK, own_clicks
from pipeline.onboarding.placement import why_no_place
from pipeline.onboarding.scenario_curve import MIN_CLICKS, NewScenario, scenario_curve
from pipeline.onboarding.served_model import ServedScenarios
from transforms.schema import USER_ID


def measure_scenario(
    start: Findings, version: pathlib.Path, dataset_dir: pathlib.Path | None
) -> Findings:
    """Measures how a model learns a new scenario; see `Measure`."""
    model = ServedScenarios(version)
    task_id = pathlib.PurePath(start.source).stem
    unknown = num_unknown(version, USER_ID, start.rows)
    findings = dataclasses.replace(
        start,
        num_unknown_users=unknown,
        title="a new scenario",
        seen_words="clicks it was trained on",
        asks_questions=False,
    )
    popularity = None
    if dataset_dir is None:
        scenario = new_scenario(start.rows)
    else:
        say("onboard: reading known scenarios")
        is_whole = read_manifest(version).get("trained_on") == "all"
        known = load_known_scenarios(dataset_dir, is_whole=is_whole)
        popularity = known.popularity
        scenario = new_scenario(start.rows, known.clicks)
        say("onboard: placing the new scenario among known ones")
        num_seen = scenario.items.size - scenario.num_unseen
        findings = dataclasses.replace(
            findings,
            num_seen=num_seen,
            num_new_rows=start.num_new_rows - num_seen,
            placement=place_scenario(model, known, scenario, task_id),
            no_place=why_no_place(
                [scenario.items.size],
                [task.support_item.size for task in known.meta_train],
                "scenarios",
            ),
        )
    if scenario.num_unseen < MIN_CLICKS:
        return findings
    say("onboard: ranking the items of the new scenario")
    curve = scenario_curve(model.rank, scenario, popularity)
    return dataclasses.replace(findings, curve=curve)


def new_scenario(
    rows: NewInteractions, seen: Collection[tuple[str, str]] = ()
) -> NewScenario:
    """Returns the scenario of a file: its clicks, and what was not clicked.

    Args:
        rows: The file.
        seen: User and item ids of clicks that the model has seen.
    """
    clicks = [row for row in rows.interactions if row.label == CLICK]
    unclicked = collections.defaultdict(list)
    for user_id, item_id, label in rows.interactions:
        if label != CLICK:
            unclicked[user_id].append(item_id)
    return NewScenario(
        np.array([row.user_id for row in clicks], object),
        np.array([row.item_id for row in clicks], object),
        unclicked,
        np.array([(row.user_id, row.item_id) in seen for row in clicks], bool),
    )


NEW_SCENARIO = NewTasks(
    "scenario",
    "--scenario",
    only_whole=True,
    own_table=own_clicks,
    measure=measure_scenario,
)
