"""The scenario-specific setting: a task is a scenario, its pairs are clicks."""

from models.cmml import CMML
from models.cmml_builders import clicked_cmml
from models.objectives.click_objective import ranking_loss
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData, load_scenario_data
from pipeline.settings.scenario.groups import scenario_groups
from pipeline.settings.scenario.methods import scenario_methods
from pipeline.settings.scenario.metrics import METRICS, metrics_by_task
from pipeline.settings.scenario.parts import SCENARIO_PARTS
from pipeline.settings.scenario.scoring import ClickScorer
from pipeline.settings.scenario.serving import scenario_serving
from pipeline.settings.scenario.training import scenario_training
from pipeline.settings.setting import Setting


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
    parts=SCENARIO_PARTS,
)
