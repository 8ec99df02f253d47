"""New users, measured on their own pairs and placed among known ones."""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import judged_dir, read_manifest
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.known_users import (
    ITEM_MEAN,
    SUPPORT_MEAN,
    KnownUsers,
    load_known_users,
    mean_of_others,
    place_users,
    support_mean,
)
from pipeline.onboarding.new_interactions import NewInteractions
from pipeline.onboarding.new_tasks import NewTasks
from pipeline.onboarding.own_table import own_ratings
from pipeline.onboarding.placement import why_no_place
from pipeline.onboarding.questions import plan_questions
from pipeline.onboarding.served_model import ServedUsers
from pipeline.onboarding.tasks import UserTask
from pipeline.onboarding.user_curve import MAX_USERS, MIN_PAIRS, Baseline, user_curve


def measure_users(
    start: Findings, version: pathlib.Path, dataset_dir: pathlib.Path | None
) -> Findings:
    """Measures how a model learns new users; see `Measure`."""
    model = ServedUsers(version)
    manifest = read_manifest(version)
    middle = (manifest["label_min"] + manifest["label_max"]) / 2.0
    tasks = user_tasks(start.rows, model)
    others = mean_of_others(tasks, default=middle)
    baselines: dict[str, Baseline] = {SUPPORT_MEAN: support_mean(others)}
    findings = start
    if dataset_dir is not None:
        say("onboard: reading known users")
        is_whole = manifest.get("trained_on") == "all"
        known = load_known_users(dataset_dir, is_whole=is_whole)
        mean = known.item_means[""]
        baselines = {
            ITEM_MEAN: known.item_mean,
            SUPPORT_MEAN: support_mean(lambda _: mean),
        }
        tasks = [task for task in tasks if task.task_id not in known.trained_ids]
        judged = ServedUsers(judged_dir(version))  # Has not seen meta-validation.
        findings = _among_known(start, model, judged, known, tasks)
    usable = _usable(tasks)
    if not usable:
        return findings
    say("onboard: scoring the pairs of the new users")
    reference = next(iter(baselines))
    curve = user_curve(model.rank, usable, baselines, reference=reference)
    return dataclasses.replace(findings, curve=curve)


def _among_known(
    start: Findings,
    model: ServedUsers,
    judged: ServedUsers,
    known: KnownUsers,
    tasks: Sequence[UserTask],
) -> Findings:
    """Places new users among known ones, and chooses what to ask by these.

    Args:
        start: What the file holds.
        model: The exported model.
        judged: The model that was judged before, which may be the same.
        known: Known users.
        tasks: Users of the file that the model was not trained on.
    """
    say("onboard: placing the new users among known ones")
    placement = place_users(model, known, tasks)
    num_pairs = [task.labels.size for task in tasks]
    of_known = [task.labels.size for task in known.meta_train]
    say("onboard: choosing questions by known users")
    return dataclasses.replace(
        start,
        num_seen=start.num_users - len(tasks),
        num_new_rows=sum(num_pairs),
        placement=placement,
        no_place=why_no_place(num_pairs, of_known, "users"),
        plan=plan_questions(judged.rank, known.meta_train, known.meta_validation),
    )


def _usable(tasks: Sequence[UserTask]) -> list[UserTask]:
    """Returns the users with enough pairs, some of them if there are too many."""
    usable = [task for task in tasks if task.labels.size >= MIN_PAIRS]
    if len(usable) <= MAX_USERS:
        return usable
    chosen = np.random.default_rng(0).permutation(len(usable))[:MAX_USERS]
    return [usable[n] for n in sorted(chosen)]


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


NEW_USERS = NewTasks(
    "user",
    "--users",
    only_whole=False,
    own_table=own_ratings,
    measure=measure_users,
)
