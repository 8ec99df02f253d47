"""The scenario-specific setting: a task is a scenario, its pairs are clicks."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from pipeline.experiment.config_section import Experiment
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.metrics import METRICS
from pipeline.settings.serving import Serving
from pipeline.settings.setting import Methods, Scorer, Source, TrainingPlan
from pipeline.settings.step_parts import StepParts

if TYPE_CHECKING:
    from models.cmml import CMML
    from models.recommender import Recommender
    from pipeline.settings.exported_model import ExportedModel
    from pipeline.settings.scenario.data import ScenarioData


class ScenarioSetting:
    """Scenarios with clicks; see `Setting`. TensorFlow is imported when it is used."""

    config: type[Experiment] = ScenarioConfig
    metrics: Sequence[Metric] = METRICS

    def source(self, config: ScenarioConfig) -> Source:
        """Returns tables of clicks and pools."""
        from pipeline.settings.scenario.source import click_source

        return click_source(config)

    def load(self, config: ScenarioConfig, dataset_dir: pathlib.Path) -> ScenarioData:
        """Reads the factors; tasks are read when they are used."""
        from pipeline.settings.scenario.data import load_scenario_data

        return load_scenario_data(config, dataset_dir)

    def build(self, config: ScenarioConfig, data: ScenarioData, *, fit: bool) -> CMML:
        """Builds a CMML of clicked pairs; nothing of it is fitted here."""
        from models.cmml_builders import clicked_cmml
        from models.objectives.click_objective import ranking_loss

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

    def training(self, config: ScenarioConfig, data: ScenarioData) -> TrainingPlan:
        """Returns episodes drawn afresh from the folds of meta-train."""
        from pipeline.settings.scenario.training import scenario_training

        return scenario_training(config, data)

    def groups(
        self, config: ScenarioConfig, data: ScenarioData, split: str
    ) -> list[Shown]:
        """Returns all users, then some of them with other support sets."""
        from pipeline.settings.scenario.groups import scenario_groups

        return scenario_groups(config, data, split)

    def scorer(
        self, method: Recommender, config: ScenarioConfig, data: ScenarioData
    ) -> Scorer:
        """Returns what ranks pools."""
        from pipeline.settings.scenario.scoring import ClickScorer

        return ClickScorer(method, config, data)

    def by_task(
        self, pairs: ScoredPairs, *, names: Sequence[str] | None = None
    ) -> dict[str, Floats]:
        """Returns how high held-out clicks are ranked, means over users of a task."""
        from pipeline.settings.scenario.metrics import metrics_by_task

        return metrics_by_task(pairs, names=names)

    def methods(self, config: ScenarioConfig) -> Methods:
        """Returns the methods of clicks, of new users where these are tasks."""
        from pipeline.settings.scenario.methods import scenario_methods

        return scenario_methods(config)

    def serving(self, config: ScenarioConfig, data: ScenarioData) -> Serving:
        """Returns the served form with ids of users and items."""
        from pipeline.settings.scenario.serving import scenario_serving

        return scenario_serving(config, data)

    def exported(self) -> type[ExportedModel]:
        """Returns what asks an exported model."""
        from pipeline.settings.scenario.exported_model import ExportedScenarioModel

        return ExportedScenarioModel

    def parts(self) -> StepParts:
        """Returns what one step alone needs."""
        from pipeline.settings.scenario.parts import scenario_parts

        return scenario_parts()
