"""What single steps need of the scenario-specific setting."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from pipeline.settings.finding import Finding
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.scenario.facts import domain_groups, scenario_facts
from pipeline.settings.scenario.groups import by_domain, group_words, pair_means
from pipeline.settings.scenario.labelled_supports import labelled_scenarios
from pipeline.settings.scenario.readiness import check_clicks
from pipeline.settings.scenario.scenario_names import scenario_names
from pipeline.settings.scenario.task_request import scenario_request
from pipeline.settings.scenario.training import scenario_episodes
from pipeline.settings.step_parts import StepParts


def scenario_parts() -> StepParts:
    """Returns the functions of single steps."""
    return StepParts(
        check=check_clicks,
        group_words=group_words,
        whole=_whole,
        pretrain=_pretrain,
        further_intervals=pair_means,
        further_groups=by_domain,
        task_names=scenario_names,
        episodes=scenario_episodes,
        supports=labelled_scenarios,
        context_orders=32,
        request=scenario_request,
        description=_description,
        facts=scenario_facts,
        pair_groups=domain_groups,
        audit=_audit,
    )


def _description(data: ScenarioData) -> str:
    return f"A task is a {data.info.task} with clicks."


def _pretrain(config: ScenarioConfig, dataset_dir: pathlib.Path) -> pathlib.Path:
    from pipeline.settings.scenario.pretrain import pretrain

    return pretrain(config, dataset_dir)


def _whole(
    config: ScenarioConfig, data: ScenarioData, folder: pathlib.Path
) -> ScenarioData:
    from pipeline.settings.scenario.whole import whole_scenarios

    return whole_scenarios(config, data, folder)


def _audit(config: ScenarioConfig, dataset_dir: pathlib.Path) -> Sequence[Finding]:
    from pipeline.settings.scenario.audit.clicks import audit_clicks

    return audit_clicks(config, dataset_dir)
