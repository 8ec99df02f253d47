"""What single steps need of the user-specific setting."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from pipeline.settings.finding import Finding
from pipeline.settings.step_parts import StepParts
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.facts import pair_groups, user_facts
from pipeline.settings.user.groups import (
    GROUP_WORDS,
    cold_and_warm,
    cold_start_groups,
)
from pipeline.settings.user.labelled_supports import labelled_users
from pipeline.settings.user.metrics import metric_notes
from pipeline.settings.user.readiness import check_ratings
from pipeline.settings.user.task_request import user_request
from pipeline.settings.user.training import user_episodes


def user_parts() -> StepParts:
    """Returns the functions of single steps."""
    return StepParts(
        group_words=lambda data: GROUP_WORDS,
        metric_notes=metric_notes,
        check=check_ratings,
        metric_unit=lambda data: data.label_unit.std,
        whole=_whole,
        further_intervals=cold_and_warm,
        further_groups=cold_start_groups,
        episodes=user_episodes,
        supports=labelled_users,
        context_orders=4,  # Users are many, and their support sets short.
        request=user_request,
        description=lambda data: "A task is a user with ratings.",
        facts=user_facts,
        pair_groups=lambda data, task_ids: pair_groups(data),
        audit=_audit,
    )


def _whole(config: UserConfig, data: UserData, folder: pathlib.Path) -> UserData:
    return data.whole()


def _audit(config: UserConfig, dataset_dir: pathlib.Path) -> Sequence[Finding]:
    from pipeline.settings.user.audit import audit_ratings

    return audit_ratings(config, dataset_dir)
