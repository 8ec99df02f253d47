"""The scenario-specific setting: a task is a scenario, its pairs are clicks."""

import pathlib
from collections.abc import Mapping
from typing import Any

from models.cmml import CMML
from models.cmml_builders import clicked_cmml
from models.episodes.click_episodes import support_episode
from models.episodes.click_records import ScenarioTask
from models.objectives.click_objective import ranking_loss
from models.serving.served_explanations import MAX_EXPLAINED
from pipeline.experiment.prepared import read_ids, task_names
from pipeline.settings.scenario.audit.clicks import audit_clicks
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData, load_scenario_data
from pipeline.settings.scenario.facts import domain_groups, scenario_facts
from pipeline.settings.scenario.groups import (
    by_domain,
    group_words,
    pair_means,
    scenario_groups,
)
from pipeline.settings.scenario.labelled_supports import labelled_scenarios
from pipeline.settings.scenario.methods import scenario_methods
from pipeline.settings.scenario.metrics import METRICS, metrics_by_task
from pipeline.settings.scenario.pretrain import pretrain
from pipeline.settings.scenario.readiness import check_clicks
from pipeline.settings.scenario.scoring import ClickScorer
from pipeline.settings.scenario.serving import scenario_serving
from pipeline.settings.scenario.training import scenario_episodes, scenario_training
from pipeline.settings.scenario.whole import whole_scenarios
from pipeline.settings.setting import Setting
from pipeline.settings.step_parts import StepParts
from transforms import schema
from transforms.clicks.schema import USER_TASKS

_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)


def _build(config: ScenarioConfig, data: ScenarioData, *, fit: bool) -> CMML:
    """Builds a CMML of clicked pairs; nothing of it is fitted here."""
    factors = data.training_factors if fit else data.factors
    options = config.training
    return clicked_cmml(
        factors,
        config.model,
        loss=ranking_loss(options.loss, options.margin),
        query_negatives=options.query_negatives,
        open_fraction=options.open_fraction,
        always_open=data.info.has_user_tasks,
        seed=options.seed,
    )


def scenario_request(
    config: ScenarioConfig, data: ScenarioData, task_id: str
) -> Mapping[str, Any] | None:
    """Makes the request of a scenario, by its id or name; see `StepParts.request`.

    It is made for the first user who has a held-out click there.
    """
    names = task_names(data.directory, "scenario")
    for split in _SPLITS:
        for task in data.tasks(split) if data.info.num_tasks.get(split) else ():
            name = names.get(task.scenario_id, task.scenario_id)
            if task_id in (task.scenario_id, name):
                return _request_of(task, name, config, data.directory)
    return None


def _request_of(
    task: ScenarioTask, name: str, config: ScenarioConfig, dataset_dir: pathlib.Path
) -> Mapping[str, Any]:
    users = read_ids(dataset_dir, schema.USER_ID)
    items = read_ids(dataset_dir, schema.ITEM_ID)
    options = config.evaluation
    most = MAX_EXPLAINED // (1 + options.support_negatives)
    support = support_episode(
        task,
        max_clicks=min(options.support_size, most),
        num_negatives=options.support_negatives,
    )
    parts = tuple(
        support[f"support_{part}"].numpy()[0] for part in ("user", "item", "label")
    )
    query_user = task.query_user if task.query_user.size else task.support_user
    known = task.known_item[task.known_user == query_user[0]]
    if config.data.task == USER_TASKS:  # Any item is a candidate.
        _, of_support, labels = parts
        pairs = zip(of_support, labels, strict=True)
        return {
            "task_id": name,
            "support": [
                {"item_id": items[item], "label": float(label)} for item, label in pairs
            ],
            "exclude": items[known].tolist(),
        }
    return {
        "task_id": name,
        "user_id": users[query_user[0]],
        "support": [
            {"user_id": users[user], "item_id": items[item], "label": float(label)}
            for user, item, label in zip(*parts, strict=True)
        ],
        "candidates": items[task.pool].tolist(),
        "exclude": items[known].tolist(),
    }


SCENARIO = Setting(
    metrics=METRICS,
    load=load_scenario_data,
    build=_build,
    training=scenario_training,
    groups=scenario_groups,
    scorer=ClickScorer,
    by_task=metrics_by_task,
    methods=scenario_methods,
    serving=scenario_serving,
    parts=StepParts(
        check=check_clicks,
        group_words=group_words,
        whole=whole_scenarios,
        pretrain=pretrain,
        further_intervals=pair_means,
        further_groups=by_domain,
        episodes=scenario_episodes,
        supports=labelled_scenarios,
        context_orders=32,
        request=scenario_request,
        description=lambda data: f"A task is a {data.info.task} with clicks.",
        facts=scenario_facts,
        pair_groups=domain_groups,
        audit=audit_clicks,
    ),
)
