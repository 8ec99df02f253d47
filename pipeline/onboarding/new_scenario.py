"""A new scenario, measured on its own clicks and placed among known ones."""

import collections
import dataclasses
import itertools
import pathlib
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import ScenarioTask, load_known_clicks, read_tasks
from pipeline.experiment.prepared import read_ids, task_names
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import read_manifest
from pipeline.onboarding.findings import Findings, NewTasks
from pipeline.onboarding.new_interactions import NewInteractions, num_unknown
from pipeline.onboarding.own_table import CLICK, own_clicks
from pipeline.onboarding.placement import (
    MIN_KNOWN,
    Placement,
    SizeGroup,
    place_tasks,
    size_for,
    why_no_place,
)
from pipeline.onboarding.scenario_curve import MIN_CLICKS, NewScenario, scenario_curve
from pipeline.onboarding.served_model import ServedScenarios
from pipeline.onboarding.tasks import ScenarioSupport
from transforms import schema
from transforms.clicks.schema import load_scenario_info
from transforms.schema import USER_ID

MAX_SCENARIOS = 400  # Of meta-train, the first ones.

_NUM_PROBES = 64  # Pairs at which it is looked at what a context changes.


def measure_scenario(
    start: Findings, version: pathlib.Path, dataset_dir: pathlib.Path | None
) -> Findings:
    """Measures how a model learns a new scenario; see `Measure`."""
    model = ServedScenarios(version)
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
        findings = _among_known(findings, model, known, scenario)
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


@dataclasses.dataclass(frozen=True, eq=False)
class KnownScenarios:
    """What the export does not hold.

    Attributes:
        meta_train: Scenarios that the model was trained on.
        popularity: Known clicks by item id.
        clicks: User and item ids of all known clicks.
        user_ids: object [N + 1], by row of the user table.
        item_ids: object [N + 1], by row of the item table.
        names: Names of scenarios by id; empty if there are none.
    """

    meta_train: Sequence[ScenarioTask]
    popularity: Mapping[str, int]
    clicks: frozenset[tuple[str, str]]
    user_ids: NDArray[np.object_]
    item_ids: NDArray[np.object_]
    names: Mapping[str, str]

    def support(
        self, task: ScenarioTask, size: int, chance: np.random.Generator
    ) -> ScenarioSupport:
        """Draws clicks of a scenario, each with the first of its negatives."""
        places = chance.permutation(task.support_item.size)[:size]
        items = np.stack(
            [task.support_item[places], task.support_negative[places, 0]], axis=1
        )
        return ScenarioSupport(
            np.repeat(self.user_ids[task.support_user[places]], 2),
            self.item_ids[items.ravel()],
            np.tile([1.0, 0.0], places.size),
        )


def load_known_scenarios(
    dataset_dir: pathlib.Path, *, is_whole: bool
) -> KnownScenarios:
    """Reads some scenarios of meta-train, and all clicks that were trained on.

    Args:
        dataset_dir: The prepared data set.
        is_whole: Whether the model was trained on all of its clicks.

    Raises:
        DataError: If it is not complete.
    """
    info = load_scenario_info(dataset_dir)
    known = load_known_clicks(dataset_dir, info, with_held_out=is_whole)
    user_ids = read_ids(dataset_dir, schema.USER_ID)
    item_ids = read_ids(dataset_dir, schema.ITEM_ID)
    counts = np.bincount(known.item, minlength=info.num_items + 1).tolist()

    tasks = read_tasks(dataset_dir, schema.META_TRAIN, info)
    clicks = zip(user_ids[known.user], item_ids[known.item], strict=True)
    return KnownScenarios(
        list(itertools.islice(tasks, MAX_SCENARIOS)),
        dict(zip(item_ids, counts, strict=True)),
        frozenset(clicks),
        user_ids,
        item_ids,
        task_names(dataset_dir, "scenario"),
    )


def _among_known(
    start: Findings, model: ServedScenarios, known: KnownScenarios, new: NewScenario
) -> Findings:
    """Counts the clicks that are known, and places the scenario among known ones."""
    say("onboard: placing the new scenario among known ones")
    num_seen = new.items.size - new.num_unseen
    task_id = pathlib.PurePath(start.source).stem
    return dataclasses.replace(
        start,
        num_seen=num_seen,
        num_new_rows=start.num_new_rows - num_seen,
        placement=place_scenario(model, known, new, task_id),
        no_place=why_no_place(
            [new.items.size],
            [task.support_item.size for task in known.meta_train],
            "scenarios",
            is_trained=model.is_trained,
        ),
    )


def place_scenario(
    model: ServedScenarios, known: KnownScenarios, new: NewScenario, task_id: str
) -> Placement | None:
    """Places a new scenario among known ones, by what it changes of the backbone.

    It is looked at at known pairs, drawn at random, the same for all.

    Args:
        model: The exported model.
        known: Known scenarios.
        new: The new one.
        task_id: What it is called.

    Returns:
        None if contexts change nothing, or too few scenarios are known.
    """
    chance = np.random.default_rng(0)
    size = size_for(new.items.size)
    train = [task for task in known.meta_train if task.support_item.size >= size]
    if not model.is_trained or not size or len(train) < MIN_KNOWN:
        return None
    probes = [known.support(task, 1, chance) for task in train]
    pairs = [
        (s.users[0], s.items[0]) for s in probes[:: max(1, len(train) // _NUM_PROBES)]
    ][:_NUM_PROBES]
    users, items = (np.array(ids, object) for ids in zip(*pairs, strict=True))
    places = chance.permutation(new.items.size)[:size]
    support = new.support(places, new.negatives(chance))

    supports = [known.support(task, size, chance) for task in train]
    group = SizeGroup(
        size,
        model.modulations(supports, users, items),
        [known.names.get(task.scenario_id, task.scenario_id) for task in train],
        model.modulations([support], users, items),
        [task_id],
    )
    return place_tasks([group])
